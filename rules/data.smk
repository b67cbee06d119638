# Data sets: downloaded or read, verified, split into training, validation and test set.


rule prepare_data:
    input:
        settings=lambda wildcards: shared_settings(
            data_path(wildcards.dataset), data_digests(wildcards.dataset)
        ),
    output:
        data="results/data/{dataset}/data.npz",
    log:
        "logs/prepare_data/{dataset}.log",
    conda:
        "../envs/tables.yaml"
    params:
        spec=lambda wildcards: canonical(PLAN.data[wildcards.dataset].spec),
        # Not compared by Snakemake, because it asks for `output`: a moved file is the same data.
        source=lambda wildcards, output: PLAN.data[wildcards.dataset].source,
        code=lambda wildcards: data_digests(wildcards.dataset)["code"],
        env=lambda wildcards: data_digests(wildcards.dataset)["environment"],
        identity=lambda wildcards: wildcards.dataset,
    message:
        "Prepare the data set {wildcards.dataset}"
    script:
        "../scripts/prepare_data.py"
