# Which batch size to take: the machine, measured alone, and the answer of a study with a grid of sizes and rates.


rule measured:
    input:
        CAMPAIGN.target("tables", study="machine"),
    localrule: True
    message:
        "The machine is measured"


rule write_advice:
    input:
        unpack(CAMPAIGN.inputs("write_advice")),
    output:
        answer=f"{RESULTS}/{{study}}.json",
        page=f"{RESULTS}/{{study}}.html",
    log:
        f"logs/{PLAN.campaign}/write_advice/{{study}}.log",
    wildcard_constraints:
        study=CAMPAIGN.advising,
    localrule: True
    container:
        IMAGE
    params:
        **CAMPAIGN.params("write_advice"),
    message:
        "Write the answer of {wildcards.study}"
    script:
        "../scripts/write_advice.py"
