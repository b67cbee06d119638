"""Choose rows of a tidy table: the `where` of figures and the `of`/`minus` of claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError, nearest
from batchlab.tables.conditions import close, same_text, within
from batchlab.tables.formulas import with_derived


def require_column(frame: pd.DataFrame, column: str, what: str = "column") -> None:
    """Raise one line that proposes the nearest name if `frame` has no such column.

    Args:
        frame: Any table.
        column: The name that a person wrote.
        what: Where it was written, for the message.

    Raises:
        BatchlabError: There is no such column.
    """
    if column in frame:
        return
    names = [str(name) for name in frame.columns]
    near = nearest(column, names)
    hint = f"; did you mean {near}?" if near else f"; the table has {', '.join(names)}"
    raise BatchlabError(f"{what} {column}: no such column{hint}")


def _equal(column: pd.Series, value: Any, name: str) -> pd.Series:
    if value is None:
        return column.isna()
    if pd.api.types.is_bool_dtype(column) or isinstance(value, bool):
        return column.astype(str).str.lower() == str(value).lower()
    if not pd.api.types.is_numeric_dtype(column):
        return same_text(column, value)
    if column.isna().all():
        return pd.Series(False, index=column.index)
    return pd.Series(close(column.to_numpy(float), _number(value, name)), index=column.index)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BatchlabError(f"filter {name}: {value!r} is not a number, but the column {name} holds numbers")
    return float(value)


def _between(column: pd.Series, limits: Mapping[str, Any], name: str) -> pd.Series:
    unknown = [key for key in limits if key not in ("min", "max")]
    if unknown or not limits:
        wrong = unknown[0] if unknown else "{}"
        raise BatchlabError(f"filter {name}: {wrong} is not allowed in a range; write min, max or both")
    if not pd.api.types.is_numeric_dtype(column):
        raise BatchlabError(f"filter {name}: a range with min or max needs numbers, but the column {name} holds text")
    values = column.to_numpy(float)
    bounds = {key: _number(bound, name) for key, bound in limits.items()}
    return pd.Series(np.isfinite(values) & within(values, bounds), index=column.index)


def _runs(frame: pd.DataFrame) -> list[str]:
    """Return the columns that tell one training run (an arm with one seed) from another."""
    return [name for name in ("study", "arm", "seed") if name in frame]


def _last(frame: pd.DataFrame) -> pd.DataFrame:
    runs = _runs(frame)
    last = frame.groupby(runs, dropna=False)["epoch"].transform("max") if runs else frame["epoch"].max()
    return frame[frame["epoch"] == last]


def _best(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the row with the lowest validation loss of each run; of a run that has none, its last row."""
    require_column(frame, "validation_loss", "epoch: best needs")
    runs = _runs(frame)
    ordered = frame.assign(_order=np.arange(len(frame)), _late=-frame["epoch"].where(frame["validation_loss"].isna()))
    ordered = ordered.sort_values(["validation_loss", "_late", "epoch"], kind="stable", na_position="last")
    chosen = ordered.drop_duplicates(runs) if runs else ordered.head(1)
    return chosen.sort_values("_order").drop(columns=["_order", "_late"])


def select(
    frame: pd.DataFrame, where: Mapping[str, Any] | None, derived: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return the rows of `frame` that `where` names, with the derived columns added.

    Each key of `where` is a column (derived ones included), each value one of: a scalar (equal), a list (equal to
    one of them), `{min, max}` (inclusive range, either end may be left out), null (missing). Three words are special:
    `seed: first` is the smallest seed of the table, `epoch: last` keeps the rows at the last epoch of each run (study,
    arm, seed) and `epoch: best` the row with the lowest validation loss of each run, the earliest of several. They are
    decided before the other conditions are applied, so that `batch_size: 1024, epoch: last` never means the middle of
    an arm that goes on with another batch size.

    Args:
        frame: Tidy table, one row per observation.
        where: Conditions that must all hold; None or empty keeps every row.
        derived: Derived column → formula, see `batchlab.tables.formulas`.

    Returns:
        The kept rows in their old order, with their old index; possibly none.

    Raises:
        BatchlabError: A column does not exist, or a condition does not fit its column.
    """
    frame = with_derived(frame, derived or {})
    conditions = dict(where or {})
    for name in conditions:
        require_column(frame, name, "filter")
    if conditions.get("seed") == "first":
        conditions["seed"] = frame["seed"].min().item()
    moment = conditions.get("epoch")
    if isinstance(moment, str):
        if moment not in ("last", "best"):
            raise BatchlabError(
                f"filter epoch: {moment!r} is not allowed; write last, best, a number, a list or a range"
            )
        frame = _last(frame) if moment == "last" else _best(frame)
        del conditions["epoch"]
    kept = pd.Series(True, index=frame.index)
    for name, value in conditions.items():
        column = frame[name]
        if isinstance(value, Mapping):
            kept &= _between(column, value, name)
        elif isinstance(value, list | tuple):
            matches = pd.Series(False, index=frame.index)
            for item in value:
                matches |= _equal(column, item, name)
            kept &= matches
        else:
            kept &= _equal(column, value, name)
    return frame[kept]
