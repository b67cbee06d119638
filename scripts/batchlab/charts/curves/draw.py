"""Learning curves: mean over seeds with its interval, along epochs, updates, examples or seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.axes import Span, span_of, x_axis, y_name
from batchlab.charts.behind import change_layers, changes_text, ends_of, region_layers, regions_in, regions_text
from batchlab.charts.colours import colour, from_top, is_wide
from batchlab.charts.drawn import Drawn, Row, distinct, told_apart, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing, seeds_text
from batchlab.charts.layout import Panel, Size, headed, of_panel, panel_size, panels_of, side_by_side
from batchlab.charts.line_ends import end_labels, fits
from batchlab.charts.lines import Split, most_on_a_line, points_of, split_of
from batchlab.charts.quantities import axes_of, quantity, series_of, title_of
from batchlab.charts.tips import tips, with_words
from batchlab.charts.words import value_text

# Unseen points are what a pointer catches in the interactive figure; too many of them swell the files.
_MOST_TARGETS = 500
# Lines with at most so many points show them.
_FEW = 12


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw mean curves with a 95 % t interval over seeds, or the median and every seed.

    Several `y` columns are told apart by dashes (test solid, train dashed), or by panels with `panels: true`. Lines
    are named at their ends where that fits. With `minus` the lines are differences, around 0.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `dash`, `panels`, `own_axes`, `spread`, `minus`, scales, titles and
            domains are read.
        drawn: What `curves.data` returns.

    Returns:
        An Altair chart.
    """
    points = drawn.of("mean")
    if not points:
        return nothing(figure, drawn)
    figure = told_apart(figure, drawn)
    wide, axes = is_wide(figure, points), [wanted for wanted in axes_of(figure) if _any(points, wanted)]
    panels = len(distinct(points, figure.facet)) if figure.facet else len(axes)
    own_axes = figure.facet is None or bool(figure.option("own_axes"))
    has_dash = figure.dash is not None or any(len(axis) > 1 for axis in axes)
    beside = not wide and (figure.colour is not None or has_dash)
    size = panel_size(panels, beside, own_axes=own_axes)
    named = size.across == 1 and fits(figure, points, size.height)
    charts = [
        chart
        for place, wanted in enumerate(axes)
        for chart in _axis(figure, drawn, wanted, _Look(wide, size, named, own_axes, place % size.across == 0))
    ]
    joined = side_by_side(charts, size.across, 26 if own_axes else 18)
    return finish(joined, figure, drawn, [_runs_text(figure, points), *_notes(figure, drawn)])


class _Look:
    """How the panels of a figure are drawn: legends below or beside, sizes, names at the ends, axes shared or not."""

    def __init__(self, wide: bool, size: Size, named: bool, own_axes: bool, first: bool) -> None:
        self.wide, self.size, self.named, self.own_axes, self.first = wide, size, named, own_axes, first


def _any(points: Sequence[Row], wanted: Sequence[str]) -> bool:
    return any(row["column"] in wanted for row in points)


def _runs_text(figure: Figure, points: Sequence[Row]) -> str:
    if figure.option("spread") == "seeds":
        most = max(int(row["n"]) for row in points)
        return f"thick: median of n = {most} seeds; thin: single seeds" if most > 1 else "One seed (n = 1)"
    what = "difference" if figure.option("minus") else "mean"
    return seeds_text(points, f"geometric {what}" if figure.option("y_scale") == "log" else what)


def _notes(figure: Figure, drawn: Drawn) -> list[str]:
    title = title_of(figure.column(figure.x))
    beyond = [f"{title} 0 is not on the logarithmic axis" for _ in drawn.of("beyond")]
    return [changes_text(drawn), regions_text(drawn), *beyond]


def title_with(figure: Figure, wanted: Sequence[str]) -> str:
    """Return the title of the vertical axis: the quantity, or its difference from the reference."""
    shown = quantity(figure, *wanted)
    minus: Mapping[str, Any] | None = figure.option("minus")
    if minus is None:
        return shown.axis
    names = ", ".join(value_text(figure.column(name), value) for name, value in minus.items())
    unit = {"%": "pp"}.get(shown.unit, shown.unit)
    return f"{shown.title} minus that of {names}" + (f" ({unit})" if unit else "")


