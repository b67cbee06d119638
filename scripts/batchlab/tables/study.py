"""Build the tables of one study from its arms, segments and probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.chance import at_chance, seeds_text
from batchlab.tables.csv_files import read_table
from batchlab.tables.deriving import derived_table
from batchlab.tables.summaries import compare_arms, summarise

# Settings of an arm that do not change with its phases.
ARM_IDENTITY = ("arm", "recipe", "label", "dataset", "model", "optimizer", "learning_rate_rule", "precision")
# Settings of a segment that its history states; an initial segment has none and takes those of the one that follows.
PHASE_COLUMNS = ("batch_size", "accumulation", "learning_rate")

Reader = Callable[[str], pd.DataFrame]


def study_tables(spec: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Build every table of a study.

    Args:
        spec: `study` (name); `reference` (arm name, filter of arms, or null); `arms`, one dict each with the columns
            of `arms.csv`, `data` (the prepared data set, of which labels alone are read) and `segments`, the chain from
            the initial weights on, each link a list of folders, one per seed block, that hold `history.csv` and
            `distances.csv`; `probes`, one dict each with `probe`, `arm`, `epoch` (null: the arm's last), `folder` and
            `tables`, the names of the CSV files in it; `tables`, the columns of each table
            (`batchlab.tables.contract.tables_spec`); `derivations`, those that come with the probes and have no
            options; `task`, name and options of what is learnt, unless that is the first task; and what
            `summary_spec` gives: `last`, `best`, `distances`, `compared`, `derived`, `bounds`, `counted`.

    Returns:
        Name → table: arms, history, distances, summary, comparisons, one per table of the probes, and one per
        derivation, made of numbers that no file has rounded.

    Raises:
        BatchlabError: A file or column is missing, or the reference names no arm.
    """
    order = {name: table["order"] for name, table in spec["tables"].items()}
    text = {column for table in spec["tables"].values() for column in table["text"]}
    read = cache(lambda path: read_table(path, text))  # arms share segments
    arms = pd.DataFrame([{"study": spec["study"], **arm} for arm in spec["arms"]]).reindex(columns=order["arms"])
    parts: dict[str, list[pd.DataFrame]] = {"history": [], "distances": []}
    for arm in spec["arms"]:
        identity = {"study": spec["study"], **{name: arm[name] for name in ARM_IDENTITY}}
        for name, frames in parts.items():
            chain = _chain(arm, f"{name}.csv", read)
            frames.append(chain.assign(**identity).reindex(columns=order[name]))
    history, distances = (pd.concat(frames, ignore_index=True) for frames in parts.values())
    collapsed = at_chance(history, {arm["arm"]: arm["data"] for arm in spec["arms"]}, spec.get("task"))
    arms["collapsed"] = [seeds_text(collapsed[arm]) if arm in collapsed else None for arm in arms["arm"]]
    tables = {"arms": arms, "history": history, "distances": distances}
    tables["summary"] = summarise(arms, history, distances, spec, collapsed)
    tables["comparisons"] = compare_arms(arms, history, spec, collapsed)
    tables |= _probe_tables(spec, arms, history, read)
    for name in spec["derivations"]:
        tables[name] = derived_table(name, tables, {}, order[name])
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
            # After an early end there are segments without rows.
            if len(part):
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
    """Concatenate the tables of all probes by name, each row with its arm and epoch.

    Measurements come in the order of the spec, their rows seed by seed, however the seeds were split into blocks.
    """
    settings = {arm["arm"]: arm for arm in arms.to_dict("records")}
    ends = history.groupby(["arm", "seed"])["epoch"].max()
    parts: dict[str, dict[tuple[Any, ...], list[pd.DataFrame]]] = {}
    for probe in spec["probes"]:
        arm = probe["arm"]
        if arm not in settings:
            raise BatchlabError(f"probe {probe['probe']}: no arm {arm}; the study has {', '.join(settings)}")
        epoch = float(ends[arm].max() if probe["epoch"] is None else probe["epoch"])
        for name in probe["tables"]:
            path, how = f"{probe['folder']}/{name}.csv", spec["tables"][name]
            own = read(path)
            added = {"study": spec["study"], "arm": arm, "epoch": epoch, "probe": probe["probe"]}
            if probe["epoch"] is None and "seed" in own:
                added["epoch"] = own["seed"].map(ends[arm])  # replicas of one arm may end at different places
            added |= {column: settings[arm][column] for column in how["arm_columns"]}
            whole = own.assign(**{column: value for column, value in added.items() if column not in own})
            measurement = (arm, epoch, str(Path(probe["folder"]).parent))
            parts.setdefault(name, {}).setdefault(measurement, []).append(_in_order(whole, path, how))
    return {
        name: pd.concat([_by_seed(blocks) for blocks in measurements.values()], ignore_index=True)
        for name, measurements in parts.items()
    }


def _by_seed(blocks: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several blocks of seeds, seed by seed; those of one seed keep their order."""
    whole = pd.concat(blocks, ignore_index=True)
    return whole.sort_values("seed", kind="stable") if "seed" in whole else whole


def _in_order(frame: pd.DataFrame, path: str, how: Mapping[str, Any]) -> pd.DataFrame:
    """Return a probe's table with the declared columns in their order, those on request before the arm's settings.

    Raises:
        BatchlabError: The probe wrote other columns than it declares.
    """
    declared = list(how["order"])
    more = [column for column in frame if str(column).startswith(tuple(how["prefixes"])) and column not in declared]
    _with_columns(frame, path, declared)
    if unknown := [column for column in frame if column not in (*declared, *more)]:
        raise BatchlabError(f"{path}: column {unknown[0]} is not declared; declare it, or leave it out")
    tail = len(declared)
    while tail and declared[tail - 1] in (*how["arm_columns"], "probe"):
        tail -= 1
    return frame[[*declared[:tail], *more, *declared[tail:]]]
