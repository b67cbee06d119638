# The report page, and one target for each study.


rule write_report:
    input:
        figures=[path for study in PLAN.studies for path in figure_paths(study)],
        tables=[path for study in PLAN.studies for path in table_paths(study)],
        merged=expand(f"{RESULTS}/tables/{{table}}.csv", table=MERGED_TABLES),
        settings=settings(
            "write", f"{RESULTS}/index.html", report_spec(PLAN), "write_report.py"
        ),
    output:
        page=report(
            f"{RESULTS}/index.html", caption="../config/page.rst", category="report"
        ),
    log:
        f"logs/{PLAN.campaign}/write_report.log",
    conda:
        "../envs/figures.yaml"
    params:
        spec=constant(report_spec(PLAN)),
        code=code("write_report.py"),
        env=env("write_report.py"),
        identity=campaign_identity(PLAN),
    message:
        "Write the report of the campaign"
    script:
        "../scripts/write_report.py"


for name in PLAN.studies:

    rule:
        name:
            name
        input:
            table_paths(name),
            figure_paths(name),
        localrule: True
        message:
            f"The study {name} is complete"
