# Probes: measurements on snapshots, each a folder with the tables that the probe declares.


rule measure_probe:
    input:
        unpack(CAMPAIGN.inputs("measure_probe")),
    output:
        tables=directory("results/probes/{kind}/{probe}/seeds-{block}"),
    log:
        "logs/measure_probe/{kind}/{probe}/seeds-{block}.log",
    benchmark:
        "logs/measure_probe/{kind}/{probe}/seeds-{block}.benchmark.tsv"
    wildcard_constraints:
        kind=CAMPAIGN.kinds("measure_probe"),
    priority: CAMPAIGN.priority("measure_probe")
    group:
        ASKS.group("measure_probe")
    container:
        IMAGE
    threads: 1
    resources:
        **ASKS.resources("measure_probe"),
    params:
        **CAMPAIGN.params("measure_probe"),
    message:
        "Measure {wildcards.kind} at {wildcards.probe}, seeds {wildcards.block}"
    script:
        "../scripts/measure_probe.py"


# It has the machine to itself, because it measures times, and starts no Keras of its own.
rule measure_apart:
    input:
        unpack(CAMPAIGN.inputs("measure_apart")),
    output:
        tables=directory("results/probes/{kind}/{probe}/seeds-{block}"),
    log:
        "logs/measure_apart/{kind}/{probe}/seeds-{block}.log",
    benchmark:
        "logs/measure_apart/{kind}/{probe}/seeds-{block}.benchmark.tsv"
    wildcard_constraints:
        kind=CAMPAIGN.kinds("measure_apart"),
    priority: CAMPAIGN.priority("measure_apart")
    container:
        IMAGE
    threads: workflow.cores
    resources:
        **ASKS.resources("measure_apart", apart=True),
    params:
        **CAMPAIGN.params("measure_apart"),
    message:
        "Measure {wildcards.kind} at {wildcards.probe}, seeds {wildcards.block}"
    script:
        "../scripts/measure_apart.py"
