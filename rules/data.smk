# Data sets: downloaded or read, verified, split into training, validation and test set.


rule prepare_data:
    input:
        settings=lambda wildcards: shared_settings(
            data_path(wildcards.dataset), data_digests()
        ),
    output:
        data="results/data/{dataset}/data.npz",
    log:
        "logs/prepare_data/{dataset}.log",
    conda:
        "../envs/tables.yaml"
    params:
        spec=lambda wildcards: canonical(data_spec(PLAN, wildcards.dataset)),
        # Not compared by Snakemake, because it asks for `output`: a moved file is the same data.
        source=lambda wildcards, output: data_source(PLAN, wildcards.dataset),
        code=code("prepare_data.py"),
        env=env("prepare_data.py"),
        identity=lambda wildcards: wildcards.dataset,
    message:
        "Prepare the data set {wildcards.dataset}"
    script:
        "../scripts/prepare_data.py"
