"""Axes: titles with units, scales, and ticks that people read easily."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from batchlab.charts.drawn import Row, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import quantity
from batchlab.charts.words import capital

# Without a precision Vega would write 100 as 1e+2.
_PLAIN = ",.6~g"
_COUNTS = ("epoch", "updates", "examples")


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
    """Return a Vega expression that writes 0.001 to 100,000 in full and other powers as 1e-7."""
    return "datum.value >= 1e-3 && datum.value < 1e6 ? format(datum.value, ',.6~g') : format(datum.value, '.0e')"


def x_axis(
    figure: Figure,
    values: Sequence[float],
    width: int,
    title: str | None = None,
    kind: str | None = None,
    padding: float = 10,
) -> Any:
    """Return the horizontal encoding of the numbers in `x`.

    Args:
        figure: Its `x`, `x_title`, `x_scale` and `x_domain` are read.
        values: The numbers that are drawn, in all panels that share the axis.
        width: Length of the axis in pixels.
        title: Replaces that of the figure.
        kind: Replaces the scale of the figure: `linear`, `log2` or `log`.
        padding: Pixels beyond the first and the last value, where the figure has no domain of its own.
    """
    kind = kind or figure.option("x_scale")
    name = _x_name(figure, width, title)
    domain = list(figure.option("x_domain") or (min(values), max(values)))
    padding = 0 if figure.option("x_domain") else padding
    if kind == "linear":
        scale = alt.Scale(zero=False, nice=False, domain=domain, padding=padding)
        # Half an epoch or half an update has no name.
        step = 1 if figure.option("x") in _COUNTS else alt.Undefined
        return alt.X("x:Q", title=name, scale=scale, axis=alt.Axis(format=_PLAIN, tickMinStep=step))
    most = max(3, width // 42)
    if kind == "log2":
        ticks = sorted(set(values))
        # The last value stays, it is the one that a reader looks for.
        ticks = ticks[::-1][:: math.ceil(len(ticks) / most)][::-1]
    else:
        ticks = _nice_ticks(float(domain[0]), float(domain[1]), most)
    return alt.X(
        "x:Q",
        title=name,
        scale=alt.Scale(type="log", base=2 if kind == "log2" else 10, nice=False, domain=domain, padding=padding),
        axis=alt.Axis(values=[float(tick) for tick in ticks], labelExpr=_log_labels()),
    )


def _x_name(figure: Figure, width: int, title: str | None) -> list[str]:
    """Return the title of a horizontal axis in lines; where the axis is short, a long one goes without its unit."""
    shown = quantity(figure, figure.x) if title is None and not figure.option("x_title") else None
    text = title or figure.option("x_title") or (shown.axis if shown else "")
    if shown is not None and len(text) > max(24, width // 6):
        text = shown.title
    return textwrap.wrap(capital(text), max(24, width // 6))


def y_name(figure: Figure, title: str, height: int) -> list[str]:
    """Return the title of a vertical axis, in as many lines as its height demands."""
    return textwrap.wrap(capital(figure.option("y_title") or title), max(20, height // 6))


@dataclass(frozen=True)
class Span:
    """What a vertical axis shows, from `low` to `high`, over `height` pixels.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        kind: `linear` or `log`.
        height: Its length in pixels.
    """

    low: float
    high: float
    kind: str
    height: int

    def pixel(self, value: float) -> float:
        """Return how far below the upper end a value lies, in pixels."""
        low, high = (math.log(end) for end in (self.low, self.high)) if self.kind == "log" else (self.low, self.high)
        place = math.log(value) if self.kind == "log" else value
        return (high - place) / (high - low) * self.height

    def encoding(self, field: str, name: Sequence[str] | None, *, labels: bool = True) -> Any:
        """Return the vertical encoding of a column.

        Args:
            field: The column.
            name: Lines of the title.
            labels: Whether the ticks have labels; only the first of the panels that share an axis has.
        """
        ticks: Any = alt.Undefined
        if self.kind == "log":
            scale = alt.Scale(type="log", domain=[self.low, self.high], nice=False)
            ticks = _nice_ticks(self.low, self.high)
        else:
            scale = alt.Scale(domain=[self.low, self.high], nice=False, zero=False)
        expression = _log_labels() if self.kind == "log" else alt.Undefined
        plain = alt.Undefined if self.kind == "log" else _PLAIN
        axis = alt.Axis(values=ticks, labelExpr=expression, format=plain, labels=labels)
        return alt.Y(f"{field}:Q", title=list(name) if name and labels else None, scale=scale, axis=axis)


def span_of(figure: Figure, points: Sequence[Row], height: int, kind: str, more: Sequence[float] = ()) -> Span:
    """Return the range of a vertical axis: all means, intervals as far as they do not flatten the means.

    Room is left above and below, but none below 0 for what cannot be negative.

    Args:
        figure: Its `y_domain` replaces the range.
        points: Rows with `mean`, `low` and `high`.
        height: Length of the axis in pixels.
        kind: `linear` or `log`.
        more: Other values that the axis has to show.
    """
    if domain := figure.option("y_domain"):
        return Span(float(domain[0]), float(domain[1]), kind, height)
    means = [float(value) for value in (*values_of(points, "mean"), *more)]
    if kind == "log":
        means = [value for value in means if value > 0]
        ratio = max(max(means) / min(means), 1.05)
        reach, room = ratio**0.5, max(1.06, ratio**0.03)
        low = max(min([min(means), *values_of(points, "low")]), min(means) / reach) / room
        high = min(max([max(means), *values_of(points, "high")]), max(means) * reach) * room
    else:
        wide = max(means) - min(means) or abs(max(means)) * 0.05 or 1.0
        low = max(min([min(means), *values_of(points, "low")]), min(means) - 0.5 * wide) - 0.05 * wide
        high = min(max([max(means), *values_of(points, "high")]), max(means) + 0.5 * wide) + 0.05 * wide
        low = max(low, 0.0) if min(means) >= 0 else low
    return Span(float(f"{low:.4g}"), float(f"{high:.4g}"), kind, height)
