# The report page, and one target for each study.


rule write_report:
    input:
        unpack(CAMPAIGN.inputs("write_report")),
    output:
        page=report(
            f"{RESULTS}/index.html", caption="../config/page.rst", category="report"
        ),
    log:
        f"logs/{PLAN.campaign}/write_report.log",
    conda:
        "../envs/figures.yaml"
    params:
        **CAMPAIGN.params("write_report"),
    message:
        "Write the report of the campaign"
    script:
        "../scripts/write_report.py"


for name in PLAN.studies:

    rule:
        name:
            name
        input:
            CAMPAIGN.target("tables", "claims", "drawn", "figures", study=name),
        localrule: True
        message:
            f"The study {name} is complete"
