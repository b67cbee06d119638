"""The `spec` of tables, figures and the report: exactly the settings that each of them depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

from batchlab.charts.planned import data_spec, drawing_spec, drawn_arms
from batchlab.declarations import find
from batchlab.declarations.columns import Column, Table
from batchlab.declarations.task import SPLITS
from batchlab.planning.captions import data_title
from batchlab.planning.model_files import code_of, with_file
from batchlab.planning.parts import Arm, Plan, Probe, Study, seeds_of
from batchlab.records.digests import digest
from batchlab.tables import contract
from batchlab.tables.base import ARMS, CLAIMS

# Formats of a figure: name of the rule's output → ending of the file.
FORMATS = {"svg": "svg", "png": "png", "pdf": "pdf", "html": "html", "vl_json": "vl.json"}
# The scripts of all interactive figures, below the folder of the campaign.
BUNDLE = "figures/vega-bundle.js"

# Fields of a column that the verdict on it depends on.
_OF_VALUES = (
    *("title", "unit", "factor", "bounds", "positive", "censored", "open_at", "better", "exact", "clock", "replicated"),
)
_OF_CELLS = ("sign", "words")


def model_source(plan: Plan, segment: str) -> dict[str, Any]:
    """Return the model's settings with the file of a user's model; nothing for a built-in one."""
    model = plan.segments[plan.segments[segment].initial].spec["model"]
    code = code_of(model)
    return {"model": with_file(model, plan.model_files[code])} if code else {}


def probe_seeds(plan: Plan, probe: Probe, block: str) -> list[int]:
    """Return the seeds of a block that a probe measures; a probe may be limited to the first few."""
    count = probe.spec["seed_count"]
    return [seed for seed in seeds_of(block) if count is None or seed < plan.config["seeds"]["first"] + count]


def probe_blocks(plan: Plan, study: str, probe: Probe, arms: Iterable[Arm] = ()) -> list[str]:
    """Return the blocks of a study in which a probe has seeds to measure: those of all arms that it measures.

    Args:
        plan: The plan.
        study: Name of the study.
        probe: The probe.
        arms: Only their blocks.
    """
    measured = list(arms) or [arm for arm, _, each in plan.studies[study].probes if each.name == probe.name]
    blocks = dict.fromkeys(block for arm in measured for block in arm.blocks)
    return [block for block in blocks if probe_seeds(plan, probe, block)]


def probe_spec(plan: Plan, probe: Probe, block: str) -> dict[str, Any]:
    """Return a probe's settings with the seeds of a block that it measures."""
    settings = {key: value for key, value in probe.spec.items() if key != "seed_count"}
    return {**settings, "seeds": probe_seeds(plan, probe, block)}


def written(plan: Plan, study: str) -> dict[str, Table]:
    """Return name → table of what `tabulate_study` writes for a study."""
    planned = plan.studies[study]
    return {name: table for name, table in planned.tables.items() if name not in planned.derived}


def names_read(item: Mapping[str, Any]) -> list[str]:
    """Return the names of the tables that a figure or a claim reads."""
    table = item["table"]
    return [table] if isinstance(table, str) else list(table)


def tables_spec(plan: Plan, study: str) -> dict[str, Any]:
    """Return the settings of a study's tables: its arms with the folders of their segments, and its probes."""
    planned = plan.studies[study]
    return {
        "study": study,
        "reference": planned.reference,
        "arms": [
            {
                **arm.description,
                "data": f"results/data/{arm.chain[0].data}/data.npz",
                "segments": [
                    [f"results/segments/{segment.name}/seeds-{block}" for block in arm.blocks] for segment in arm.chain
                ],
            }
            for arm in planned.arms
        ],
        "probes": [
            {
                "probe": probe.kind,
                "arm": arm.recipe.arm,
                "epoch": epoch,
                "folder": f"results/probes/{probe.kind}/{probe.name}/seeds-{block}",
                "tables": [table.name for table in find.probes()[probe.kind].tables],
            }
            for arm, epoch, probe in planned.probes
            for block in probe_blocks(plan, study, probe, [arm])
        ],
        "derivations": list(planned.automatic),
        "tables": contract.tables_spec(written(plan, study).values()),
        **contract.summary_spec(plan.task),
        **plan.task.settings,
    }


def derived_spec(plan: Plan, study: str, name: str) -> dict[str, Any]:
    """Return the settings of a derived table."""
    planned = plan.studies[study]
    derived = planned.derived[name]
    return contract.derive_spec(study, name, derived.derivation, derived.options, planned.tables)


def study_identity(plan: Plan, study: str) -> str:
    """Return the digest of all training and measuring behind a study, shown in its figures."""
    planned = plan.studies[study]
    return digest(
        [segment.identity for arm in planned.arms for segment in arm.chain],
        [probe.identity for _, _, probe in planned.probes],
        list(planned.blocks),
        *([own] if (own := {arm.recipe.arm: list(arm.blocks) for arm in planned.arms if arm.recipe.seeds}) else []),
    )