def _axis(figure: Figure, drawn: Drawn, wanted: Sequence[str], look: _Look) -> list[Any]:
    """Return the panels of one axis."""
    names = list(series_of(figure, wanted).values())
    own = with_words(figure, points_of(figure, drawn.of("mean"), wanted, ["x", "mean", "low", "high", "n"]), names)
    single = points_of(figure, drawn.of("seed"), wanted, ["x", "seed", "value"])
    behind, split = regions_in(drawn, wanted), split_of(figure, own, names)
    title = title_with(figure, wanted)
    name = y_name(figure, title, look.size.height)
    x = x_axis(figure, values_of(own, "x"), look.size.width)
    zero = [0.0] if figure.option("minus") else []
    kind = figure.option("y_scale")
    charts = []
    for panel in panels_of(figure, own, look.size.across):
        here = of_panel(figure, own, panel)
        ranged = here if look.own_axes else own
        seeds = values_of(of_panel(figure, single, panel) if look.own_axes else single, "value")
        span = span_of(figure, ranged, look.size.height, kind, [*ends_of(behind), *zero, *seeds])
        layers = [
            *region_layers(behind, span),
            *change_layers(drawn),
            *_lines(figure, own, here, of_panel(figure, single, panel), split, look, span, title),
            *(end_labels(figure, here, names[0], span) if look.named else []),
        ]
        first = Panel(panel.value, panel.heading, panel.first and (look.first or figure.facet is not None))
        shared = look.own_axes or first.first
        y = span.encoding("mean", name if shared else None, labels=shared)
        anchor = alt.Chart(alt.InlineData(values=here)).mark_point(opacity=0, clip=True).encode(x=x, y=y)
        charts.append(headed(alt.layer(anchor, *layers), first, look.size))
    return charts


def ends_at(figure: Figure, points: Sequence[Row]) -> list[Row]:
    """Return the last point of each line."""
    last: dict[tuple[Any, ...], Row] = {}
    for row in points:
        key = tuple(row[name] for name in (*figure.groups(), "series"))
        if key not in last or row["x"] >= last[key]["x"]:
            last[key] = row
    return list(last.values())


def _lines(
    figure: Figure,
    everywhere: Sequence[Row],
    here: Sequence[Row],
    single: Sequence[Row],
    split: Split,
    look: _Look,
    span: Span,
    title: str,
) -> list[Any]:
    """Return bands or single seeds, lines, and what a pointer catches, of one panel."""
    order = from_top(figure, everywhere)
    tint = colour(figure, everywhere, look.wide, legend=not look.named, order=order)
    base = alt.Chart(alt.InlineData(values=list(here))).encode(x="x:Q", color=tint)
    detail, told = [alt.Detail(f"{split.column.name}:N")], tips(figure, here, title)
    layers: list[Any] = []
    if values_of(here, "low"):
        band = base.mark_area(opacity=0.15, clip=True, strokeWidth=0)
        layers.append(band.encode(y=alt.Y("low:Q"), y2="high:Q", detail=detail))
    if single:
        thin = alt.Chart(alt.InlineData(values=list(single))).mark_line(strokeWidth=0.8, opacity=0.55, clip=True)
        each = [*detail, alt.Detail("seed:N")]
        layers.append(
            thin.encode(
                x="x:Q", y="value:Q", color=tint, strokeDash=split.encoding(look.wide or look.named), detail=each
            )
        )
    if figure.option("minus"):
        rule = alt.Chart(alt.InlineData(values=[{}])).mark_rule(strokeWidth=1.2, color=theme.GREY)
        layers.append(rule.encode(y=alt.datum(0)))
    line = base.mark_line(clip=True)
    layers.append(
        line.encode(y="mean:Q", strokeDash=split.encoding(look.wide or look.named), detail=detail, tooltip=told)
    )
    if len({row["x"] for row in ends_at(figure, here)}) > 1:
        # Lines of different lengths: where one ends below another would not be seen.
        last = alt.Chart(alt.InlineData(values=ends_at(figure, here))).mark_point(size=44, opacity=1, clip=True)
        layers.append(last.encode(x="x:Q", y="mean:Q", color=tint, tooltip=told))
    few = most_on_a_line(figure, here) <= _FEW
    if few or len(everywhere) <= _MOST_TARGETS:
        dots = base.mark_point(size=26 if few else 40, opacity=1 if few else 0, clip=True)
        layers.append(dots.encode(y="mean:Q", detail=detail, tooltip=told))
    return layers
