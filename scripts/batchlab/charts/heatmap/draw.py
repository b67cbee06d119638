"""A map of one value over two quantities, batch size × learning rate most of all."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.colours import labels_expression
from batchlab.charts.drawn import Drawn, Row, distinct, keep, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing, seeds_of
from batchlab.charts.layout import faceted, panel_size, with_panels
from batchlab.charts.quantities import quantity, title_of
from batchlab.charts.words import capital
from batchlab.tables.rounding import estimate

# Cells of at least so many pixels hold their number.
_ROOM_FOR_TEXT = 30
# Pixels of a cell at most, of a map with few of them at least so high as the legend beside it.
_WIDEST, _HIGHEST, _LEGEND = 84, 56, 140
_LINE = 16


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw the mean over seeds as the colour of a cell and as its number; × marks cells whose runs all diverged.

    Args:
        figure: `x` and `y` are the two quantities, `value` the column that is drawn, `facet` splits panels.
        drawn: What `heatmap.data` returns.

    Returns:
        An Altair chart.
    """
    points = drawn.of("mean")
    if not points:
        return nothing(figure, drawn)
    (y,) = figure.y
    cells = [row for row in drawn.rows if row["mark"] in ("mean", "lost")]
    rows, panels = with_panels(figure, _cells(figure, cells))
    size = panel_size(max(1, len(panels)), beside=True)
    columns, lines = len(distinct(cells, figure.x)), len(distinct(cells, y))
    width = max(18, min(_WIDEST if columns < 4 else 56, size.width // columns))
    height = max(22, min(34, width), min(_HIGHEST, _LEGEND // lines))
    layers = _layers(figure, cells, text=width >= _ROOM_FOR_TEXT, height=height * lines)
    layer = alt.layer(*layers, data=alt.InlineData(values=rows))
    layer = layer.properties(width=width * columns, height=height * lines)
    few, many = seeds_of(points)
    n = many if few == many else f"{few} to {many}"
    title = capital(quantity(figure, figure.option("value")).axis)
    notes = [f"{title}, mean over n = {n} seed{'s' if many > 1 else ''}"]
    notes.append("×: all runs diverged" if drawn.of("lost") else "")
    return finish(faceted(layer, panels, size.across), figure, drawn, notes)


def _cells(figure: Figure, cells: Sequence[Row]) -> list[Row]:
    """Return what each cell shows: its number or ×, in an ink that can be read on its colour."""
    means = values_of(cells, "mean")
    middle = min(means) + 0.55 * (max(means) - min(means))
    kept = keep(cells, [*figure.groups(figure.x, *figure.y), "mean", "low", "high", "n"])
    return [
        {
            **row,
            "state": "diverged" if row["mean"] is None else "ok",
            "text": "×" if row["mean"] is None else _number(row["mean"]),
            "shown": "all runs diverged" if row["mean"] is None else f"{row['mean']:,.5g}",
            "interval": _interval(row),
            "seeds": str(row["n"] or 0),
            "ink": theme.INK if row["mean"] is None or row["mean"] <= middle else "white",
        }
        for row in kept
    ]


def _interval(row: Row) -> str:
    _, low, high = estimate(row["mean"], row["low"], row["high"])
    return "none" if low == "–" else f"{low} to {high}"


def _number(mean: float) -> str:
    return f"{mean:.1f}" if abs(mean) >= 10 else f"{mean:.3g}"


def _layers(figure: Figure, cells: Sequence[Row], *, text: bool, height: int) -> list[Any]:
    (y,) = figure.y
    title = capital(quantity(figure, figure.option("value")).axis)
    heading = textwrap.wrap(title, 16)
    base = alt.Chart().encode(
        x=alt.X(f"{figure.x}:O", **_axis(figure, cells, figure.x, "x_title")),
        y=alt.Y(f"{y}:O", **_axis(figure, cells, y, "y_title", backwards=True)),
    )
    means = values_of(cells, "mean")
    tint = alt.condition(
        "datum.state === 'diverged'",
        alt.value(theme.LIGHT),
        # Numbers have a colour of their own, so cells are filled: one legend serves all panels.
        alt.Fill(
            "mean:Q",
            scale=alt.Scale(domain=[min(means), max(means)], range=theme.map_colours()),
            legend=alt.Legend(title=heading, gradientLength=max(48, min(120, height - _LINE * len(heading)))),
        ),
    )
    tips = [
        alt.Tooltip(f"{figure.x}:O", title=title_of(figure.column(figure.x))),
        alt.Tooltip(f"{y}:O", title=title_of(figure.column(y))),
        alt.Tooltip("shown:N", title=title),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("seeds:N", title="seeds"),
    ]
    layers: list[Any] = [base.mark_rect(stroke="white", strokeWidth=1).encode(fill=tint, tooltip=tips)]
    if text:
        ink = alt.Color("ink:N", scale=None, legend=None)
        layers.append(base.mark_text(fontSize=11).encode(text="text:N", color=ink))
    return layers


def _axis(figure: Figure, cells: Sequence[Row], name: str, title: str, *, backwards: bool = False) -> dict[str, Any]:
    """Return order, title and labels of an axis of cells."""
    order = _in_order(figure, name, distinct(cells, name))
    labels = labels_expression(figure.column(name), order)
    return {
        "sort": order[::-1] if backwards else order,
        "title": capital(figure.option(title) or quantity(figure, name).axis),
        "axis": alt.Axis(labelAngle=0, labelExpr=labels, domain=False, ticks=False, grid=False),
    }


def _in_order(figure: Figure, name: str, values: Sequence[Any]) -> list[Any]:
    """Return values in the order of their words if those are numbers, such as half-lives that arms are named after."""
    column = figure.column(name)
    words = {value: str(column.words.get(value, value)).replace(",", "") for value in values}
    numbers = {value: float(word) for value, word in words.items() if word.replace(".", "", 1).isdigit()}
    return sorted(values, key=numbers.__getitem__) if len(numbers) == len(values) else list(values)
