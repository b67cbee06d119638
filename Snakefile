# batchlab: how do batch size and gradient accumulation affect training?
# The stages follow one another: data → segments → probes → tables → claims and figures → report.
from snakemake.utils import min_version

min_version("9.27")


# The catalogue of studies, then the campaign: --configfile replaces the default one.
configfile: "config/studies.yaml"


if "campaign" not in config:

    configfile: "config/quick.yaml"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/probes.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/jobs.smk"
include: "rules/verify.smk"
include: "rules/crate.smk"


report: "config/report.rst"


onstart:
    hold_folder(".snakemake/batchlab.lock")


onsuccess:
    if Path(rules.write_report.output.page).exists():
        print(f"\nThe report is at {rules.write_report.output.page}")


rule data:
    input:
        [data_path(name) for name in PLAN.data],
    localrule: True
    message:
        "All data sets are prepared"


rule figures:
    input:
        [path for study in PLAN.studies for path in figure_paths(study)],
    localrule: True
    message:
        "All figures are drawn"


rule tables:
    input:
        [path for study in PLAN.studies for path in table_paths(study)],
        expand(f"{RESULTS}/tables/{{table}}.csv", table=MERGED_TABLES),
    localrule: True
    message:
        "All tables are written"


# The report needs the others; they are named so that a deleted figure or table is made anew.
rule all:
    default_target: True
    input:
        rules.figures.input,
        rules.tables.input,
        rules.write_report.output.page,
    localrule: True
    message:
        "The campaign is complete"
