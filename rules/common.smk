# The planned jobs, which every rule looks up. Nothing is imported but the standard library and what Snakemake has loaded.
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.current_basedir).parent / "scripts"))

from snakemake import __version__ as SNAKEMAKE
from batchlab.cluster import site_file
from batchlab.cluster.requests import Requests
from batchlab.configuration.faults import for_the_terminal
from batchlab.errors import BatchlabError
from batchlab.planning.lookup import open_campaign
from batchlab.planning.together import Together
from batchlab.records import scratch
from batchlab.sources.fingerprints import remember

# Whether results are in object storage.
STORAGE = workflow.storage_settings.default_storage_provider is not None

try:
    CAMPAIGN = open_campaign(
        config,
        workflow.configfiles,
        workflow.config_settings.config or {},
        os.environ,
        ancient,
        SNAKEMAKE,
        local if STORAGE else None,
    )
except BatchlabError as problem:
    # Not raised: Snakemake would add where in this file, which is not where the mistake is.
    sys.exit(for_the_terminal(problem))

PLAN, RESULTS = CAMPAIGN.plan, CAMPAIGN.results

# The image that Containerfile makes; only `--sdm apptainer` looks at it.
IMAGE = os.environ.get("BATCHLAB_IMAGE", "batchlab.sif")

SITE = site_file.known(os.environ)
if SITE and SITE.scratch:
    os.environ.setdefault(scratch.VARIABLE, SITE.scratch)

# What jobs ask of a cluster. The executor is known when the first job asks, not yet when this is read.
ASKS = Requests(
    CAMPAIGN,
    SITE,
    os.environ.get("BATCHLAB_DEVICE") == "gpu",
    lambda: not workflow.local_exec,
    workflow.is_main_process,
)

# Trainings that differ in their learning rates alone; on each GPU one job computes at a time.
GPUS = workflow.resource_settings.resources.get("gpu")
TOGETHER = Together(
    CAMPAIGN,
    # Older versions of Snakemake give the number itself.
    (
        getattr(GPUS, "value", GPUS) or 1
        if os.environ.get("BATCHLAB_DEVICE") == "gpu"
        else workflow.cores or 1
    ),
    # In the process of a job on a cluster, Snakemake executes locally, too. Of files in object storage, each job sees
    # its own.
    lambda: workflow.local_exec and workflow.is_main_process and not STORAGE,
)


wildcard_constraints:
    block=r"\d+-\d+",
    study="|".join(PLAN.studies),
    dataset=r"[\w.-]+",
    kind=r"[a-z][a-z0-9_]*",
    figure=r"[a-z][a-z0-9_]*",
    table=r"[a-z][a-z0-9_]*",
    initial=CAMPAIGN.initial_name,
    segment=CAMPAIGN.trained_name,


# The marker of an outdated result: an input of the job that makes it anew, and of the targets that need it.
rule note_outdated:
    output:
        touch(f"{CAMPAIGN.markers}/{{artefact}}"),
    localrule: True
    message:
        "Outdated: {wildcards.artefact}"
