"""One figure as the campaign describes it, and the rows of its table that it draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.selection import require_column, select, with_derived


@dataclass(frozen=True)
class Figure:
    """The settings of one figure.

    Attributes:
        name: Name inside the study, for messages.
        chart: Key of the chart registry.
        title: Heading.
        table: Table that the figure reads.
        x: Column along the horizontal axis.
        y: Columns along the vertical axis.
        colour: Column told apart by colour; `batch_size` has its own ordered scale.
        facet: Column with one panel per value.
        dash: Column told apart by dashes, where there is one `y` column only.
        where: Row filter, see `batchlab.tables.selection`.
        panels: One panel per quantity instead of one axis for all `y` columns.
        x_scale: `linear`, `log2` or `log`.
        y_scale: `linear` or `log`.
        x_title: Replaces the axis title made from the column.
        y_title: Replaces the axis title made from the columns.
        x_domain: Limits of the horizontal axis in its unit; None follows the data.
        y_domain: Limits of the vertical axis in its unit; None follows the data.
        value: Heat map: the column that is drawn; `x` and `y` are its two quantities.
        error: Column drawn as bars around each point instead of the interval over seeds.
        predicted: Column drawn as a dashed line.
        reference: Lines across the panel, each a number or `{value, label}`, in the axis' unit.
        normalise: Densities: `both`, True (only divided by the mean) or False (only raw).
        sort: Forest: `table` (order of the table) or `value`.
        caption: Text below the figure.
        study: Study that the figure belongs to.
        batch_sizes: All batch sizes of the campaign, the domain of the colour scale.
        identity: Short digest of the tables, printed in the figure.
    """

    chart: str
    table: str
    name: str = ""
    title: str = ""
    x: str | None = None
    y: tuple[str, ...] = ()
    colour: str | None = None
    facet: str | None = None
    dash: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    panels: bool = False
    x_scale: str = "linear"
    y_scale: str = "linear"
    x_title: str | None = None
    y_title: str | None = None
    x_domain: tuple[float, float] | None = None
    y_domain: tuple[float, float] | None = None
    value: str | None = None
    error: str | None = None
    predicted: str | None = None
    reference: tuple[Any, ...] = ()
    normalise: bool | str = "both"
    sort: str = "table"
    caption: str = ""
    study: str = ""
    batch_sizes: tuple[int, ...] = ()
    identity: str = ""

    @property
    def where_it_is(self) -> str:
        """Return how messages name this figure."""
        return f"figure {'/'.join(part for part in (self.study, self.name or self.title) if part)}"


def figure_from(spec: Mapping[str, Any]) -> Figure:
    """Return the figure that a spec describes; keys that are no settings of a figure are left aside.

    Args:
        spec: The figure's mapping of the campaign, with what planning added.

    Raises:
        BatchlabError: `chart` or `table` is missing.
    """
    known = {item.name for item in fields(Figure)}
    values = {key: value for key, value in spec.items() if key in known and value is not None}
    for key in ("chart", "table"):
        if key not in values:
            raise BatchlabError(f"figure {spec.get('name', spec.get('title', '?'))}: {key} is missing")
    for key in ("y", "reference", "batch_sizes", "x_domain", "y_domain"):
        if key in values:
            value = values[key]
            values[key] = tuple(value) if isinstance(value, list | tuple) else (value,)
    return Figure(**values)


@dataclass(frozen=True)
class Rows:
    """The rows that a figure draws.

    Attributes:
        frame: Selected rows of runs that did not diverge.
        diverged: Number of selected runs (arm and seed) that diverged and are left out.
        lost: The selected rows of those runs.
    """

    frame: pd.DataFrame
    diverged: int
    lost: pd.DataFrame


def rows_of(figure: Figure, table: pd.DataFrame) -> Rows:
    """Select a figure's rows and set aside the runs that diverged.

    A run that diverged anywhere is left out as a whole: the epochs before its end would be averaged over other
    seeds than the epochs after it.

    Raises:
        BatchlabError: No row is selected, or a column does not exist.
    """
    try:
        chosen = select(with_derived(table), figure.where)
        wanted = (
            figure.x,
            *figure.y,
            figure.colour,
            figure.facet,
            figure.dash,
            figure.error,
            figure.predicted,
            figure.value,
        )
        for column in wanted:
            if column is not None:
                require_column(chosen, column)
    except BatchlabError as problem:
        raise BatchlabError(f"{figure.where_it_is}: {problem}") from None
    if chosen.empty:
        filters = ", ".join(f"{key}: {value}" for key, value in figure.where.items()) or "none"
        raise BatchlabError(
            f"{figure.where_it_is}: no row of table {figure.table} is left by where ({filters}); correct the filter"
        )
    run = [name for name in ("study", "arm", "seed") if name in table]
    if "status" not in table or "arm" not in run:
        return Rows(chosen, 0, chosen.iloc[:0])
    keys = pd.MultiIndex.from_frame(table[run])
    bad = keys[(table["status"] == "diverged").to_numpy()].unique()
    mask = pd.MultiIndex.from_frame(chosen[run]).isin(bad)
    lost = chosen[mask]
    return Rows(chosen[~mask], len(lost.drop_duplicates(run)), lost)
