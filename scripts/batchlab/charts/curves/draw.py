"""Learning curves: mean over seeds with its interval, along epochs, updates, examples or seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts.axes import x_axis, y_axis, y_name
from batchlab.charts.colours import colour, is_wide
from batchlab.charts.drawn import Drawn, Row, distinct, told_apart, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing, seeds_text
from batchlab.charts.layout import Size, faceted, panel_size, side_by_side, with_panels
from batchlab.charts.lines import most_on_a_line, points_of, split_of
from batchlab.charts.quantities import axes_of, quantity, series_of, title_of

# Unseen points are what a pointer catches in the interactive figure; too many of them swell the files.
_MOST_TARGETS = 500
# Lines with at most so many points show them.
_FEW = 12


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw mean curves with a 95 % t interval over seeds.

    Several `y` columns are told apart by dashes (test solid, train dashed), or by panels with `panels: true`.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `dash`, `panels`, scales, titles and domains are read.
        drawn: What `curves.data` returns.

    Returns:
        An Altair chart.
    """
    points = drawn.of("mean")
    if not points:
        return nothing(figure, drawn)
    figure = told_apart(figure, drawn)
    wide, axes = is_wide(figure, points), axes_of(figure)
    panels = len(distinct(points, figure.facet)) if figure.facet else len(axes)
    has_dash = figure.dash is not None or any(len(axis) > 1 for axis in axes)
    beside = not wide and (figure.colour is not None or has_dash)
    size = panel_size(panels, beside, own_axes=figure.facet is None)
    charts = [_axis(figure, points, wanted, wide, size) for wanted in axes if _any(points, wanted)]
    joined = side_by_side(charts, 1 if figure.facet else size.across)
    return finish(joined, figure, drawn, [seeds_text(points), *_beyond(figure, drawn)])


def _any(points: Sequence[Row], wanted: Sequence[str]) -> bool:
    return any(row["column"] in wanted for row in points)


def _beyond(figure: Figure, drawn: Drawn) -> list[str]:
    title = title_of(figure.column(figure.x))
    return [f"{title} 0 is not on the logarithmic axis" for _ in drawn.of("beyond")]


def _axis(figure: Figure, points: Sequence[Row], wanted: Sequence[str], wide: bool, size: Size) -> Any:
    """Return the panels of one axis."""
    own = points_of(figure, points, wanted, ["x", "mean", "low", "high", "n"])
    split = split_of(figure, own, list(series_of(figure, wanted).values()))
    rows, panels = with_panels(figure, own)
    title = quantity(figure, *wanted).axis
    means = values_of(own, "mean")
    name = y_name(figure, title, size.height)
    y = y_axis(figure, name, min(means), max(means), figure.option("y_scale"))
    x = x_axis(figure, values_of(own, "x"), size.width)
    base = alt.Chart().encode(x=x, color=colour(figure, own, wide))
    detail, tips = [alt.Detail(f"{split.column.name}:N")], _tooltip(figure, own, title)
    layers: list[Any] = []
    if values_of(own, "low"):
        band = base.mark_area(opacity=0.15, clip=True, strokeWidth=0)
        layers.append(band.encode(y=alt.Y("low:Q", title=name), y2="high:Q", detail=detail))
    clipped = figure.option("x_domain") or figure.option("y_domain")
    line = base.mark_line(clip=True) if clipped else base.mark_line()
    layers.append(line.encode(y=y, strokeDash=split.encoding(wide), detail=detail, tooltip=tips))
    few = most_on_a_line(figure, own) <= _FEW
    if few or len(own) <= _MOST_TARGETS:
        dots = base.mark_point(size=26 if few else 40, opacity=1 if few else 0, clip=True)
        layers.append(dots.encode(y=y, detail=detail, tooltip=tips))
    layer = alt.layer(*layers, data=alt.InlineData(values=rows)).properties(width=size.width, height=size.height)
    return faceted(layer, panels, size.across)


def _tooltip(figure: Figure, points: Sequence[Row], title: str) -> list[Any]:
    """Return what the interactive figure shows under the pointer."""
    tips = [alt.Tooltip("x:Q", title=title_of(figure.column(figure.x)), format="~g")]
    named = [name for name in dict.fromkeys((figure.colour, figure.dash)) if name is not None]
    tips += [alt.Tooltip(f"{name}:N", title=name.replace("_", " ")) for name in named]
    if len(distinct(points, "series")) > 1:
        tips.append(alt.Tooltip("series:N", title="series"))
    tips.append(alt.Tooltip("mean:Q", title=title, format=".5~g"))
    for end in ("low", "high"):
        tips.append(alt.Tooltip(f"{end}:Q", title=f"95 % interval, {end}", format=".5~g"))
    return [*tips, alt.Tooltip("n:Q", title="seeds")]
