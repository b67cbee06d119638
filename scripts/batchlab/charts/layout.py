"""How panels lie on a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from batchlab.charts.drawn import Row, distinct
from batchlab.charts.figure import Figure
from batchlab.charts.words import capital, value_text

WIDTH = 640
LEGEND = 112
_AXIS_WIDTH = 62


class Size(NamedTuple):
    """Width and height of one panel in pixels, and how many stand side by side."""

    width: int
    height: int
    across: int


def panel_size(panels: int, beside: bool, own_axes: bool = False) -> Size:
    """Return a size with which the figure is about a page wide.

    Args:
        panels: Number of panels that share the page.
        beside: Whether a legend stands beside the panels.
        own_axes: Whether every panel has a vertical axis of its own.
    """
    legend = LEGEND if beside else 0
    across = 1 if panels == 1 else 2 if panels in (2, 4) or own_axes else 3
    between = _AXIS_WIDTH + 26 if own_axes else 18
    width = (WIDTH - legend - _AXIS_WIDTH - (across - 1) * between) // across
    height = 320 if panels == 1 else max(170, min(240, round(width * 0.85)))
    return Size(width, height, across)


def with_panels(figure: Figure, rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Return the rows with their panel in words, and the panels in order; the words replace the facet's own column.

    The column stays where it is drawn as something else, too.
    """
    if figure.facet is None:
        return [dict(row) for row in rows], []
    facet, column = figure.facet, figure.column(figure.facet)
    names = {value: capital(value_text(column, value)) for value in distinct(rows, facet)}
    spare = facet not in (figure.colour, figure.dash, figure.option("x"), *figure.y)
    kept = [{key: value for key, value in row.items() if not (spare and key == facet)} for row in rows]
    return [{**row, "panel": names[old[facet]]} for row, old in zip(kept, rows, strict=True)], list(names.values())


class Panel(NamedTuple):
    """One panel: its heading, empty where there is one only, and its place in its row."""

    value: Any
    heading: str
    first: bool


def panels_of(figure: Figure, rows: Sequence[Row], across: int) -> list[Panel]:
    """Return the panels of a figure in order: one for each value of `facet`."""
    if figure.facet is None:
        return [Panel(None, "", True)]
    column = figure.column(figure.facet)
    values = distinct(rows, figure.facet)
    return [
        Panel(value, capital(value_text(column, value)), number % across == 0) for number, value in enumerate(values)
    ]


def of_panel(figure: Figure, rows: Sequence[Row], panel: Panel) -> list[Row]:
    """Return the rows of one panel."""
    return [row for row in rows if figure.facet is None or row[figure.facet] == panel.value]


# Of a tick's label, more than the theme has, so that it decides.
_LABEL_HEIGHT = 14


def headed(chart: Any, panel: Panel, size: Size) -> Any:
    """Return the chart of one panel in its size and with its heading.

    A heading stands above everything in its panel. The label of the highest tick reaches beyond the axis where there is
    one, so something unseen reaches as far in every panel, and all headings stand at one height.
    """
    if panel.heading:
        unseen = alt.Chart(alt.InlineData(values=[{}])).mark_text(text="|", fontSize=_LABEL_HEIGHT, opacity=0)
        chart = chart + unseen.encode(x=alt.value(0), y=alt.value(0))
        chart = chart.properties(title=alt.TitleParams(panel.heading, fontSize=12, offset=6, frame="group"))
    return chart.properties(width=size.width, height=size.height)


def faceted(chart: Any, panels: Sequence[str], across: int) -> Any:
    """Return the chart once per panel, wrapped after `across` panels, with common axes."""
    if len(panels) == 0:
        return chart
    chart = chart.facet(facet=alt.Facet("panel:N", title=None, sort=list(panels)), columns=across)
    # An incomplete last row would show an axis below nothing.
    return chart.resolve_axis(x="independent") if len(panels) % across else chart


def side_by_side(charts: Sequence[Any], columns: int, spacing: int = 26) -> Any:
    """Return charts as one, `columns` beside each other."""
    return charts[0] if len(charts) == 1 else alt.concat(*charts, columns=columns, spacing=spacing)
