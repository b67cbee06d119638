"""The `spec` of tables, figures and the report: exactly the settings that each of them depends on."""

from __future__ import annotations

from typing import Any

from batchlab.digests import digest
from batchlab.planning.plan import PROBE_TABLES, Plan, seeds_of

# Formats of a figure: name of the rule's output → ending of the file.
FORMATS = {"svg": "svg", "png": "png", "html": "html", "vl_json": "vl.json"}


def _blocks_with_seeds(plan: Plan, study: str, seed_count: int | None) -> list[str]:
    first = plan.config["seeds"]["first"]
    blocks = plan.studies[study].blocks
    return [block for block in blocks if seed_count is None or min(seeds_of(block)) < first + seed_count]


def tables_spec(plan: Plan, study: str) -> dict[str, Any]:
    """Return the settings of a study's tables: its arms with the folders of their segments, and its probes."""
    planned = plan.studies[study]

    def folders(base: str, blocks: list[str]) -> list[str]:
        return [f"{base}/seeds-{block}" for block in blocks]

    return {
        "study": study,
        "reference": _numbers(plan, planned.settings.get("reference")),
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
            for folder in folders(
                f"results/probes/{probe.kind}/{probe.name}",
                _blocks_with_seeds(plan, study, probe.spec["seed_count"]),
            )
        ],
    }


def _numbers(plan: Plan, rows: dict[str, Any] | None) -> dict[str, Any] | None:
    if rows is None or not isinstance(rows.get("batch_size"), str):
        return rows
    return {**rows, "batch_size": plan.config["batch_sizes"][rows["batch_size"]]}


def study_identity(plan: Plan, study: str) -> str:
    """Return the digest of all training and measuring behind a study, shown in its figures."""
    planned = plan.studies[study]
    return digest(
        [segment.name.rpartition("-")[2] for arm in planned.arms for segment in arm.chain],
        [probe.name.rpartition("-")[2] for _, _, probe in planned.probes],
        list(planned.blocks),
    )


def claims_spec(plan: Plan, study: str) -> dict[str, Any]:
    """Return a study's claims and the order in which they are listed, which a mapping in JSON does not keep."""
    claims = plan.studies[study].claims
    return {"study": study, "claims": claims, "order": list(claims)}


def figure_spec(plan: Plan, study: str, figure: str) -> dict[str, Any]:
    """Return the settings of one figure."""
    return {
        **plan.studies[study].figures[figure],
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
