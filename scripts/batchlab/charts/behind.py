"""What lies behind the lines of a panel: published numbers, margins, and the epochs of a change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.axes import Span
from batchlab.charts.drawn import Drawn, Row

_BAND = "#8a6d1d"


def regions_in(drawn: Drawn, columns: Sequence[str]) -> list[Row]:
    """Return the published numbers and margins of the columns of an axis."""
    return [row for row in drawn.of("region") if row["column"] in columns]


def ends_of(regions: Sequence[Row]) -> list[float]:
    """Return the ends of regions, which an axis has to show."""
    return [row[end] for row in regions for end in ("low", "high") if row[end] is not None]


def region_layers(regions: Sequence[Row], span: Span, y: str = "y") -> list[Any]:
    """Return a band for each region, or a line where it is one number, with its source.

    Args:
        regions: Rows with `low`, `high` and `text`; an end that is missing is that of the axis.
        span: The axis on which they lie; None of `y: x`, where they stand upright.
        y: Channel of the axis, `y` or `x`.
    """
    layers = []
    for row in regions:
        low = span.low if row["low"] is None else max(row["low"], span.low)
        high = span.high if row["high"] is None else min(row["high"], span.high)
        values = alt.InlineData(values=[{"text": row["text"]}])
        base = alt.Chart(values)
        title = alt.Tooltip("text:N", title="region")
        ends = {y: alt.datum(low), f"{y}2": alt.datum(high)}
        band = base.mark_rect(color=_BAND, opacity=0.13) if high > low else base.mark_rule(color=_BAND, strokeWidth=1.5)
        layers.append(band.encode(**(ends if high > low else {y: alt.datum(low)}), tooltip=[title]))
        for end in (row["low"], row["high"]):
            if end is not None and high > low and span.low < end < span.high:
                edge = base.mark_rule(color=_BAND, strokeWidth=0.8, strokeDash=[4, 3])
                layers.append(edge.encode(**{y: alt.datum(end)}))
    return layers


def regions_text(drawn: Drawn) -> str:
    """Return what the bands are, for the lines below the title."""
    texts = list(dict.fromkeys(row["text"] for row in drawn.of("region")))
    return f"brown: {', '.join(texts)}" if texts else ""


def change_layers(drawn: Drawn) -> list[Any]:
    """Return an upright line at each change of batch size or learning rate."""
    rows = [{"x": row["x"]} for row in drawn.of("change")]
    if not rows:
        return []
    line = alt.Chart(alt.InlineData(values=rows)).mark_rule(strokeDash=[2, 3], strokeWidth=1.2, color=theme.GREY)
    return [line.encode(x="x:Q", tooltip=[alt.Tooltip("x:Q", title="batch size or learning rate changes at epoch")])]


def changes_text(drawn: Drawn) -> str:
    """Return what the upright lines are."""
    return "dotted: batch size or learning rate changes" if drawn.of("change") else ""
