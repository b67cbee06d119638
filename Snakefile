# batchlab: how do batch size and gradient accumulation affect training?
# The stages follow one another: data → segments → probes → tables → claims and figures → report.
from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.0")


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/probes.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/advice.smk"
include: "rules/verify.smk"


report: "config/report.rst"


onstart:
    remember()


onsuccess:
    if Path(rules.write_report.output.page).exists():
        logger.info(
            f"\nThe report is at {rules.write_report.output.page}",
            extra={"from_batchlab": True},
        )


rule all:
    default_target: True
    input:
        CAMPAIGN.target("tables", "claims", "drawn", "figures", "report", "answer"),
    localrule: True
    message:
        "The campaign is complete"


rule data:
    input:
        CAMPAIGN.target("data"),
    localrule: True
    message:
        "All data sets are prepared"


rule tables:
    input:
        CAMPAIGN.target("tables"),
    localrule: True
    message:
        "All tables are written"


rule figures:
    input:
        CAMPAIGN.target("drawn", "figures"),
    localrule: True
    message:
        "All figures are drawn"
