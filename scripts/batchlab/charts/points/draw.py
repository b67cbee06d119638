"""One value per arm against batch size, learning rate or another quantity, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.axes import x_axis, y_axis, y_name
from batchlab.charts.colours import colour, is_wide
from batchlab.charts.drawn import Drawn, Row, distinct, told_apart, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing, seeds_of, seeds_text
from batchlab.charts.layout import Size, faceted, panel_size, side_by_side, with_panels
from batchlab.charts.lines import Split, points_of, split_of
from batchlab.charts.quantities import axes_of, quantity, series_of, title_of

_LINE_GREY = "#a9b0b8"


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw mean and interval over seeds per arm, joined by lines.

    Bars are the 95 % t interval over seeds, or ± the column `error`; the column `predicted` is a dashed line. With
    several `y` columns the first is filled and solid, the others open and dashed.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `dash`, `panels`, `error`, `predicted`, scales, titles and domains.
        drawn: What `points.data` returns.

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
    beside = not wide and (figure.colour not in (None, figure.x) or has_dash)
    size = panel_size(panels, beside, own_axes=figure.facet is None)
    drawable = [wanted for wanted in axes if any(row["column"] in wanted for row in points)]
    charts = [_axis(figure, points, wanted, wide, size) for wanted in drawable]
    joined = side_by_side(charts, 1 if figure.facet else size.across)
    return finish(joined, figure, drawn, [_bars_text(figure, drawn, points), _prediction_text(figure)])


def _bars_text(figure: Figure, drawn: Drawn, points: Sequence[Row]) -> str:
    error = figure.option("error")
    if error is None:
        return seeds_text(points, drawn="bars")
    trials = drawn.number("trials")
    over = f" over n = {trials} trials" if trials else ""
    what = "standard deviation" if error.endswith("std") else error.replace("_", " ")
    seeds = seeds_of(points)[1]
    return f"Bars: ± {what}{over}" + (f", averaged over {seeds} seeds" if seeds > 1 else ", one seed")


def _prediction_text(figure: Figure) -> str:
    predicted = figure.option("predicted")
    return f"dashed grey: {title_of(figure.column(predicted))}" if predicted else ""


def _axis(figure: Figure, points: Sequence[Row], wanted: Sequence[str], wide: bool, size: Size) -> Any:
    """Return the panels of one axis."""
    own = points_of(figure, points, wanted, ["x", "mean", "low", "high", "n", "predicted"])
    split = split_of(figure, own, list(series_of(figure, wanted).values()))
    rows, panels = with_panels(figure, own)
    title = quantity(figure, *wanted).axis
    means = values_of(own, "mean")
    low, high = min(means), max(means)
    if figure.option("y_scale") == "log":
        low, high = min([low, *values_of(own, "low")]), max([high, *values_of(own, "high")])
    name = y_name(figure, title, size.height)
    y = y_axis(figure, name, low, high, figure.option("y_scale"))
    base = alt.Chart().encode(x=x_axis(figure, values_of(own, "x"), size.width))
    layers = [
        *_prediction(figure, base, own, split, name),
        *_lines_and_bars(figure, base, own, split, wide, (y, name)),
        *_symbols(figure, base, own, split, wide, (y, title)),
    ]
    layer = alt.layer(*layers, data=alt.InlineData(values=rows)).properties(width=size.width, height=size.height)
    return faceted(layer, panels, size.across)


def _prediction(figure: Figure, base: Any, points: Sequence[Row], split: Split, name: list[str]) -> list[Any]:
    """Return the dashed line of what was predicted."""
    if not values_of(points, "predicted"):
        return []
    dashed = base.mark_line(strokeDash=[3, 3], strokeWidth=1.4, color=theme.GREY)
    names = (split.column.name, figure.colour)
    own = [alt.Detail(f"{name}:N") for name in names if name is not None and name != figure.x]
    return [dashed.encode(y=alt.Y("predicted:Q", title=name), detail=own)]


def _tint(figure: Figure, points: Sequence[Row], wide: bool) -> Any:
    return colour(figure, points, wide, legend=figure.colour is None or figure.colour != figure.x)


def _lines_and_bars(
    figure: Figure, base: Any, points: Sequence[Row], split: Split, wide: bool, axis: tuple[Any, list[str]]
) -> list[Any]:
    """Return the lines that join the points, and their bars."""
    y, name = axis
    tint, detail = _tint(figure, points, wide), [alt.Detail(f"{split.column.name}:N")]
    # Where every point has a colour of its own, a line has none.
    along = alt.value(_LINE_GREY) if figure.colour is not None and figure.colour == figure.x else tint
    line = base.mark_line(strokeWidth=1.5)
    layers = [line.encode(y=y, color=along, strokeDash=split.encoding(wide), detail=detail)]
    if values_of(points, "low"):
        bars = base.mark_rule(strokeWidth=1.5)
        layers.append(bars.encode(y=alt.Y("low:Q", title=name), y2="high:Q", color=tint, detail=detail))
    return layers


def _symbols(
    figure: Figure, base: Any, points: Sequence[Row], split: Split, wide: bool, axis: tuple[Any, str]
) -> list[Any]:
    """Return the points themselves: the first kind filled, others open."""
    y, title = axis
    tint, detail = _tint(figure, points, wide), [alt.Detail(f"{split.column.name}:N")]
    tips = [
        alt.Tooltip("x:Q", title=title_of(figure.column(figure.x))),
        *(alt.Tooltip(f"{c}:N", title=c.replace("_", " ")) for c in figure.groups() if c != figure.x),
        alt.Tooltip("mean:Q", title=title, format=".5~g"),
        alt.Tooltip("low:Q", title="low", format=".5~g"),
        alt.Tooltip("high:Q", title="high", format=".5~g"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    layers: list[Any] = []
    fill: Any = alt.value(1)
    if len(split.kinds) > 1:
        fill = alt.condition(f"datum[{split.column.name!r}] === {split.kinds[0]!r}", alt.value(1), alt.value(0))
        # An open symbol would let lines and bars show through.
        layers.append(base.mark_point(size=52, opacity=1, color="white").encode(y=y, detail=detail))
    dots = base.mark_point(size=52, opacity=1, strokeWidth=1.6, filled=False)
    filled = base.mark_point(size=52, opacity=1)
    layers.append(filled.encode(y=y, color=tint, fillOpacity=fill, strokeOpacity=alt.value(0), detail=detail))
    layers.append(dots.encode(y=y, color=tint, detail=detail, tooltip=tips))
    return layers
