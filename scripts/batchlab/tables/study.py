"""All tables of one study, from its arms, segments and probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.gradients import gradient_norm_summary, with_noise_ratio
from batchlab.tables.selection import read_table
from batchlab.tables.summaries import compare_arms, summarise

ARM_COLUMNS = (
    *("study", "arm", "recipe", "label", "dataset", "model", "optimizer", "batch_size", "accumulation"),
    *("learning_rate", "learning_rate_rule", "precision", "phases", "budget"),
)
METRICS = (*("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy"),)
HISTORY_COLUMNS = (
    *("study", "arm", "dataset", "model", "optimizer", "batch_size", "accumulation", "learning_rate", "seed"),
    *("epoch", "updates", "examples", "seconds", "status", *METRICS),
    *("recipe", "label", "learning_rate_rule", "precision"),
)
DISTANCE_COLUMNS = (
    *("study", "arm", "seed", "epoch", "updates", "from_initial", "from_origin", "batch_size", "optimizer"),
    *("recipe", "label"),
)
# Settings of an arm that do not change with its phases.
ARM_IDENTITY = ("arm", "recipe", "label", "dataset", "model", "optimizer", "learning_rate_rule", "precision")
# Settings of a segment that its history states; an initial segment has none and takes those of the one that follows.
PHASE_COLUMNS = ("batch_size", "accumulation", "learning_rate")

# What a probe table says about its arm besides study, arm and epoch, where the probe has no such column itself. The
# table with one row per trial is kept narrow.
PROBE_ARM_COLUMNS = (
    *("dataset", "model", "optimizer", "precision", "batch_size", "accumulation", "learning_rate", "recipe", "label"),
)
NARROW_PROBE_TABLES = {"gradient_norms": ("recipe", "label")}

Reader = Callable[[str], pd.DataFrame]


def study_tables(spec: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Build every table of a study.

    Args:
        spec: `study` (name); `reference` (arm name, filter of arms, or null); `arms`, one dict each with the columns
            of `arms.csv` and `segments`, the chain from the initial weights on, each link a list of folders, one per
            seed block, that hold `history.csv` and `distances.csv`; `probes`, one dict each with `probe`, `arm`,
            `epoch` (null: the arm's last), `folder` and `tables`, the names of the CSV files in it.

    Returns:
        Name → table: arms, history, distances, summary, comparisons, one per kind of probe table, and
        gradient_norm_summary where gradient norms were measured.

    Raises:
        BatchlabError: A file or column is missing, or the reference names no arm.
    """
    read = cache(read_table)  # arms share segments
    arms = pd.DataFrame([{"study": spec["study"], **arm} for arm in spec["arms"]]).reindex(columns=ARM_COLUMNS)
    histories, distances = [], []
    for arm in spec["arms"]:
        history = _chain(arm, "history.csv", read)
        walked = _chain(arm, "distances.csv", read)
        identity = {"study": spec["study"], **{name: arm[name] for name in ARM_IDENTITY}}
        histories.append(history.assign(**identity).reindex(columns=HISTORY_COLUMNS))
        distances.append(walked.assign(**identity).reindex(columns=DISTANCE_COLUMNS))
    tables = {
        "arms": arms,
        "history": pd.concat(histories, ignore_index=True),
        "distances": pd.concat(distances, ignore_index=True),
    }
    tables["summary"] = summarise(arms, tables["history"], tables["distances"])
    tables["comparisons"] = compare_arms(arms, tables["history"], spec.get("reference"))
    tables |= _probe_tables(spec, arms, tables["history"], read)
    if "gradient_moments" in tables:
        tables["gradient_moments"] = with_noise_ratio(tables["gradient_moments"])
    if "gradient_norms" in tables:
        moments = tables.get("gradient_moments")
        tables["gradient_norm_summary"] = gradient_norm_summary(tables["gradient_norms"], moments)
    return tables


def _chain(arm: Mapping[str, Any], name: str, read: Reader) -> pd.DataFrame:
    """Return one file of all segments of an arm, ordered by seed and update.

    Rows that do not state batch size, accumulation and learning rate (distances, initial weights) get those with which
    the history of their segment begins or, where it states none, those of the segment that follows.

    Args:
        arm: One arm of the spec.
        name: File in each folder of its segments.
        read: Reads a CSV file.
    """
    parts: list[pd.DataFrame] = []
    settings = {column: arm[column] for column in PHASE_COLUMNS}
    for folders in reversed(arm["segments"]):
        link = []
        for folder in folders:
            history = read(f"{folder}/history.csv")
            if "batch_size" in history and len(history):
                settings = {column: history[column].iloc[0] for column in PHASE_COLUMNS}
            part = _with_columns(read(f"{folder}/{name}"), f"{folder}/{name}", ("seed", "epoch", "updates"))
            link.append(part if "batch_size" in part else part.assign(**settings))
        parts = link + parts
    # The sort is stable: rows of one update keep the order of the chain.
    return pd.concat(parts, ignore_index=True).sort_values(["seed", "updates"], kind="stable", ignore_index=True)


def _with_columns(frame: pd.DataFrame, path: str, columns: Sequence[str]) -> pd.DataFrame:
    for column in columns:
        if column not in frame:
            raise BatchlabError(f"{path}: has no column {column}; delete the folder and run again")
    return frame


def _probe_tables(
    spec: Mapping[str, Any], arms: pd.DataFrame, history: pd.DataFrame, read: Reader
) -> dict[str, pd.DataFrame]:
    """Concatenate the tables of all probes by name, in the order of the spec, each row with its arm and epoch."""
    facts = {arm["arm"]: arm for arm in arms.to_dict("records")}
    last_epochs = history.groupby("arm")["epoch"].max()
    parts: dict[str, list[pd.DataFrame]] = {}
    for probe in spec.get("probes", ()):
        arm = probe["arm"]
        if arm not in facts:
            raise BatchlabError(f"probe {probe['probe']}: no arm {arm}; the study has {', '.join(facts)}")
        epoch = last_epochs[arm] if probe["epoch"] is None else probe["epoch"]
        for name in probe["tables"]:
            own = read(f"{probe['folder']}/{name}.csv")
            before: dict[str, Any] = {"study": spec["study"], "arm": arm, "epoch": float(epoch)}
            wanted = NARROW_PROBE_TABLES.get(name, PROBE_ARM_COLUMNS)
            after: dict[str, Any] = {column: facts[arm][column] for column in wanted if column not in own}
            front = [column for column in before if column not in own]
            table = own.assign(**{column: before[column] for column in front}, **after, probe=probe["probe"])
            parts.setdefault(name, []).append(table[[*front, *own.columns, *after, "probe"]])
    return {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}
