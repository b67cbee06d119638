# Tables: one folder for each study, tables derived from them, and the verdict on the study's claims.


rule tabulate_study:
    input:
        unpack(CAMPAIGN.inputs("tabulate_study")),
    output:
        tables=directory(f"{RESULTS}/tables/{{study}}"),
    log:
        f"logs/{PLAN.campaign}/tabulate_study/{{study}}.log",
    localrule: True
    container:
        IMAGE
    params:
        **CAMPAIGN.params("tabulate_study"),
    message:
        "Tabulate the study {wildcards.study}"
    script:
        "../scripts/tabulate_study.py"


rule derive_table:
    input:
        unpack(CAMPAIGN.inputs("derive_table")),
    output:
        table=f"{RESULTS}/derived/{{study}}/{{table}}.csv",
    log:
        f"logs/{PLAN.campaign}/derive_table/{{study}}/{{table}}.log",
    localrule: True
    container:
        IMAGE
    params:
        **CAMPAIGN.params("derive_table"),
    message:
        "Derive {wildcards.study}: {wildcards.table}"
    script:
        "../scripts/derive_table.py"


rule judge_claims:
    input:
        unpack(CAMPAIGN.inputs("judge_claims")),
    output:
        claims=f"{RESULTS}/claims/{{study}}.csv",
    log:
        f"logs/{PLAN.campaign}/judge_claims/{{study}}.log",
    localrule: True
    container:
        IMAGE
    params:
        **CAMPAIGN.params("judge_claims"),
    message:
        "Judge the claims of {wildcards.study}"
    script:
        "../scripts/judge_claims.py"


rule merge_tables:
    input:
        unpack(CAMPAIGN.inputs("merge_tables")),
    output:
        merged=f"{RESULTS}/tables/{{table}}.csv",
    log:
        f"logs/{PLAN.campaign}/merge_tables/{{table}}.log",
    localrule: True
    container:
        IMAGE
    params:
        **CAMPAIGN.params("merge_tables"),
    message:
        "Join the studies' tables: {wildcards.table}"
    script:
        "../scripts/merge_tables.py"
