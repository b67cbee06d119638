"""One value per arm against batch size, learning rate or another quantity, with intervals."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.axes import Span, span_of, x_axis, y_name
from batchlab.charts.behind import ends_of, region_layers, regions_in, regions_text
from batchlab.charts.colours import colour, from_top, is_wide
from batchlab.charts.drawn import Drawn, Row, distinct, told_apart, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing, seeds_of, seeds_text
from batchlab.charts.layout import Size, headed, of_panel, panel_size, panels_of, side_by_side
from batchlab.charts.lines import Split, points_of, split_of
from batchlab.charts.quantities import axes_of, quantity, series_of, title_of
from batchlab.charts.tips import tips, with_words

_LINE_GREY = "#a9b0b8"
# Symbols of one `x` that are closer than this many pixels are moved apart, by this many.
_CLOSE, _APART = 8, 6
_DOT = 52


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw mean and interval over seeds per arm, joined by lines.

    Bars are the 95 % t interval over seeds, or ± the column `error`; the column `predicted` is a dashed line, and then
    the measured points are not joined. With several `y` columns the first is filled and solid, the others open and
    dashed. An arrow stands for runs that ended before their target.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `dash`, `panels`, `own_axes`, `error`, `predicted`, scales, titles and
            domains.
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
    own_axes = figure.facet is None or bool(figure.option("own_axes"))
    has_dash = figure.dash is not None or any(len(axis) > 1 for axis in axes)
    beside = not wide and (figure.colour not in (None, figure.x) or has_dash)
    size = panel_size(panels, beside, own_axes=own_axes)
    drawable = [wanted for wanted in axes if any(row["column"] in wanted for row in points)]
    made = [
        panel for wanted in drawable for panel in _panels(figure, drawn, wanted, wide=wide, size=size, own=own_axes)
    ]
    joined = side_by_side([panel.chart for panel in made], size.across, 26 if own_axes else 18)
    notes = [
        _bars_text(figure, drawn, points),
        _unseen_text(points, any(panel.unseen for panel in made)),
        "bars that end at the frame go on beyond it" if any(panel.cut for panel in made) else "",
    ]
    notes += [_prediction_text(figure), _censored_text(points), _ends_text(drawn), regions_text(drawn)]
    return finish(joined, figure, drawn, notes)


def _bars_text(figure: Figure, drawn: Drawn, points: Sequence[Row]) -> str:
    error = figure.option("error")
    if error is None and (seeds := drawn.number("seeds")):
        return f"Each point is made of n = {seeds} seeds together, so it has no interval"
    if error is None:
        if all(figure.column(name).clock for name in figure.y):
            average = "Geometric mean" if figure.option("y_scale") == "log" else "Mean"
            return f"{average} over n = {seeds_of(points)[1]} runs on one machine, so no interval"
        if _exact(points):
            return f"The same in all {seeds_of(points)[1]} seeds"
        return seeds_text(points, "geometric mean" if figure.option("y_scale") == "log" else "mean", drawn="bars")
    trials = drawn.number("trials")
    over = f" over n = {trials} trials" if trials else ""
    what = "standard deviation" if error.endswith("std") else error.replace("_", " ")
    seeds = seeds_of(points)[1]
    return f"Bars: ± {what}{over}" + (f", averaged over {seeds} seeds" if seeds > 1 else ", one seed")


def _exact(points: Sequence[Row]) -> bool:
    """Return whether all seeds agree on every number, so that an interval would be for show."""
    seeds = seeds_of(points)[0]
    return seeds > 1 and all(row["low"] is not None and row["low"] == row["high"] for row in points)


def _unseen_text(points: Sequence[Row], hidden: bool) -> str:
    return "bars that are not seen are smaller than the dots" if hidden and not _exact(points) else ""


def _prediction_text(figure: Figure) -> str:
    predicted = figure.option("predicted")
    return f"dashed grey: {title_of(figure.column(predicted))}" if predicted else ""


def _censored_text(points: Sequence[Row]) -> str:
    return "arrows: runs that ended before the target, at least so much" if _ended(points) else ""


def _ends_text(drawn: Drawn) -> str:
    """Return at which batch sizes the rate may not be the best one."""
    sizes = [f"{row['x']:,}" for row in drawn.of("grid_end")]
    if not sizes:
        return ""
    named = f"{', '.join(sizes[:-1])} and {sizes[-1]}" if sizes[1:] else sizes[0]
    return f"at B = {named}, rates reach an end of those that were tried"


def _ended(points: Sequence[Row]) -> list[Row]:
    return [row for row in points if row.get("censored")]


@dataclass(frozen=True)
class _Axis:
    """What the panels of one vertical axis share: columns, title and its lines, dashes, whether legends are below."""

    wanted: Sequence[str]
    title: str
    name: Sequence[str]
    split: Split
    wide: bool


@dataclass(frozen=True)
class _Drawn:
    """A panel, whether its dots hide some of its bars, and whether its frame cuts some off."""

    chart: Any
    unseen: bool
    cut: bool


def _panels(figure: Figure, drawn: Drawn, wanted: Sequence[str], *, wide: bool, size: Size, own: bool) -> list[_Drawn]:
    """Return the panels of one vertical axis."""
    series = list(series_of(figure, wanted).values())
    columns = ["x", "mean", "low", "high", "n", "predicted", "censored"]
    rows = with_words(figure, points_of(figure, drawn.of("mean"), wanted, columns), series)
    behind, title = regions_in(drawn, wanted), quantity(figure, *wanted).axis
    axis = _Axis(wanted, title, y_name(figure, title, size.height), split_of(figure, rows, series), wide)
    panels = panels_of(figure, rows, size.across)
    # What is moved aside at the first or the last value stays inside, or its bar would be cut off.
    most = max((len(_side_by_side(figure, rows, of_panel(figure, rows, panel))) for panel in panels), default=0)
    x = x_axis(figure, values_of(rows, "x"), size.width, padding=max(10, (most - 1) / 2 * _APART + 4))
    made = []
    for panel in panels:
        here = of_panel(figure, rows, panel)
        ranged = here if own else rows
        more = [*ends_of(behind), *values_of(ranged, "predicted")]
        span = span_of(figure, ranged, size.height, figure.option("y_scale"), more)
        shown = own or panel.first
        anchor = alt.Chart(alt.InlineData(values=here)).mark_point(opacity=0)
        anchor = anchor.encode(x=x, y=span.encoding("mean", axis.name if shown else None, labels=shown))
        layers = [anchor, *region_layers(behind, span), *_prediction(figure, here, axis.split)]
        layers += _groups(figure, rows, here, axis, span)
        unseen = any(
            span.pixel(row["low"]) - span.pixel(row["high"]) < _CLOSE for row in here if row["low"] and row["high"]
        )
        ends = [*values_of(here, "low"), *values_of(here, "high")]
        cut = any(not span.low <= end <= span.high for end in ends)
        made.append(_Drawn(headed(alt.layer(*layers), panel, size), unseen, cut))
    return made


def _prediction(figure: Figure, points: Sequence[Row], split: Split) -> list[Any]:
    """Return the dashed line of what was predicted."""
    if not values_of(points, "predicted"):
        return []
    dashed = alt.Chart(alt.InlineData(values=list(points))).mark_line(
        strokeDash=[3, 3], strokeWidth=1.4, color=theme.GREY
    )
    names = [name for name in (split.column.name, figure.colour) if name is not None and _draws_lines(points, name)]
    own = [alt.Detail(f"{name}:N") for name in names]
    return [dashed.encode(x="x:Q", y="predicted:Q", detail=own)]


def _draws_lines(points: Sequence[Row], name: str) -> bool:
    """Return whether some value of a column has several points, so that it has a line of its own."""
    places = {(row[name], row["x"]) for row in points}
    return len(places) > len({value for value, _ in places})


def _groups(figure: Figure, everywhere: Sequence[Row], points: Sequence[Row], axis: _Axis, span: Span) -> list[Any]:
    """Return lines, bars and symbols; where symbols of several colours would hide each other, side by side."""
    names = _side_by_side(figure, everywhere, points)
    if len(names) < 2 or not _crowded(points, span):
        return [*_lines_and_bars(figure, everywhere, points, axis, 0), *_symbols(figure, everywhere, points, axis, 0)]
    layers = []
    for number, name in enumerate(names):
        own = [row for row in points if row[str(figure.colour)] == name]
        shift = round((number - (len(names) - 1) / 2) * _APART, 1)
        layers += _lines_and_bars(figure, everywhere, own, axis, shift)
        layers += _symbols(figure, everywhere, own, axis, shift)
    return layers


def _side_by_side(figure: Figure, everywhere: Sequence[Row], points: Sequence[Row]) -> list[Any]:
    """Return the names that the colours of a panel tell apart, in the order of all panels."""
    if figure.colour in (None, figure.x):
        return []
    here = {row[str(figure.colour)] for row in points}
    return [name for name in distinct(everywhere, str(figure.colour)) if name in here]


def _crowded(points: Sequence[Row], span: Span) -> bool:
    """Return whether two symbols at one `x` hide each other."""
    pairs = itertools.combinations(points, 2)
    return any(
        first["x"] == second["x"] and abs(span.pixel(first["mean"]) - span.pixel(second["mean"])) < _CLOSE
        for first, second in pairs
    )


def _tint(figure: Figure, everywhere: Sequence[Row], axis: _Axis) -> Any:
    legend = figure.colour is None or figure.colour != figure.x
    return colour(figure, everywhere, axis.wide, legend=legend, order=from_top(figure, everywhere))


def _lines_and_bars(
    figure: Figure, everywhere: Sequence[Row], points: Sequence[Row], axis: _Axis, shift: float
) -> list[Any]:
    """Return the lines that join the points, and their bars."""
    tint, detail = _tint(figure, everywhere, axis), [alt.Detail(f"{axis.split.column.name}:N")]
    base = alt.Chart(alt.InlineData(values=list(points))).encode(x="x:Q")
    layers = []
    if not values_of(points, "predicted"):
        # Where every point has a colour of its own, a line has none.
        along = alt.value(_LINE_GREY) if figure.colour is not None and figure.colour == figure.x else tint
        line = base.mark_line(strokeWidth=1.5, xOffset=shift)
        dashes = axis.split.encoding(axis.wide)
        layers.append(line.encode(y="mean:Q", color=along, strokeDash=dashes, detail=detail))
    if values_of(points, "low"):
        bars = base.mark_rule(strokeWidth=1.5, xOffset=shift, clip=True)
        layers.append(bars.encode(y="low:Q", y2="high:Q", color=tint, detail=detail))
    return layers


def _symbols(figure: Figure, everywhere: Sequence[Row], points: Sequence[Row], axis: _Axis, shift: float) -> list[Any]:
    """Return the points themselves: the first kind filled, others open, an arrow where runs ended before a target."""
    tint, split = _tint(figure, everywhere, axis), axis.split
    detail, told = [alt.Detail(f"{split.column.name}:N")], tips(figure, points, axis.title)
    ended = _ended(points)
    base = alt.Chart(alt.InlineData(values=[row for row in points if row not in ended])).encode(x="x:Q", y="mean:Q")
    layers: list[Any] = []
    fill: Any = alt.value(1)
    if len(split.kinds) > 1:
        fill = alt.condition(f"datum[{split.column.name!r}] === {split.kinds[0]!r}", alt.value(1), alt.value(0))
        # An open symbol would let lines and bars show through.
        layers.append(base.mark_point(size=_DOT, opacity=1, color="white", xOffset=shift).encode(detail=detail))
    filled = base.mark_point(size=_DOT, opacity=1, xOffset=shift)
    layers.append(filled.encode(color=tint, fillOpacity=fill, strokeOpacity=alt.value(0), detail=detail))
    dots = base.mark_point(size=_DOT, opacity=1, strokeWidth=1.6, filled=False, xOffset=shift)
    layers.append(dots.encode(color=tint, detail=detail, tooltip=told))
    if ended:
        upward = alt.Chart(alt.InlineData(values=ended)).encode(x="x:Q", y="mean:Q", color=tint, detail=detail)
        stem = upward.mark_text(text="\u2191", fontSize=19, fontWeight=700, baseline="bottom", dy=3, xOffset=shift)
        layers.append(stem.encode(tooltip=[*told, alt.Tooltip("censored:Q", title="runs without the target")]))
        foot = upward.mark_point(size=_DOT, opacity=1, strokeWidth=1.6, filled=False, xOffset=shift)
        layers.append(foot)
    return layers
