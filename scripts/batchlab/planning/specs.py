"""The `spec` of tables, figures and the report: exactly the settings that each of them depends on."""

from __future__ import annotations

from typing import Any

from batchlab.planning.columns import derived_of
from batchlab.planning.parts import PROBE_TABLES, Plan, Probe, seeds_of
from batchlab.records.digests import digest

# Formats of a figure: name of the rule's output → ending of the file.
FORMATS = {"svg": "svg", "png": "png", "html": "html", "vl_json": "vl.json"}


def model_source(plan: Plan, segment: str) -> dict[str, Any]:
    """Return the model's settings with the file of a user's model; nothing for a built-in one."""
    model = plan.segments[plan.segments[segment].initial].spec["model"]
    return {"model": {**model, "file": plan.model_files[model["code"]]}} if "code" in model else {}


def probe_seeds(plan: Plan, probe: Probe, block: str) -> list[int]:
    """Return the seeds of a block that a probe measures; a probe may be limited to the first few."""
    count = probe.spec["seed_count"]
    return [seed for seed in seeds_of(block) if count is None or seed < plan.config["seeds"]["first"] + count]


def probe_blocks(plan: Plan, study: str, probe: Probe) -> list[str]:
    """Return the blocks of a study in which a probe has seeds to measure."""
    return [block for block in plan.studies[study].blocks if probe_seeds(plan, probe, block)]


def tables_spec(plan: Plan, study: str) -> dict[str, Any]:
    """Return the settings of a study's tables: its arms with the folders of their segments, and its probes."""
    planned = plan.studies[study]

    def folders(base: str, blocks: list[str]) -> list[str]:
        return [f"{base}/seeds-{block}" for block in blocks]

    return {
        "study": study,
        "reference": planned.reference,
        "arms": [
            {
                **arm.description,
                "segments": [
                    folders(f"results/segments/{segment.name}", list(planned.blocks)) for segment in arm.chain
                ],
            }
            for arm in planned.arms
        ],
        "probes": [
            {
                "probe": probe.kind,
                "arm": arm.recipe.arm,
                "epoch": epoch,
                "folder": folder,
                "tables": list(PROBE_TABLES[probe.kind]),
            }
            for arm, epoch, probe in planned.probes
            for folder in folders(f"results/probes/{probe.kind}/{probe.name}", probe_blocks(plan, study, probe))
        ],
    }


def study_identity(plan: Plan, study: str) -> str:
    """Return the digest of all training and measuring behind a study, shown in its figures."""
    planned = plan.studies[study]
    return digest(
        [segment.identity for arm in planned.arms for segment in arm.chain],
        [probe.identity for _, _, probe in planned.probes],
        list(planned.blocks),
    )


def campaign_identity(plan: Plan) -> str:
    """Return the digest of all training and measuring behind a campaign."""
    return digest([study_identity(plan, study) for study in plan.studies])


def identity_chain(plan: Plan, segment: str) -> list[str]:
    """Return the names of the segments that lead to the end of `segment`, the initial weights first."""
    parent = plan.segments[segment].parent
    return [*(identity_chain(plan, parent) if parent else ()), segment]


def claims_spec(plan: Plan, study: str) -> dict[str, Any]:
    """Return a study's claims and the order in which they are listed, which a mapping in JSON does not keep."""
    planned = plan.studies[study]
    claims = {name: {**claim, "derived": derived_of(claim, planned.tables)} for name, claim in planned.claims.items()}
    return {"study": study, "claims": claims, "order": list(claims)}


def merge_spec(plan: Plan, table: str) -> dict[str, Any]:
    """Return the settings of a table that joins those of all studies."""
    return {"table": table, "studies": list(plan.studies)}


def figure_spec(plan: Plan, study: str, figure: str) -> dict[str, Any]:
    """Return the settings of one figure."""
    planned = plan.studies[study]
    settings = planned.figures[figure]
    return {
        **settings,
        "derived": derived_of(settings, planned.tables),
        "name": figure,
        "study": study,
        # One colour scale for the whole campaign: the same batch size has the same colour in every figure.
        "batch_sizes": sorted(set(plan.config["batch_sizes"].values())),
        "identity": study_identity(plan, study),
    }


def report_spec(plan: Plan) -> dict[str, Any]:
    """Return the settings of the report page; its paths are relative to the project's folder."""
    base = f"results/{plan.campaign}"
    config = plan.config
    return {
        "campaign": plan.campaign,
        "title": config["title"],
        "summary": config["summary"],
        "studies": [
            {
                "study": name,
                "title": planned.settings["title"],
                "experiments": planned.settings.get("experiments", []),
                "question": planned.settings["question"],
                "note": planned.settings.get("note", ""),
                "identity": study_identity(plan, name),
                "figures": [
                    {
                        "name": figure,
                        "title": settings["title"],
                        "caption": settings["caption"],
                        **{key: f"{base}/figures/{name}/{figure}.{ending}" for key, ending in FORMATS.items()},
                    }
                    for figure, settings in planned.figures.items()
                ],
                "tables": [f"{base}/tables/{name}/{table}.csv" for table in planned.tables],
                "claims": f"{base}/tables/{name}/claims.csv",
                "comparisons": f"{base}/tables/{name}/comparisons.csv",
                "arms": f"{base}/tables/{name}/arms.csv",
            }
            for name, planned in plan.studies.items()
        ],
        "settings": {
            key: config[key]
            for key in ("datasets", "models", "optimizers", "batch_sizes", "epochs", "seeds", "precision")
        },
        "provenance": [f"{base}/tables/{name}/arms.provenance.json" for name in plan.studies],
    }
