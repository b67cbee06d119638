"""A few arms compared by name: one row each, with mean and interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.axes import Span
from batchlab.charts.behind import ends_of, region_layers, regions_in, regions_text
from batchlab.charts.colours import colour, labels_expression
from batchlab.charts.drawn import Drawn, Row, distinct, is_number, told_apart, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing, seeds_text
from batchlab.charts.forest.row_axes import forest_axes
from batchlab.charts.layout import WIDTH, side_by_side, with_panels
from batchlab.charts.lines import points_of
from batchlab.charts.quantities import quantity, series_of, title_of
from batchlab.charts.words import capital, value_text
from batchlab.tables.rounding import decimals, number

# Single seeds stand so many pixels below their mean.
_BELOW = 6
# More decimal places than these are written as a power of ten.
_MOST_DECIMALS = 6


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw one row per arm with the mean over seeds, its 95 % t interval, every seed, and the number in words.

    Args:
        figure: `x` names the rows, `y` the values; `colour`, `facet`, `panels`, `sort` (`table` or `value`), `x_title`
            and `x_domain` are read.
        drawn: What `forest.data` returns.

    Returns:
        An Altair chart.
    """
    points = drawn.of("mean")
    if not points:
        return nothing(figure, drawn)
    figure = told_apart(figure, drawn)
    axes = [wanted for wanted in forest_axes(figure) if any(row["column"] in wanted for row in points)]
    charts = [_chart(figure, drawn, wanted) for wanted in axes]
    notes = [seeds_text(points, drawn="bars"), "small dots: single seeds", regions_text(drawn)]
    return finish(side_by_side(charts, 1), figure, drawn, notes)


@dataclass(frozen=True)
class _Rows:
    """The rows of a chart and what tells their points apart.

    Attributes:
        order: The names of the rows from top to bottom.
        by: Column that tells the points of one row apart.
        kinds: Its values in order.
    """

    order: Sequence[Any]
    by: str
    kinds: Sequence[Any]

    def sorted(self, names: str, series: Sequence[str], points: Sequence[Row]) -> list[Row]:
        """Return points series by series, each from top to bottom."""
        return sorted(points, key=lambda row: (series.index(row["series"]), self.order.index(row[names])))


def _rows(figure: Figure, points: Sequence[Row], series: Sequence[str]) -> _Rows:
    names = figure.x
    order = distinct(points, names)
    if figure.option("sort") == "value":
        first = [row for row in points if row["series"] == series[0]]
        largest = {key: max((row["mean"] for row in first if row[names] == key), default=-1e308) for key in order}
        order = sorted(order, key=lambda key: -largest[key])
    if figure.colour in (None, names):
        return _Rows(order, "series", series)
    return _Rows(order, str(figure.colour), distinct(points, str(figure.colour)))


def _chart(figure: Figure, drawn: Drawn, wanted: Sequence[str]) -> Any:
    """Return the chart of one axis, once for each panel."""
    points, seeds, behind = drawn.of("mean"), drawn.of("seed"), regions_in(drawn, wanted)
    names, series = figure.x, list(series_of(figure, wanted).values())
    own = points_of(figure, points, wanted, [*_extra(figure), "mean", "low", "high", "n"])
    rows = _rows(figure, own, series)
    own = rows.sorted(names, series, [{**row, "text": _words(row)} for row in own])
    each = rows.sorted(names, series, points_of(figure, seeds, wanted, [*_extra(figure), "value"]))
    longest = max(len(value_text(figure.column(names), key)) for key in rows.order)
    width = WIDTH - min(230, 7 * longest) - 110
    height = (30 if len(rows.kinds) < 2 else 12 + 14 * len(rows.kinds)) * len(rows.order)
    own_rows, panels = with_panels(figure, own)
    seed_rows, _ = with_panels(figure, each)
    title = quantity(figure, *wanted).axis
    encoded = _encoding(figure, rows, own)
    axis = _Axis(title, width, _x(figure, title, [*own, *({"mean": row["value"]} for row in each)], behind), behind)
    if not panels:
        return _layers(figure, own_rows, seed_rows, encoded, axis).properties(width=width, height=height)
    charts = []
    for panel in panels:
        # Every layer gets the rows of its panel; the shared colour scale keeps one legend.
        of_panel = [row for row in own_rows if row["panel"] == panel]
        single = [row for row in seed_rows if row["panel"] == panel]
        chart = _layers(figure, of_panel, single, encoded, axis, bars=bool(values_of(own, "low")))
        heading = alt.TitleParams(panel, fontSize=12, offset=6, frame="group")
        charts.append(chart.properties(width=width, height=height, title=heading))
    return alt.concat(*charts, columns=1).resolve_scale(x="shared")


@dataclass(frozen=True)
class _Axis:
    """The horizontal axis of a chart: its title, width, encoding of means, and the regions behind it."""

    title: str
    width: int
    x: Any
    regions: Sequence[Row]

    @property
    def span(self) -> Span:
        """The range of the axis."""
        low, high = self.x["scale"]["domain"]
        return Span(low, high, "linear", self.width)


