# Tables: one folder for each study; then the verdict on its claims. One rule for each study, since their tables differ.

for name, planned in PLAN.studies.items():

    rule:
        name:
            f"tabulate_{name}"
        input:
            files=study_inputs(name),
            # Not read: their record tells with which code they were prepared.
            data=study_data(name),
            settings=settings(
                f"tabulate/{name}",
                study_table(name, "arms"),
                tables_spec(PLAN, name),
                "tabulate_study.py",
                made_from=made_from(name),
            ),
        output:
            **{table: study_table(name, table) for table in planned.tables},
        log:
            f"logs/{PLAN.campaign}/tabulate_study/{name}.log",
        conda:
            "../envs/tables.yaml"
        params:
            spec=constant(tables_spec(PLAN, name)),
            code=code("tabulate_study.py"),
            env=env("tabulate_study.py"),
            identity=study_identity(PLAN, name),
        message:
            f"Tabulate the study {name}"
        script:
            "../scripts/tabulate_study.py"


rule judge_claims:
    input:
        unpack(lambda wildcards: claim_tables(wildcards.study)),
        settings=lambda wildcards: settings(
            f"judge/{wildcards.study}",
            study_table(wildcards.study, "claims"),
            claims_spec(PLAN, wildcards.study),
            "judge_claims.py",
        ),
    output:
        claims=f"{RESULTS}/tables/{{study}}/claims.csv",
    log:
        f"logs/{PLAN.campaign}/judge_claims/{{study}}.log",
    conda:
        "../envs/tables.yaml"
    params:
        spec=lambda wildcards: canonical(claims_spec(PLAN, wildcards.study)),
        code=code("judge_claims.py"),
        env=env("judge_claims.py"),
        identity=lambda wildcards: study_identity(PLAN, wildcards.study),
    message:
        "Judge the claims of {wildcards.study}"
    script:
        "../scripts/judge_claims.py"


rule merge_tables:
    input:
        merged=lambda wildcards: [
            study_table(study, wildcards.table) for study in PLAN.studies
        ],
        settings=lambda wildcards: settings(
            f"merge/{wildcards.table}",
            f"{RESULTS}/tables/{wildcards.table}.csv",
            merge_spec(PLAN, wildcards.table),
            "merge_tables.py",
        ),
    output:
        merged=f"{RESULTS}/tables/{{table}}.csv",
    log:
        f"logs/{PLAN.campaign}/merge_tables/{{table}}.log",
    wildcard_constraints:
        table="arms|history|distances|summary|comparisons|claims",
    conda:
        "../envs/tables.yaml"
    params:
        spec=lambda wildcards: canonical(merge_spec(PLAN, wildcards.table)),
        code=code("merge_tables.py"),
        env=env("merge_tables.py"),
        identity=campaign_identity(PLAN),
    message:
        "Join the studies' tables: {wildcards.table}"
    script:
        "../scripts/merge_tables.py"
