# Figures: the numbers that one shows, as a table, and its drawing in five formats from that table alone.


rule figure_data:
    input:
        unpack(CAMPAIGN.inputs("figure_data")),
    output:
        data=f"{RESULTS}/figures/{{study}}/{{figure}}.csv",
    log:
        f"logs/{PLAN.campaign}/figure_data/{{study}}/{{figure}}.log",
    localrule: True
    container:
        IMAGE
    params:
        **CAMPAIGN.params("figure_data"),
    message:
        "Compute what {wildcards.study}: {wildcards.figure} shows"
    script:
        "../scripts/figure_data.py"


rule bundle_vega:
    input:
        unpack(CAMPAIGN.inputs("bundle_vega")),
    output:
        bundle=f"{RESULTS}/figures/vega-bundle.js",
    log:
        f"logs/{PLAN.campaign}/bundle_vega.log",
    localrule: True
    container:
        IMAGE
    params:
        **CAMPAIGN.params("bundle_vega"),
    message:
        "Write the scripts of the interactive figures"
    script:
        "../scripts/bundle_vega.py"


rule draw_figure:
    input:
        unpack(CAMPAIGN.inputs("draw_figure")),
    output:
        svg=report(
            f"{RESULTS}/figures/{{study}}/{{figure}}.svg",
            caption="../config/figure.rst",
            category=lambda wildcards: CAMPAIGN.category(wildcards),
            labels=lambda wildcards: CAMPAIGN.labels(wildcards),
        ),
        png=f"{RESULTS}/figures/{{study}}/{{figure}}.png",
        pdf=f"{RESULTS}/figures/{{study}}/{{figure}}.pdf",
        html=f"{RESULTS}/figures/{{study}}/{{figure}}.html",
        vl_json=f"{RESULTS}/figures/{{study}}/{{figure}}.vl.json",
    log:
        f"logs/{PLAN.campaign}/draw_figure/{{study}}/{{figure}}.log",
    localrule: True
    container:
        IMAGE
    params:
        **CAMPAIGN.params("draw_figure"),
        # The text of config/figure.rst in Snakemake's own report.
        caption=lambda wildcards: CAMPAIGN.caption(wildcards),
    message:
        "Draw {wildcards.study}: {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"
