# Probes: measurements on snapshots. One rule for each kind, because each kind writes tables of its own.

for kind, tables in PROBE_TABLES.items():

    rule:
        name:
            f"measure_{kind}"
        input:
            data=lambda wildcards: data_path(
                PLAN.segments[probe_of(wildcards).segment].data
            ),
            initial=lambda wildcards: segment_path(
                PLAN.segments[probe_of(wildcards).segment].initial, wildcards.block
            ),
            state=lambda wildcards: segment_path(
                probe_of(wildcards).segment, wildcards.block
            ),
            settings=lambda wildcards: shared_settings(
                probe_path(
                    probe_of(wildcards),
                    wildcards.block,
                    PROBE_TABLES[probe_of(wildcards).kind][0],
                ),
                probe_digests(wildcards.probe),
            ),
        output:
            **{
                table: f"results/probes/{kind}/{{probe}}/seeds-{{block}}/{table}.csv"
                for table in tables
            },
        log:
            f"logs/measure_{kind}/{{probe}}/seeds-{{block}}.log",
        priority: lambda wildcards: PRIORITIES[wildcards.probe]
        conda:
            "../envs/train.yaml"
        resources:
            mem_mb=4000,
        params:
            spec=lambda wildcards: probe_spec(wildcards.probe, wildcards.block),
            source=lambda wildcards, output: model_source(
                PLAN, probe_of(wildcards).segment
            ),
            code=lambda wildcards: probe_digests(wildcards.probe)["code"],
            env=env("measure_probe.py", f"batchlab.probes.{kind}.measure"),
            identity=lambda wildcards: [
                *identity_chain(PLAN, probe_of(wildcards).segment),
                wildcards.probe,
            ],
        message:
            f"Measure {kind.replace('_', ' ')} at {{wildcards.probe}}, seeds {{wildcards.block}}"
        script:
            "../scripts/measure_probe.py"
