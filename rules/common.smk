# The plan of the campaign and the paths that the rules share. Nothing is imported here but the standard library and
# what Snakemake has loaded already.
import atexit
import contextlib
import os
import sys
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "scripts"
sys.path.insert(0, str(SCRIPTS))

from batchlab.configuration import campaign as configuration
from batchlab.configuration import machine
from batchlab.records.checkout import order_file_times, settings_file, settings_of_shared
from batchlab.records.digests import (
    canonical,
    code_digest,
    environment_digest,
    keep_parsed,
)
from batchlab.errors import BatchlabError
from batchlab.records.locking import hold_folder
from batchlab.planning import plan
from batchlab.planning.parts import (
    INITIAL_NAME,
    PROBE_TABLES,
    TRAINED_NAME,
    seeds_of,
)
from batchlab.planning.priorities import priorities
from batchlab.planning.specs import (
    FORMATS,
    campaign_identity,
    claims_spec,
    figure_spec,
    identity_chain,
    model_source,
    merge_spec,
    probe_blocks,
    probe_seeds,
    report_spec,
    study_identity,
    tables_spec,
)

try:
    machine.choose(config, os.environ)
    PLAN = plan(configuration.read(config, workflow.configfiles))
except BatchlabError as problem:
    # Not raised: Snakemake would add where in this file, which is not where the mistake is.
    sys.exit(f"batchlab: error: {problem}")

RESULTS = f"results/{PLAN.campaign}"
# The longest chains of jobs start first, so that no core waits for one of them at the end of a campaign.
PRIORITIES = priorities(PLAN)
atexit.register(keep_parsed)
MERGED_TABLES = ("arms", "history", "distances", "summary", "comparisons", "claims")


@contextlib.contextmanager
def writable(path):
    """Tell in one line that a folder is full or may not be written."""
    try:
        yield
    except OSError as problem:
        sys.exit(
            f"batchlab: error: {problem.filename or path}: {problem.strerror}; make room or {path} writable"
        )


with writable("results/"):
    order_file_times(RESULTS)


def code(script, *modules):
    """Digest of a rule's code: its script and what the script imports of the library."""
    return code_digest(SCRIPTS / script, tuple(modules))


def env(script, *modules):
    """Digest of the locked versions of the packages that a rule's code imports."""
    return environment_digest(SCRIPTS / script, tuple(modules))


def digests(script, *modules):
    """Both digests, named as in records."""
    return {"code": code(script, *modules), "environment": env(script, *modules)}


def settings(step, artefact, spec, script, *modules, **more):
    """Settings file of a step, an input that is newer than the artefact if that was made with other settings."""
    planned = {"spec": spec, **digests(script, *modules), **more}
    path = f"{RESULTS}/settings/{step}.json"
    with writable("results/"):
        return settings_file(path, artefact, planned)


def shared_settings(artefact, planned):
    """The same for what campaigns share, if it needs one: it was made elsewhere by other code."""
    with writable(".snakemake/"):
        return settings_of_shared(artefact, planned)


def constant(spec):
    """A spec without wildcards. A function, because Snakemake reads braces in plain text as wildcards."""
    text = canonical(spec)
    return lambda wildcards: text


def data_path(name):
    return f"results/data/{name}/data.npz"


def segment_path(name, block, file="state.npz"):
    return f"results/segments/{name}/seeds-{block}/{file}"


def segment_spec(name, block):
    """A segment's settings, those of its initial weights included, with the seeds of a block."""
    segment = PLAN.segments[name]
    initial = PLAN.segments[segment.initial]
    return canonical({**initial.spec, **segment.spec, "seeds": seeds_of(block)})


def model_modules(name):
    """Module that defines a segment's model; a model in a file of the user is part of the spec instead."""
    model = PLAN.segments[PLAN.segments[name].initial].spec["model"]
    return [f"batchlab.models.{model['name']}"] if "name" in model else []


def model_check(name):
    """What a trial of the segment's model found, if it is in a file of the user; the others are tested with the project."""
    tried = "code" in PLAN.segments[name].spec["model"]
    return [f"results/segments/{name}/check.json"] if tried else []


