# Training: the initial weights of each seed, then segment after segment. A user's model is tried before.


rule check_model:
    input:
        unpack(CAMPAIGN.inputs("check_model")),
    output:
        findings="results/segments/{initial}/check.json",
    log:
        "logs/check_model/{initial}.log",
    group:
        ASKS.group("check_model")
    container:
        IMAGE
    resources:
        **ASKS.resources("check_model"),
    params:
        **CAMPAIGN.params("check_model"),
    message:
        "Try the model of {wildcards.initial}"
    script:
        "../scripts/check_model.py"


rule initialise_model:
    input:
        unpack(CAMPAIGN.inputs("initialise_model")),
    output:
        state="results/segments/{initial}/seeds-{block}/state.npz",
        history="results/segments/{initial}/seeds-{block}/history.csv",
        distances="results/segments/{initial}/seeds-{block}/distances.csv",
    log:
        "logs/initialise_model/{initial}/seeds-{block}.log",
    priority: CAMPAIGN.priority("initialise_model")
    group:
        ASKS.group("initialise_model")
    container:
        IMAGE
    resources:
        **ASKS.resources("initialise_model"),
    params:
        **CAMPAIGN.params("initialise_model"),
    message:
        "Draw the initial weights {wildcards.initial}, seeds {wildcards.block}"
    script:
        "../scripts/initialise_model.py"


# Segments that differ in their learning rates alone, in one process; the job of each then takes its files.
rule train_together:
    input:
        unpack(TOGETHER.needed),
    output:
        trained=temp(f"{TOGETHER.folder}/{{segment}}/seeds-{{block}}"),
    log:
        "logs/train_together/{segment}/seeds-{block}.log",
    priority: CAMPAIGN.priority("train_segment")
    container:
        IMAGE
    threads: 1
    resources:
        **ASKS.resources("train_segment"),
    params:
        spec=TOGETHER.spec,
        source=lambda wildcards, output: TOGETHER.source(wildcards),
    message:
        "Train {wildcards.segment} and others like it, seeds {wildcards.block}"
    script:
        "../scripts/train_segment.py"


rule train_segment:
    input:
        unpack(TOGETHER.inputs()),
    output:
        state="results/segments/{segment}/seeds-{block}/state.npz",
        history="results/segments/{segment}/seeds-{block}/history.csv",
        distances="results/segments/{segment}/seeds-{block}/distances.csv",
    log:
        "logs/train_segment/{segment}/seeds-{block}.log",
    benchmark:
        "logs/train_segment/{segment}/seeds-{block}.benchmark.tsv"
    priority: CAMPAIGN.priority("train_segment")
    group:
        ASKS.group("train_segment")
    container:
        IMAGE
    threads: 1
    resources:
        **ASKS.resources("train_segment"),
    params:
        **CAMPAIGN.params("train_segment"),
    message:
        "Train {wildcards.segment}, seeds {wildcards.block}"
    script:
        "../scripts/train_segment.py"
