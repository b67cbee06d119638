"""What tells groups apart: colours, dashes, and their legends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.drawn import Row, distinct, is_number
from batchlab.charts.figure import Figure
from batchlab.charts.layout import WIDTH
from batchlab.charts.quantities import title_of
from batchlab.charts.words import capital, number_text, value_text
from batchlab.declarations.columns import Column
from batchlab.errors import BatchlabError

# The longest label of a colour that has room beside the panels.
_LONGEST_BESIDE = 18


def colour_domain(figure: Figure, rows: Sequence[Row], column: str) -> tuple[list[Any], list[str]]:
    """Return the values of a colour scale and their colours."""
    present = distinct(rows, column)
    if column == "batch_size":
        colours = theme.batch_colours(figure.batch_sizes, [int(size) for size in present])
        return list(colours), list(colours.values())
    if all(map(is_number, present)):
        return present, theme.ordered_colours(len(present))
    return present, theme.category_colours(len(present), f"{figure.where_it_is}, colour {column}")


def legend_title(column: Column) -> str | None:
    """Return a legend's title: the quantity without its unit, which the axis titles carry; labels need none."""
    return None if column.name in ("label", "recipe") else capital(title_of(column))


def _legend_text(column: Column, value: Any) -> str:
    return value_text(column, value) if isinstance(value, str) else number_text(value)


def labels_expression(column: Column, values: Sequence[Any]) -> str:
    """Return a Vega expression that writes names the way people do (sgd → SGD)."""
    changed = {value: value_text(column, value) for value in values if isinstance(value, str)}
    changed = {value: text for value, text in changed.items() if value != text}
    table = ", ".join(f"{_quoted(value)}: {_quoted(text)}" for value, text in changed.items())
    return f"{{{table}}}[datum.label] || datum.label" if table else "datum.label"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def is_wide(figure: Figure, rows: Sequence[Row]) -> bool:
    """Return whether the colour legend leaves no room beside the panels: three of them, or long labels."""
    if figure.facet is not None and len(distinct(rows, figure.facet)) not in (1, 2, 4):
        return True
    present = [] if figure.colour is None else distinct(rows, figure.colour)
    if figure.colour is None or all(map(is_number, present)):
        return False
    return max(len(_legend_text(figure.column(figure.colour), value)) for value in present) > _LONGEST_BESIDE


def _legend_place(texts: Sequence[str], wide: bool) -> dict[str, Any]:
    """Return where a legend goes: beside the panels, or below them in as many columns as its labels allow."""
    if not wide:
        return {"orient": "right", "direction": "vertical", "columns": 1}
    longest = max((len(text) for text in texts), default=0)
    return {
        "orient": "bottom",
        "direction": "horizontal",
        "columns": max(1, min(len(texts), WIDTH // (40 + 6 * longest))),
    }


def from_top(figure: Figure, points: Sequence[Row]) -> list[Any]:
    """Return the values of the colours as their lines end, from top to bottom, which is the order of the legend.

    None for numbers whose lines end at different places: there the order of the numbers says more.
    """
    if figure.colour is None:
        return []
    last: dict[Any, tuple[float, float]] = {}
    for row in points:
        key = row[figure.colour]
        if key is not None and (key not in last or row["x"] > last[key][0]):
            last[key] = (row["x"], row["mean"])
    if all(map(is_number, last)) and len({x for x, _ in last.values()}) > 1:
        return []
    return sorted(last, key=lambda key: -last[key][1])


def colour(
    figure: Figure,
    rows: Sequence[Row],
    wide: bool = False,
    *,
    legend: bool = True,
    order: Sequence[Any] = (),
    symbol: str = "stroke",
) -> Any:
    """Return the colour encoding of a figure.

    Args:
        figure: Its `colour` is encoded.
        rows: The rows that are drawn.
        wide: Whether the legend stands below the panels.
        legend: Whether there is one.
        order: Order of its labels, if it is not that of the colours.
        symbol: What stands in it: `stroke`, as lines are drawn, or `circle` where only filled dots are.
    """
    if figure.colour is None:
        return alt.value(theme.CATEGORIES[0])
    column = figure.column(figure.colour)
    domain, range_ = colour_domain(figure, rows, figure.colour)
    present = distinct(rows, figure.colour)
    place = _legend_place([_legend_text(column, value) for value in present], wide)
    return alt.Color(
        f"{figure.colour}:{'O' if all(map(is_number, present)) else 'N'}",
        scale=alt.Scale(domain=domain, range=range_),
        sort=domain,
        legend=alt.Legend(
            title=legend_title(column),
            values=list(order) or present,
            labelExpr=labels_expression(column, present),
            symbolOpacity=1,
            symbolType=symbol,
            **place,
        )
        # The panels' titles already name the colours of a figure with one panel per colour.
        if legend and figure.colour != figure.facet
        else None,
    )


def dash(names: Sequence[Any], title: str | None, wide: bool, column: Column) -> Any:
    """Return the dash encoding of a column with several values; the first is solid.

    Raises:
        BatchlabError: There are more values than dashes that can be told apart.
    """
    if len(names) < 2:
        return alt.value(theme.DASHES[0])
    if len(names) > len(theme.DASHES):
        raise BatchlabError(
            f"{len(names)} values of {column.name}, at most {len(theme.DASHES)} dashes can be told apart"
        )
    return alt.StrokeDash(
        f"{column.name}:N",
        scale=alt.Scale(domain=list(names), range=list(theme.DASHES[: len(names)])),
        sort=list(names),
        legend=alt.Legend(
            title=title,
            orient="top" if wide else "right",
            direction="horizontal" if wide else "vertical",
            symbolType="stroke",
            symbolStrokeColor=theme.INK,
            symbolSize=260,
            symbolOpacity=1,
            labelExpr=labels_expression(column, names),
        ),
    )
