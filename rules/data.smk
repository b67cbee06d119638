# Data sets: downloaded or read, verified, split into training, validation and test set.


rule prepare_data:
    input:
        unpack(CAMPAIGN.inputs("prepare_data")),
    output:
        data="results/data/{dataset}/data.npz",
        understood="results/data/{dataset}/understood.json",
    log:
        "logs/prepare_data/{dataset}.log",
    localrule: True
    container:
        IMAGE
    params:
        **CAMPAIGN.params("prepare_data"),
    message:
        "Prepare the data set {wildcards.dataset}"
    script:
        "../scripts/prepare_data.py"
