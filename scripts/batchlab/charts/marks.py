"""Encodings, titles and layout that all charts share."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from batchlab.charts import theme
from batchlab.charts import words as columns
from batchlab.charts.aggregate import Summary, in_order
from batchlab.charts.figure import Figure
from batchlab.errors import BatchlabError

WIDTH = 640
_AXIS_WIDTH = 62
_COUNTS = ("epoch", "updates", "examples")


def colour_domain(figure: Figure, rows: pd.DataFrame, column: str) -> tuple[list[Any], list[str]]:
    """Return the values of a colour scale and their colours."""
    present = in_order(rows[column])
    if column == "batch_size":
        colours = theme.batch_colours(figure.batch_sizes, [int(size) for size in present])
        return list(colours), list(colours.values())
    if pd.api.types.is_numeric_dtype(rows[column]):
        return present, theme.ordered_colours(len(present))
    return present, theme.category_colours(len(present), f"{figure.where_it_is}, colour {column}")


_SIGNS = str.maketrans("₀₁₂₃₄₅₆₇₈₉ᵢ", "0123456789i")


def plain(text: str) -> str:
    """Return text in the signs of Liberation Sans; for any other sign the whole line would change its font."""
    return text.replace("‖₂", "‖").replace("‖", "||").translate(_SIGNS)


def capital(text: str) -> str:
    """Return the text, in plain signs, with a capital first letter if it starts with a word."""
    text = plain(text)
    word = len(text) > 1 and text[1].isalpha()
    return text[:1].upper() + text[1:] if word else text


def legend_title(column: str) -> str | None:
    """Return a legend's title: the quantity without its unit, which the axis titles carry; labels need none."""
    return None if column == "label" else capital(columns.quantity(column).title)


def _legend_text(column: str, value: Any) -> str:
    return columns.number_text(value) if not isinstance(value, str) else columns.value_text(column, value)


def labels_expression(column: str, values: Sequence[Any]) -> str:
    """Return a Vega expression that writes names the way people do (sgd → SGD)."""
    changed = {v: columns.value_text(column, v) for v in values if isinstance(v, str)}
    changed = {value: text for value, text in changed.items() if value != text}
    table = ", ".join(f"{_quoted(value)}: {_quoted(text)}" for value, text in changed.items())
    return f"{{{table}}}[datum.label] || datum.label" if table else "datum.label"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def is_wide(figure: Figure, rows: pd.DataFrame) -> bool:
    """Return whether the colour legend leaves no room beside the panels: three of them, or long labels."""
    if figure.facet is not None and rows[figure.facet].nunique() not in (1, 2, 4):
        return True
    if figure.colour is None or pd.api.types.is_numeric_dtype(rows[figure.colour]):
        return False
    return max(len(_legend_text(figure.colour, value)) for value in in_order(rows[figure.colour])) > 18


