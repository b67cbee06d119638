# The report page, and one target for each study.


rule write_report:
    input:
        unpack(CAMPAIGN.inputs("write_report")),
    output:
        page=f"{RESULTS}/index.html",
        # What Snakemake's own report shows of it: a page without links to files that such a report does not hold.
        claims=report(
            f"{RESULTS}/claims.html",
            caption="../config/page.rst",
            category="00 All claims",
            labels={"figure": "–", "title": "Claims, published and measured"},
        ),
    log:
        f"logs/{PLAN.campaign}/write_report.log",
    localrule: True
    container:
        IMAGE
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
            CAMPAIGN.target(
                "tables", "claims", "drawn", "figures", "answer", study=name
            ),
        localrule: True
        message:
            f"The study {name} is complete"
