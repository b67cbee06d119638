"""Reduce rows to the numbers that are drawn: one mean with its interval per group, in a deterministic order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from batchlab.charts.figure import Figure
from batchlab.errors import BatchlabError
from batchlab.tables.intervals import mean_interval
from batchlab.tables.selection import select


def significant(values: pd.Series, digits: int = 6) -> pd.Series:
    """Round to significant digits, so that files are small and do not change with the last bits."""
    return values.map(lambda value: float(f"{value:.{digits}g}") if pd.notna(value) else math.nan)


def in_order(values: pd.Series) -> list[Any]:
    """Return the distinct values: numbers ascending, names in the order of the table, which is the campaign's."""
    distinct = list(dict.fromkeys(value for value in values if pd.notna(value)))
    return sorted(distinct) if pd.api.types.is_numeric_dtype(values) else distinct


def means(
    figure: Figure, rows: pd.DataFrame, keys: Sequence[str], value: str, *, factor: float = 1.0, geometric: bool = False
) -> pd.DataFrame:
    """Average one column over seeds.

    Args:
        figure: Its columns say what an interval may reach.
        rows: Tidy rows, one per seed inside a group.
        keys: Columns that form the groups.
        value: Column to average.
        factor: Multiplied with the result, to reach the axis' unit.
        geometric: Average logarithms, for quantities that spread over decades; values ≤ 0 must be gone.

    Returns:
        Mean and 95 % t interval per group: `keys`, `mean`, `low`, `high`, `n`; with one seed, `low` and `high` are
        empty, because a band of no width would look like certainty; of times they are empty, too, for the seeds of one
        machine are no sample of machines.

    Raises:
        BatchlabError: A group holds several rows of one seed, so that an interval over seeds would be false.
    """
    keys = list(dict.fromkeys(keys))
    rows = rows[rows[value].notna()]
    _check_seeds(figure, rows, keys)
    bounds, timed = figure.column(value).bounds, figure.column(value).clock
    records = []
    for key, part in rows.groupby(keys, dropna=False, sort=False):
        numbers = part[value].to_numpy(float)
        estimate = mean_interval(np.log(numbers) if geometric else numbers)
        ends = [estimate.mean, estimate.ci_low, estimate.ci_high]
        ends = [math.exp(end) if geometric else end for end in ends]
        if timed:
            ends[1:] = [math.nan, math.nan]
        if bounds and figure.option("minus") is None:
            # A t interval of a few scattered seeds may leave 0–100 %; the part outside has no meaning.
            ends = [min(max(end, bounds[0]), bounds[1]) for end in ends]
        records.append((*key, *(factor * end for end in ends), estimate.n))
    frame = pd.DataFrame(records, columns=[*keys, "mean", "low", "high", "n"])
    return frame.assign(**{column: significant(frame[column]) for column in ("mean", "low", "high")})


def medians(
    figure: Figure, rows: pd.DataFrame, keys: Sequence[str], value: str, *, factor: float = 1.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the median over seeds, and every seed by itself.

    The median of an odd number of seeds is one of them, where a mean may be a run that does not exist.

    Returns:
        Median per group, as `means` returns means, without an interval; and the rows of single seeds: `keys`, `seed`,
        `value`.

    Raises:
        BatchlabError: A group holds several rows of one seed.
    """
    keys = list(dict.fromkeys(keys))
    rows = rows[rows[value].notna()]
    _check_seeds(figure, rows, keys)
    grouped = rows.groupby(keys, dropna=False, sort=False)[value]
    middle = grouped.agg(mean="median", n="count").reset_index()
    middle["mean"] = significant(middle["mean"] * factor)
    single = rows[[*keys, "seed"]].assign(value=significant(rows[value] * factor))
    return middle.assign(low=math.nan, high=math.nan), single


def subtracted(figure: Figure, rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return rows less those of the reference that `minus` names, seed by seed at the same `x`.

    Args:
        figure: Its `minus` and `facet` are read.
        rows: Tidy rows with the column `x`.
        columns: What is subtracted.

    Returns:
        The rows beside the reference for which it has a value.

    Raises:
        BatchlabError: No row is the reference, or several are for one seed.
    """
    reference = select(rows, figure.option("minus"))
    if reference.empty:
        raise BatchlabError(f"{figure.where_it_is}: minus names no row that it draws; correct the filter")
    keys = list(dict.fromkeys(name for name in (figure.facet, "seed", "x") if name is not None))
    if reference.duplicated(keys).any():
        raise BatchlabError(f"{figure.where_it_is}: minus names several runs of one seed; narrow the filter")
    others = rows.drop(index=reference.index)
    both = others.merge(reference[[*keys, *columns]], on=keys, how="inner", suffixes=("", "_of_reference"))
    return both.assign(**{name: both[name] - both[f"{name}_of_reference"] for name in columns})


def _check_seeds(figure: Figure, rows: pd.DataFrame, keys: Sequence[str]) -> None:
    if "seed" not in rows:
        return
    twice = rows[rows.duplicated([*keys, "seed"], keep=False)]
    if twice.empty:
        return
    example = twice[twice.groupby([*keys, "seed"], dropna=False).ngroup() == 0]
    varying = [name for name in figure.tells if name in example and example[name].nunique() > 1]
    raise BatchlabError(
        f"{figure.where_it_is}: several rows of one seed fall on one point; "
        f"add {' or '.join(varying[:3]) or 'a column'} to where, colour, facet or dash"
    )


def in_drawing_order(
    figure: Figure, points: pd.DataFrame, orders: dict[str, list[Any]], then: Sequence[str]
) -> pd.DataFrame:
    """Sort points by the orders of their groups, then by columns, so that files do not depend on the order of input.

    Args:
        figure: Its columns give `column`, the name of what is drawn, its place.
        points: Any rows.
        orders: Column → its values in order.
        then: Columns by whose values rows of one group are sorted.
    """
    ranks = {
        f"_{name}": points[name].map({value: rank for rank, value in enumerate(order)})
        for name, order in orders.items()
    }
    if "column" in points:
        ranks["_series"] = points["column"].map(lambda name: figure.column(name).series or name)
    ranked = points.assign(**ranks).sort_values([*ranks, *then], kind="stable")
    return ranked.drop(columns=list(ranks)).reset_index(drop=True)


def stacked(*parts: pd.DataFrame) -> pd.DataFrame:
    """Return tables with different columns below each other; whole numbers stay whole where cells are empty."""
    whole = {name for part in parts for name in part if len(part) and pd.api.types.is_integer_dtype(part[name])} - {
        name for part in parts for name in part if len(part) and not pd.api.types.is_integer_dtype(part[name])
    }
    filled = [part for part in parts if len(part)]
    frame = pd.concat([part.astype(object) for part in filled], ignore_index=True).infer_objects()
    return frame.astype({name: "Int64" for name in frame if name in whole})


def note(mark: str, **values: Any) -> pd.DataFrame:
    """Return one row that says something about the drawing that no point does, such as how many runs diverged."""
    return pd.DataFrame([{"mark": mark, **values}])


def counts(selected: int, diverged: int) -> pd.DataFrame:
    """Return the rows with the number of selected rows that are drawn and of runs that diverged and are not."""
    lost = [note("diverged", n=diverged)] if diverged else []
    return stacked(note("selected", n=selected), *lost)