def legend_place(texts: Sequence[str], wide: bool) -> dict[str, Any]:
    """Return where a legend goes: beside the panels, or below them in as many columns as its labels allow."""
    if not wide:
        return {"orient": "right", "direction": "vertical", "columns": 1}
    longest = max((len(text) for text in texts), default=0)
    return {
        "orient": "bottom",
        "direction": "horizontal",
        "columns": max(1, min(len(texts), WIDTH // (40 + 6 * longest))),
    }


def colour(figure: Figure, rows: pd.DataFrame, wide: bool = False, *, legend: bool = True) -> Any:
    """Return the colour encoding of a figure."""
    if figure.colour is None:
        return alt.value(theme.CATEGORIES[0])
    domain, range_ = colour_domain(figure, rows, figure.colour)
    present = in_order(rows[figure.colour])
    place = legend_place([_legend_text(figure.colour, value) for value in present], wide)
    return alt.Color(
        f"{figure.colour}:{'O' if pd.api.types.is_numeric_dtype(rows[figure.colour]) else 'N'}",
        scale=alt.Scale(domain=domain, range=range_),
        sort=domain,
        legend=alt.Legend(
            title=legend_title(figure.colour),
            values=present,
            labelExpr=labels_expression(figure.colour, present),
            symbolOpacity=1,
            symbolType="stroke",
            **place,
        )
        # The panels' titles already name the colours of a figure with one panel per colour.
        if legend and figure.colour != figure.facet
        else None,
    )


def dash(names: Sequence[Any], title: str | None, wide: bool, column: str = "series") -> Any:
    """Return the dash encoding for several series; the first is solid."""
    if len(names) < 2:
        return alt.value(theme.DASHES[0])
    if len(names) > len(theme.DASHES):
        raise BatchlabError(f"{len(names)} values of {column}, at most {len(theme.DASHES)} dashes can be told apart")
    return alt.StrokeDash(
        f"{column}:N",
        scale=alt.Scale(domain=list(names), range=list(theme.DASHES[: len(names)])),
        sort=list(names),
        legend=alt.Legend(
            title=title,
            orient="top" if wide else "right",
            direction="horizontal" if wide else "vertical",
            symbolType="stroke",
            symbolStrokeColor=theme.INK,
            symbolSize=260,
            labelExpr=labels_expression(column, names),
        ),
    )


def _nice_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Return at most `most` tick values of a logarithmic axis: powers of ten, with 2 and 5 or 3 if they fit.

    An axis of less than half a decade holds hardly any of these; it gets evenly spaced ones.
    """
    if high < 5 * low:
        return _even_ticks(low, high, most)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{step}e{power}") for power in range(first, last + 1) for step in steps]
        ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]


def _even_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` multiples of 1, 2, 2.5 or 5 times a power of ten, as many as fit."""
    power = math.floor(math.log10(high - low)) if high > low else 0
    for step in (float(f"{factor}e{power + shift}") for shift in (-1, 0, 1) for factor in (1, 2, 2.5, 5)):
        ticks = [float(f"{number * step:.12g}") for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if len(ticks) <= most:
            return ticks
    return []


def _log_labels() -> str:
    """Return a Vega expression that writes 0.001 to 10000 in full and other powers as 1e-7."""
    return "datum.value >= 1e-3 && datum.value < 1e6 ? format(datum.value, '~g') : format(datum.value, '.0e')"


def x_axis(figure: Figure, values: pd.Series, width: int = 500) -> Any:
    """Return the horizontal encoding of a numeric column named `x`, linear or logarithmic, `width` pixels long."""
    name = textwrap.wrap(capital(figure.x_title or columns.quantity(figure.x or "x").axis), max(24, width // 6))
    low, high = float(values.min()), float(values.max())
    domain = list(figure.x_domain) if figure.x_domain else None
    if figure.x_scale == "linear":
        scale = (
            alt.Scale(zero=False, nice=False, domain=domain) if domain else alt.Scale(zero=False, nice=False, padding=6)
        )
        # Half an epoch or half an update has no name.
        step = 1 if figure.x in _COUNTS else alt.Undefined
        axis = alt.Axis(format="~s" if high >= 1e4 else alt.Undefined, tickMinStep=step)
        return alt.X("x:Q", title=name, scale=scale, axis=axis)
    base = 2 if figure.x_scale == "log2" else 10
    most = max(3, width // 42)
    if base == 2:
        ticks = sorted(set(values))
        # The last value stays, it is the one that a reader looks for.
        ticks = ticks[::-1][:: math.ceil(len(ticks) / most)][::-1]
    else:
        ticks = _nice_ticks(low, high, most)
    return alt.X(
        "x:Q",
        title=name,
        scale=alt.Scale(type="log", base=base, nice=False, **({"domain": domain} if domain else {"padding": 10})),
        axis=alt.Axis(values=[float(tick) for tick in ticks], labelExpr=_log_labels()),
    )


def y_name(figure: Figure, title: str, height: int) -> list[str]:
    """Return the title of a vertical axis, in as many lines as its height demands."""
    return textwrap.wrap(capital(figure.y_title or title), max(20, height // 6))


def y_axis(figure: Figure, name: list[str], low: float, high: float) -> Any:
    """Return the vertical encoding of the column `mean`; a logarithmic one covers `low` to `high`."""
    if figure.y_scale == "linear":
        scale = alt.Scale(domain=list(figure.y_domain)) if figure.y_domain else alt.Scale(zero=False, padding=7)
        return alt.Y("mean:Q", title=name, scale=scale)
    low, high = figure.y_domain or (low * 0.9, high * 1.1)
    return alt.Y(
        "mean:Q",
        title=name,
        scale=alt.Scale(type="log", domain=[float(f"{low:.3g}"), float(f"{high:.3g}")], nice=False),
        axis=alt.Axis(values=_nice_ticks(low, high), labelExpr=_log_labels()),
    )


def references(figure: Figure) -> list[alt.Chart | alt.LayerChart]:
    """Return a horizontal line with its label for every reference value of the figure."""
    layers: list[Any] = []
    for item in figure.reference:
        value, label = (item["value"], item.get("label", "")) if isinstance(item, dict) else (item, "")
        data = alt.Data(values=[{"value": value, "label": label}])
        base = alt.Chart(data).encode(y=alt.Y("value:Q"))
        layers.append(base.mark_rule(color=theme.GREY, strokeDash=[4, 3], strokeWidth=1))
        if label:
            place: dict[str, Any] = {"align": "right", "baseline": "bottom", "dy": -3, "dx": -3, "fontSize": 11}
            halo = base.mark_text(stroke="white", strokeWidth=4, color="white", **place)
            text = base.mark_text(color=theme.GREY, **place)
            layers += [layer.encode(x=alt.value("width"), text="label:N") for layer in (halo, text)]
    return layers


def panel_size(panels: int, beside: bool, own_axes: bool = False) -> tuple[int, int, int]:
    """Return width and height of one panel and the number of columns, so that the figure is about a page wide.

    Args:
        panels: Number of panels that share the page.
        beside: Whether a legend stands beside the panels.
        own_axes: Whether every panel has a vertical axis of its own.
    """
    legend = 112 if beside else 0
    across = 1 if panels == 1 else 2 if panels in (2, 4) or own_axes else 3
    between = _AXIS_WIDTH + 26 if own_axes else 18
    width = (WIDTH - legend - _AXIS_WIDTH - (across - 1) * between) // across
    height = 320 if panels == 1 else max(170, min(240, round(width * 0.85)))
    return width, height, across


def facet_text(figure: Figure, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the frame with a `panel` column of words, and the panels in order."""
    if figure.facet is None:
        return frame, []
    order = in_order(frame[figure.facet])
    names = {value: capital(columns.value_text(figure.facet, value)) for value in order}
    return frame.assign(panel=frame[figure.facet].map(names)), list(names.values())


def drawn_columns(figure: Figure, points: pd.DataFrame) -> pd.DataFrame:
    """Return the points without the facet's own column, whose words in `panel` replace it, unless it is drawn too."""
    spare = figure.facet is not None and figure.facet not in (figure.colour, figure.dash, figure.x, *figure.y)
    return points.drop(columns=[figure.facet]) if spare else points


def faceted(chart: Any, figure: Figure, panels: Sequence[str], across: int) -> Any:
    """Return the chart once per panel, wrapped after `across` panels, with common axes."""
    if len(panels) == 0:
        return chart
    chart = chart.facet(facet=alt.Facet("panel:N", title=None, sort=list(panels)), columns=across)
    # An incomplete last row would show an axis below nothing.
    return chart.resolve_axis(x="independent") if len(panels) % across else chart


def seeds_text(smallest: int, largest: int, what: str = "mean", drawn: str = "band") -> str:
    """Return how many seeds stand behind a figure and what its intervals are."""
    if largest <= 1:
        return "One seed (n = 1), so no interval"
    count = str(largest) if smallest == largest else f"{smallest} to {largest}"
    return f"{capital(what)} over n = {count} seeds; {drawn}: 95 % t interval"


def seeds_of(summaries: Sequence[Summary]) -> tuple[int, int]:
    """Return the smallest and largest number of seeds of several summaries."""
    filled = [summary for summary in summaries if len(summary.frame)]
    return min((s.smallest for s in filled), default=0), max((s.largest for s in filled), default=0)


def finish(chart: Any, figure: Figure, notes: Sequence[str], diverged: int = 0) -> Any:
    """Add title, subtitle and theme: what the intervals are, how many runs diverged, which tables were read."""
    parts = [note for note in notes if note]
    if diverged:
        parts.append(f"{diverged} diverged run{'s' if diverged > 1 else ''} not drawn")
    if figure.identity:
        parts.append(f"tables {figure.identity[:10]}")
    subtitle: list[str] = []
    for part in parts:
        joined = f"{subtitle[-1]} · {part}" if subtitle else part
        subtitle = [*subtitle[:-1], joined] if len(joined) <= 104 and subtitle else [*subtitle, part]
    title = textwrap.wrap(plain(figure.title or figure.name), 78) or [" "]
    described = f"{figure.title or figure.name}. {' '.join(parts)}"
    return chart.properties(title=alt.TitleParams(text=title, subtitle=subtitle), description=described).configure(
        **theme.config()
    )


def message(figure: Figure, text: str, diverged: int = 0) -> Any:
    """Return a panel that holds one sentence, for a selection in which nothing can be drawn."""
    data = alt.Data(values=[{"text": text}])
    chart = alt.Chart(data, width=WIDTH - 40, height=90).mark_text(fontSize=13, color=theme.GREY).encode(text="text:N")
    return finish(chart, figure, [], diverged)
