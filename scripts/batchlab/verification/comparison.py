"""Compares two files of one output: the recorded one and the recomputed one.

Which columns must be equal on every platform, and which a clock measured, is said where columns are declared.
"""

from __future__ import annotations

import csv
import functools
import itertools
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.declarations import find
from batchlab.declarations.columns import SHARED, Column, Table, resolve
from batchlab.declarations.task import columns_of as metric_columns
from batchlab.tables.base import JOINED, known_columns
from batchlab.training.state import MEASURED
from batchlab.verification.tolerances import (
    ACCURACIES,
    DERIVED_NUMBERS,
    MEASURED_NUMBERS,
    TOLERANCES,
    WEIGHTS,
    Tolerance,
)

# Kinds that a clock measures. In the tables of studies its columns are copied and must be equal.
_CLOCKED = ("segments", "probes")

# Drawings depend on fonts and on the renderer; elsewhere the data behind them is compared, which is `.vl.json`.
DRAWINGS = (".svg", ".png", ".pdf", ".html")


def compare(kind: str, recorded: Path, found: Path, precision: str | None) -> str:
    """Return in words how a recomputed file differs from the recorded one; nothing if it agrees.

    Args:
        kind: Kind of artefact, see `records.Artefact`.
        recorded: The file in the results.
        found: The recomputed one.
        precision: None on the platform of the record, where everything but measured times must be equal bit by bit;
            else the precision of the training, `float32` or `float64`, which chooses the tolerance.
    """
    if recorded.read_bytes() == found.read_bytes():
        return ""
    suffix = "".join(recorded.suffixes)
    if suffix == ".npz":
        return _snapshots(_arrays(recorded), _arrays(found), precision)
    if suffix == ".csv":
        return _tables(kind, columns_of(recorded.stem), _rows(recorded), _rows(found), precision)
    if precision is None:
        return "the recomputed file has other bytes"
    if suffix == ".vl.json":
        tolerance = TOLERANCES[DERIVED_NUMBERS][precision]
        old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (recorded, found))
        return next(_json(old, new, tolerance, "the figure"), "")
    return "" if suffix in DRAWINGS else "the recomputed file has other bytes"


@functools.cache
def _declared() -> dict[str, Table]:
    """Return the tables that the library, probes and derivations declare, by name."""
    of_probes = [table for probe in find.probes().values() for table in probe.tables]
    derived = [derivation.table for derivation in find.derivations().values()]
    return {table.name: table for table in (*JOINED, *of_probes, *derived)}


def columns_of(table: str) -> Mapping[str, Column]:
    """Return name → declaration of the columns of a table; of an unknown table, those that many tables share."""
    tasks = {
        column.name: column for task in find.tasks().values() for column in metric_columns([*task.metrics, *task.more])
    }
    shared = {**SHARED, **tasks, **{column.name: column for column in known_columns()}}
    return {**shared, **resolve(_declared()[table], known_columns())} if table in _declared() else shared


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile):
        return {}


def _snapshots(recorded: dict[str, NDArray[Any]], found: dict[str, NDArray[Any]], precision: str | None) -> str:
    """Compare two snapshots entry by entry, measured times left out."""
    if recorded.keys() != found.keys():
        return f"the entries {', '.join(sorted(recorded.keys() ^ found.keys()))} are in one of both snapshots only"
    for key in recorded.keys() - set(MEASURED):
        old, new = recorded[key], found[key]
        if old.shape != new.shape or old.dtype != new.dtype:
            return f"{key}: {old.dtype}{old.shape} recorded, {new.dtype}{new.shape} recomputed"
        # Elsewhere an optimizer's state is not compared: it is made of the last few gradients.
        floating = old.dtype.kind == "f" and precision is not None
        if not floating and old.tobytes() != new.tobytes():
            return f"{key}: {np.count_nonzero(old != new)} of {old.size} values differ"
    if precision is None:
        return ""
    tolerance = TOLERANCES[WEIGHTS][precision]
    weights = [key for key in recorded if key.startswith("weights/") and recorded[key].dtype.kind == "f"]
    for row, seed in enumerate(recorded["position/seeds"]):
        old, new = (np.concatenate([a[key][row].ravel().astype(float) for key in weights]) for a in (recorded, found))
        drift = float(np.linalg.norm(new - old) / np.linalg.norm(old))
        if not tolerance.holds(1.0, 1.0 + drift):
            return f"seed {seed}: the weights differ by {drift:.2g} of their norm, allowed are {tolerance.relative:g}"
    return ""


def _rows(path: Path) -> list[list[str]]:
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.reader(file))


def _tables(
    kind: str,
    declared: Mapping[str, Column],
    recorded: list[list[str]],
    found: list[list[str]],
    precision: str | None,
) -> str:
    """Compare two tables cell by cell; say where they differ first, and how often."""
    if recorded[:1] != found[:1]:
        return f"columns {', '.join(recorded[0] if recorded else [])} recorded, {', '.join(found[0])} recomputed"
    if len(recorded) != len(found):
        return f"{len(recorded) - 1} rows recorded, {len(found) - 1} recomputed"
    columns = [declared.get(name, Column(name)) for name in recorded[0]] if recorded else []
    where = []
    for number, (old, new) in enumerate(zip(recorded[1:], found[1:], strict=True), start=1):
        for column, before, after in itertools.zip_longest(columns, old, new, fillvalue=None):
            column, before, after = column or Column("beyond the last column"), before or "", after or ""
            clocked = column.clock and kind in _CLOCKED
            if not clocked and not _same(kind, column, before, after, precision):
                where.append(
                    f"row {number}, {column.name}: {before or 'empty'} recorded, {after or 'empty'} recomputed"
                )
    more = f" and {len(where) - 1} more cells" if len(where) > 1 else ""
    return where[0] + more if where else ""


def _same(kind: str, column: Column, recorded: str, found: str, precision: str | None) -> bool:
    if recorded == found:
        return True
    if precision is None or column.exact:
        return False
    try:
        old, new = float(recorded), float(found)
    except ValueError:
        return False
    measured = ACCURACIES if column.bounds == (0, 1) else MEASURED_NUMBERS
    what = measured if kind in _CLOCKED else DERIVED_NUMBERS
    return TOLERANCES[what][precision].holds(old, new)


def _json(recorded: Any, found: Any, tolerance: Tolerance, where: str) -> Iterator[str]:
    """Yield where two JSON values differ; the version of the schema aside."""
    if isinstance(recorded, dict) and isinstance(found, dict) and recorded.keys() == found.keys():
        for key in recorded.keys() - {"$schema"}:
            yield from _json(recorded[key], found[key], tolerance, f"{where}.{key}")
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for at, (old, new) in enumerate(zip(recorded, found, strict=True)):
            yield from _json(old, new, tolerance, f"{where}[{at}]")
    else:
        numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (recorded, found))
        if not (tolerance.holds(recorded, found) if numbers else recorded == found):
            yield f"{where} is not what was recorded"
