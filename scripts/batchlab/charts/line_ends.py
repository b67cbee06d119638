"""Names at the ends of lines, in place of a legend where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.axes import Span
from batchlab.charts.colours import colour_domain
from batchlab.charts.drawn import Row, distinct
from batchlab.charts.figure import Figure
from batchlab.charts.tips import legend_text

_LINE = 13
_LONGEST = 26
_MOST = 9


def ends(figure: Figure, points: Sequence[Row], first: str) -> list[Row]:
    """Return the last point of the line of each colour; of several series, of the first.

    Args:
        figure: Its `colour` tells lines apart.
        points: Points of one panel with `x`, `mean` and `series`.
        first: The series whose lines are named.
    """
    last: dict[Any, Row] = {}
    for row in points:
        if row["series"] == first and (
            row[str(figure.colour)] not in last or row["x"] >= last[row[str(figure.colour)]]["x"]
        ):
            last[row[str(figure.colour)]] = row
    return list(last.values())


def fits(figure: Figure, points: Sequence[Row], height: int) -> bool:
    """Return whether lines can be named at their ends: one line for each colour, few, and with short names."""
    if figure.colour is None or figure.dash is not None or figure.facet is not None:
        return False
    values = distinct(points, figure.colour)
    longest = max(len(legend_text(figure, figure.colour, value)) for value in values)
    return 1 < len(values) <= min(_MOST, height // (_LINE + 2)) and longest <= _LONGEST


def spread_out(places: Sequence[float], height: float) -> list[float]:
    """Return pixels near `places`, at least a line of text apart and inside the panel, in the same order.

    Args:
        places: Where labels would stand, in pixels from above.
        height: Of the panel.
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    blocks: list[list[float]] = []  # sum of wished tops, number
    for rank, index in enumerate(order):
        blocks.append([places[index] - rank * _LINE, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1] = [blocks[-1][0] + total, blocks[-1][1] + count]
    shifted = [total / count for total, count in blocks for _ in range(int(count))]
    top, bottom = 0.0, height - (len(places) - 1) * _LINE
    tops = [min(max(place, top), bottom) + rank * _LINE for rank, place in enumerate(shifted)]
    found = [0.0] * len(places)
    for rank, index in enumerate(order):
        found[index] = tops[rank]
    return found


def end_labels(figure: Figure, points: Sequence[Row], first: str, span: Span) -> list[Any]:
    """Return one layer for each name.

    Args:
        figure: Its `colour` tells lines apart.
        points: Points of one panel.
        first: The series whose lines are named.
        span: The vertical axis.
    """
    last = ends(figure, points, first)
    places = [min(max(span.pixel(row["mean"]), 0.0), float(span.height)) for row in last]
    colours = dict(zip(*colour_domain(figure, points, str(figure.colour)), strict=True))
    layers = []
    for row, place, wanted in zip(last, places, spread_out(places, span.height), strict=True):
        value = row[str(figure.colour)]
        words = legend_text(figure, str(figure.colour), value)
        data = alt.InlineData(values=[{"x": row["x"], "mean": row["mean"], "text": words}])
        mark = alt.Chart(data).mark_text(
            align="left", baseline="middle", dx=8, dy=round(wanted - place, 1), fontSize=11, fontWeight=600
        )
        layers.append(mark.encode(x="x:Q", y="mean:Q", text="text:N", color=alt.value(theme.readable(colours[value]))))
    return layers
