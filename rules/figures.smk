# Figures: each from its study's table, in four formats. A figure reads tables and nothing else.


rule draw_figure:
    input:
        unpack(lambda wildcards: figure_tables(wildcards.study, wildcards.figure)),
        settings=lambda wildcards: settings(
            f"draw/{wildcards.study}/{wildcards.figure}",
            f"{RESULTS}/figures/{wildcards.study}/{wildcards.figure}.svg",
            figure_spec(PLAN, wildcards.study, wildcards.figure),
            "draw_figure.py",
            *chart_modules(wildcards),
        ),
    output:
        svg=report(
            f"{RESULTS}/figures/{{study}}/{{figure}}.svg",
            caption="../config/figure.rst",
            category="{study}",
            labels={"figure": "{figure}"},
        ),
        png=f"{RESULTS}/figures/{{study}}/{{figure}}.png",
        html=f"{RESULTS}/figures/{{study}}/{{figure}}.html",
        vl_json=f"{RESULTS}/figures/{{study}}/{{figure}}.vl.json",
    log:
        f"logs/{PLAN.campaign}/draw_figure/{{study}}/{{figure}}.log",
    conda:
        "../envs/figures.yaml"
    params:
        spec=lambda wildcards: canonical(
            figure_spec(PLAN, wildcards.study, wildcards.figure)
        ),
        code=lambda wildcards: code("draw_figure.py", *chart_modules(wildcards)),
        env=lambda wildcards: env("draw_figure.py", *chart_modules(wildcards)),
        identity=lambda wildcards: study_identity(PLAN, wildcards.study),
        # The text of config/figure.rst in Snakemake's own report.
        caption=lambda wildcards: PLAN.studies[wildcards.study].figures[
            wildcards.figure
        ]["caption"],
    message:
        "Draw {wildcards.study}: {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"