def _x(figure: Figure, title: str, points: Sequence[Row], regions: Sequence[Row]) -> Any:
    """Return the encoding of means along the horizontal axis, which shows every seed, interval and region."""
    domain = figure.option("x_domain")
    if not domain:
        found = [
            value for row in points for value in (row["mean"], row.get("low"), row.get("high")) if value is not None
        ]
        found += ends_of(regions)
        room = 0.04 * (max(found) - min(found)) or 0.01 * abs(max(found)) or 1.0
        least, most = _bounds(figure)
        lowest = 0.0 if min(found) >= 0 else -math.inf
        domain = (max(min(found) - room, lowest, least), min(max(found) + room, most))
    ends = [float(f"{end:.6g}") for end in domain]
    name = figure.option("x_title") or capital(title)
    scale, axis = alt.Scale(domain=ends, nice=False, zero=False), alt.Axis(grid=True, tickCount=6, format=",.6~g")
    return alt.X("mean:Q", title=name, scale=scale, axis=axis)


def _bounds(figure: Figure) -> tuple[float, float]:
    """Return what no value of the drawn columns can leave, in the unit of the axis."""
    columns = [figure.column(name) for name in figure.y]
    if any(column.bounds is None for column in columns):
        return -math.inf, math.inf
    ends = [(column.factor * column.bounds[0], column.factor * column.bounds[1]) for column in columns if column.bounds]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _extra(figure: Figure) -> list[str]:
    return [] if figure.x in figure.groups() else [figure.x]


def _encoding(figure: Figure, rows: _Rows, points: Sequence[Row]) -> dict[str, Any]:
    """Return where points stand and which colour they have."""
    names, several = figure.x, len(rows.kinds) > 1
    y = alt.Y(
        f"{names}:{'O' if all(map(is_number, rows.order)) else 'N'}",
        sort=list(rows.order),
        title=None,
        axis=alt.Axis(
            labelLimit=230,
            labelExpr=labels_expression(figure.column(names), rows.order),
            grid=True,
            domain=False,
            ticks=False,
            labelPadding=8,
        ),
    )
    tint: Any = alt.value(theme.CATEGORIES[0])
    if several:
        tint = _above(colour(figure.changed(colour=rows.by), points))
    if figure.colour == names == "batch_size":
        tint = colour(figure, points, legend=False)
    if not several:
        return {"y": y, "color": tint}
    scale = alt.Scale(paddingOuter=0.35)
    return {"y": y, "color": tint, "yOffset": alt.YOffset(f"{rows.by}:N", sort=list(rows.kinds), scale=scale)}


def _layers(
    figure: Figure,
    points: Sequence[Row],
    seeds: Sequence[Row],
    encoded: dict[str, Any],
    axis: _Axis,
    *,
    bars: bool | None = None,
) -> Any:
    """Return regions, intervals, means, seeds below them, and numbers of one panel."""
    told = [{**row, "words": value_text(figure.column(figure.x), row[figure.x])} for row in points]
    if figure.colour not in (None, figure.x):
        told = [{**row, "kind": value_text(figure.column(str(figure.colour)), row[str(figure.colour)])} for row in told]
    points = told
    drawn, single = alt.InlineData(values=list(points)), alt.InlineData(values=list(seeds))
    base = alt.Chart(drawn).encode(**encoded)
    layers: list[Any] = list(region_layers(axis.regions, axis.span, "x"))
    if bars or (bars is None and values_of(points, "low")):
        layers.append(base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q"))
    tips = [
        alt.Tooltip("words:N", title=title_of(figure.column(figure.x))),
        *([alt.Tooltip("kind:N", title=title_of(figure.column(str(figure.colour))))] if "kind" in points[0] else []),
        alt.Tooltip("text:N", title=axis.title),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    layers.append(base.mark_point(size=60, opacity=1).encode(x=axis.x, tooltip=tips))
    # Below the bar, which would hide them.
    dots = alt.Chart(single).encode(**encoded).mark_point(size=14, opacity=0.75, yOffset=_BELOW)
    layers.append(dots.encode(x="value:Q"))
    placed = {key: value for key, value in encoded.items() if key != "color"}
    text = alt.Chart(drawn).encode(**placed).mark_text(align="left", fontSize=11, dx=10, color=theme.INK)
    layers.append(text.encode(x=alt.value(axis.width), text="text:N"))
    return alt.layer(*layers)


def _above(tint: Any) -> Any:
    """Return the colour with its legend above the panel: beside it stand the numbers."""
    if isinstance(tint, alt.Color):
        tint["legend"]["orient"], tint["legend"]["direction"], tint["legend"]["columns"] = "top", "horizontal", 0
        tint["legend"]["symbolType"] = "circle"
    return tint


def _words(row: Row) -> str:
    """Return mean and half width of the interval with the digits that the interval supports."""
    low, high = row["low"], row["high"]
    half = 0.0 if low is None or high is None else (high - low) / 2
    if not half > 0:
        return f"{row['mean']:.4g}".replace("-", "−")
    digits = max(0, decimals(half))
    if digits > _MOST_DECIMALS:
        return f"{number(row['mean'], 2)} ± {number(half, 1)}"
    return f"{row['mean']:.{digits}f} ± {half:.{digits}f}".replace("-", "−")
