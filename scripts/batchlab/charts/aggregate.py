"""Reduce rows to what is drawn: one mean with its interval per group, in a deterministic order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from batchlab.charts.figure import Figure
from batchlab.errors import BatchlabError
from batchlab.tables.intervals import mean_interval

# Columns that tell arms of one study apart, in the order in which a reader would want them told apart.
_TELLING = (
    *("recipe", "label", "optimizer", "method", "learning_rate", "accumulation", "batch_size", "model", "dataset"),
    *("precision", "epoch", "layer", "statistic", "metric", "arm"),
)

# Endings of columns that are proportions.
_PROPORTIONS = ("accuracy", "error")


def significant(values: pd.Series, digits: int = 6) -> pd.Series:
    """Round to significant digits, so that files are small and do not change with the last bits."""
    return values.map(lambda value: float(f"{value:.{digits}g}") if pd.notna(value) else math.nan)


def in_order(values: pd.Series) -> list[Any]:
    """Return the distinct values: numbers ascending, names in the order of the table, which is the campaign's."""
    distinct = list(dict.fromkeys(value for value in values if pd.notna(value)))
    return sorted(distinct) if pd.api.types.is_numeric_dtype(values) else distinct


def groups_of(figure: Figure, *more: str | None) -> list[str]:
    """Return the grouping columns of a figure without repetition."""
    named = (figure.facet, figure.colour, figure.dash, *more)
    return list(dict.fromkeys(column for column in named if column is not None))


def tell_apart(figure: Figure, rows: pd.DataFrame) -> Figure:
    """Return a figure whose colours, panels and dashes separate all arms that it draws.

    Two arms of one batch size would share a colour and be averaged as if they were seeds. The first column that
    separates them is then drawn as dashes, or as panels where dashes already stand for several `y` columns.

    Raises:
        BatchlabError: No single column separates them.
    """
    keys = [key for key in (figure.facet, figure.colour, figure.dash, figure.x) if key is not None]

    def clashes(columns: list[str]) -> bool:
        pairs = rows[list(dict.fromkeys([*columns, "arm"]))].drop_duplicates()
        return bool(pairs.duplicated(columns).any()) if columns else len(pairs) > 1

    if "arm" not in rows or not clashes(keys):
        return figure
    for column in _TELLING:
        if column in rows and column not in keys and not clashes([*keys, column]):
            if len(figure.y) < 2 and figure.dash is None and rows[column].nunique() <= 5:
                return replace(figure, dash=column)
            if figure.facet is None and column != "arm":
                return replace(figure, facet=column)
    raise BatchlabError(
        f"{figure.where_it_is}: colour {figure.colour} and facet {figure.facet} do not tell all its arms apart; "
        "colour by label, or narrow where"
    )


@dataclass(frozen=True)
class Summary:
    """Means per group.

    Attributes:
        frame: Group columns and `mean`, `low`, `high`, `n`; `low` and `high` are empty where n = 1.
        smallest: Smallest number of seeds in a group.
        largest: Largest number of seeds in a group.
    """

    frame: pd.DataFrame
    smallest: int
    largest: int


def summarise(
    figure: Figure, rows: pd.DataFrame, keys: Sequence[str], value: str, *, factor: float = 1.0, geometric: bool = False
) -> Summary:
    """Average one column over seeds.

    Args:
        figure: Named in messages.
        rows: Tidy rows, one per seed inside a group.
        keys: Columns that form the groups.
        value: Column to average.
        factor: Multiplied with the result, to reach the axis' unit.
        geometric: Average logarithms, for quantities that spread over decades; values ≤ 0 must be gone.

    Returns:
        Mean and 95 % t interval per group, in the order of `keys`' values.

    Raises:
        BatchlabError: A group holds several rows of one seed, so that an interval over seeds would be false.
    """
    keys = list(dict.fromkeys(keys))
    rows = rows[rows[value].notna()]
    if "seed" in rows:
        twice = rows[rows.duplicated([*keys, "seed"], keep=False)]
        if not twice.empty:
            example = twice[twice.groupby([*keys, "seed"], dropna=False).ngroup() == 0]
            varying = [name for name in _TELLING if name in example and example[name].nunique() > 1]
            raise BatchlabError(
                f"{figure.where_it_is}: several rows of one seed fall on one point; "
                f"add {' or '.join(varying[:3]) or 'a column'} to where, colour, facet or dash"
            )
    records = []
    for key, part in rows.groupby(keys, dropna=False, sort=False):
        numbers = part[value].to_numpy(float)
        estimate = mean_interval(np.log(numbers) if geometric else numbers)
        ends = [estimate.mean, estimate.ci_low, estimate.ci_high]
        ends = [math.exp(end) if geometric else end for end in ends]
        if value.endswith(_PROPORTIONS):
            # A t interval of a few scattered seeds may leave 0–100 %; the part outside has no meaning.
            ends = [min(max(end, 0.0), 1.0) for end in ends]
        records.append((*key, *(factor * end for end in ends), estimate.n))
    frame = pd.DataFrame(records, columns=[*keys, "mean", "low", "high", "n"])
    # One seed has no interval: a band of no width would look like certainty.
    for column in ("mean", "low", "high"):
        frame[column] = significant(frame[column])
    n = frame["n"] if len(frame) else pd.Series([0])
    return Summary(frame, int(n.min()), int(n.max()))


def sort_for_drawing(frame: pd.DataFrame, orders: dict[str, list[Any]], then: Sequence[str]) -> pd.DataFrame:
    """Sort rows by the given value orders, then by columns, so that files do not depend on the order of input."""
    ranks = {
        f"_{name}": frame[name].map({value: rank for rank, value in enumerate(order)}) for name, order in orders.items()
    }
    ranked = frame.assign(**ranks).sort_values([*ranks, *then], kind="stable")
    return ranked.drop(columns=list(ranks)).reset_index(drop=True)