def data_digests(name):
    return digests("prepare_data.py", *PLAN.data[name].modules)


def segment_digests(name):
    """Digests behind a segment, or behind the initial weights."""
    script = "train_segment.py" if PLAN.segments[name].parent else "initialise_model.py"
    return {"code": code(script, *model_modules(name)), "environment": env(script)}


def probe_digests(name):
    probe = PLAN.probes[name]
    measuring = f"batchlab.probes.{probe.kind}.measure"
    return {
        "code": code("measure_probe.py", measuring, *model_modules(probe.segment)),
        "environment": env("measure_probe.py", measuring),
    }


def one_of(names):
    """Pattern that matches exactly these names."""
    return "|".join(sorted(names)) or "none"


def probe_path(probe, block, table):
    return f"results/probes/{probe.kind}/{probe.name}/seeds-{block}/{table}.csv"


def study_segments(study):
    """The segments of a study, and what was measured on them, each once."""
    planned = PLAN.studies[study]
    segments = dict.fromkeys(
        segment.name for arm in planned.arms for segment in arm.chain
    )
    return list(segments), list(
        dict.fromkeys(probe.name for _, _, probe in planned.probes)
    )


def study_inputs(study):
    """Files of segments and probes that a study's tables are made of."""
    segments, probes = study_segments(study)
    files = [
        segment_path(name, block, f"{table}.csv")
        for name in segments
        for block in PLAN.studies[study].blocks
        for table in ("history", "distances")
    ]
    for probe in (PLAN.probes[name] for name in probes):
        for block in probe_blocks(PLAN, study, probe):
            files += [
                probe_path(probe, block, table) for table in PROBE_TABLES[probe.kind]
            ]
    return files


def study_data(study):
    """The data behind a study's tables."""
    segments, _ = study_segments(study)
    return [
        data_path(name)
        for name in dict.fromkeys(PLAN.segments[name].data for name in segments)
    ]


def made_from(study):
    """Digests of the steps before a study's tables, as the record of the tables sums them up."""
    segments, probes = study_segments(study)
    data = dict.fromkeys(PLAN.segments[name].data for name in segments)
    steps = [
        *(data_digests(name) for name in data),
        *map(segment_digests, segments),
        *map(probe_digests, probes),
    ]
    return {
        key: sorted({step[key] for step in steps}) for key in ("code", "environment")
    }


def study_table(study, table):
    return f"{RESULTS}/tables/{study}/{table}.csv"


def table_paths(study):
    return [
        study_table(study, table) for table in (*PLAN.studies[study].tables, "claims")
    ]


def figure_paths(study):
    return [
        f"{RESULTS}/figures/{study}/{figure}.{ending}"
        for figure in PLAN.studies[study].figures
        for ending in FORMATS.values()
    ]


def probe_spec(name, block):
    """A probe's settings with the seeds of a block that it measures."""
    probe = PLAN.probes[name]
    settings = {key: value for key, value in probe.spec.items() if key != "seed_count"}
    return canonical({**settings, "seeds": probe_seeds(PLAN, probe, block)})


def probe_of(wildcards):
    return PLAN.probes[wildcards.probe]


def figure_tables(study, figure):
    """The table a figure is drawn from, by name."""
    table = PLAN.studies[study].figures[figure]["table"]
    return {table: study_table(study, table)}


def chart_modules(wildcards):
    """Module that draws the figure's kind of chart."""
    return [
        f"batchlab.charts.{PLAN.studies[wildcards.study].figures[wildcards.figure]['chart']}.draw"
    ]


def claim_tables(study):
    """The tables that a study's claims select from, by name."""
    tables = sorted(
        {claim["table"] for claim in PLAN.studies[study].claims.values()} | {"history"}
    )
    return {table: study_table(study, table) for table in tables}


wildcard_constraints:
    block=r"\d+-\d+",
    study=one_of(PLAN.studies),
    figure="[a-z][a-z0-9_]*",