def campaign_identity(plan: Plan) -> str:
    """Return the digest of all training and measuring behind a campaign."""
    return digest([study_identity(plan, study) for study in plan.studies])


def identity_chain(plan: Plan, segment: str) -> list[str]:
    """Return the names of the segments that lead to the end of `segment`, the initial weights first."""
    parent = plan.segments[segment].parent
    return [*(identity_chain(plan, parent) if parent else ()), segment]


def claims_spec(plan: Plan, study: str) -> dict[str, Any]:
    """Return a study's claims, and the order in which they are listed, which a mapping in JSON does not keep."""
    claims = plan.studies[study].claims
    tables = plan.studies[study].tables
    named_tables = dict.fromkeys(name for claim in claims.values() for name in names_read(claim))
    read = [tables[name] for name in named_tables]
    columns = contract.columns_of(read)
    values = {claim["value"] for claim in claims.values()}
    cells = {"batch_size", *(name for claim in claims.values() for name in claim.get("each", ()))}
    filters = [claim[side] for claim in claims.values() for side in ("of", "minus") if claim.get(side)]
    named = values.union(cells, *filters)
    return {
        "study": study,
        "claims": claims,
        "looks": plan.studies[study].looks,
        "order": list(claims),
        "columns": list(CLAIMS.names),
        "tables": contract.reading_spec([*read, ARMS]),
        "derived": contract.derived_spec(read, sorted(named)),
        "values": contract.columns_spec(columns, values, _OF_VALUES),
        "cells": contract.columns_spec(columns, cells, _OF_CELLS),
        "one_example": _one_example(plan, study, {name: columns[name] for name in values & columns.keys()}),
    }


def _one_example(plan: Plan, study: str, columns: Mapping[str, Column]) -> dict[str, float]:
    """Return column → the share of one example, for columns that are shares of the examples of a split."""
    shapes = [plan.data[arm.chain[0].data].shape for arm in plan.studies[study].arms]
    counts = {split: min(getattr(shape, f"examples_{split}") for shape in shapes) for split in SPLITS}
    return {
        name: 1 / counts[column.series]
        for name, column in sorted(columns.items())
        if column.bounds == (0, 1) and counts.get(column.series)
    }


def merge_spec(plan: Plan, table: str) -> dict[str, Any]:
    """Return the settings of a table that joins those of all studies."""
    return {"table": table, "studies": list(plan.studies)}


def _figure(plan: Plan, study: str, figure: str) -> tuple[dict[str, Any], list[Table], list[dict[str, Any]]]:
    """Return a figure's settings, the tables that it reads, and the rows of its study's arms."""
    planned = plan.studies[study]
    settings = planned.figures[figure]
    read = [planned.tables[name] for name in names_read(settings)]
    return settings, read, [arm.description for arm in planned.arms]


def figure_data_spec(plan: Plan, study: str, figure: str) -> dict[str, Any]:
    """Return the settings of the numbers that a figure shows."""
    planned = plan.studies[study]
    settings, tables, arms = _figure(plan, study, figure)
    changes = _changes(planned, settings, arms) if settings.get("x") == "epoch" else []
    read = [planned.derived[name] for name in names_read(settings) if name in planned.derived]
    chosen = [column for table in read for column in find.derivations()[table.derivation].chosen]
    return data_spec(*(study, figure, settings, tables, arms), changes=changes, claims=planned.claims, chosen=chosen)


def _changes(planned: Study, settings: Mapping[str, Any], arms: list[dict[str, Any]]) -> list[int]:
    """Return the epochs at which an arm of a figure changes its batch size or learning rate."""
    drawn = [arm["arm"] for arm in drawn_arms(settings, arms)]
    found: set[int] = set()
    for arm in planned.arms:
        if arm.recipe.arm in drawn and arm.recipe.last_epoch is not None:
            ends = accumulate(phase.epochs or 0 for phase in arm.recipe.phases)
            found |= set(list(ends)[:-1])
    return sorted(found)


def figure_drawing_spec(plan: Plan, study: str, figure: str) -> dict[str, Any]:
    """Return the settings of a figure's drawing."""
    # One colour scale for the whole campaign: the same batch size has the same colour in every figure.
    batch_sizes = sorted(set(plan.config["batch_sizes"].values()))
    drawn = _figure(plan, study, figure)
    return drawing_spec(
        *(study, figure, *drawn),
        batch_sizes=batch_sizes,
        identity=study_identity(plan, study),
        campaign=plan.campaign,
        titles={name: data_title(plan.config, name) for name in sorted({arm["dataset"] for arm in drawn[2]})},
    )
