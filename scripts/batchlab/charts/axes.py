"""Axes: titles with units, scales, and ticks that people read easily."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts.figure import Figure
from batchlab.charts.quantities import quantity
from batchlab.charts.words import capital

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
    """Return a Vega expression that writes 0.001 to 10000 in full and other powers as 1e-7."""
    return "datum.value >= 1e-3 && datum.value < 1e6 ? format(datum.value, '~g') : format(datum.value, '.0e')"


def x_axis(
    figure: Figure, values: Sequence[float], width: int, title: str | None = None, kind: str | None = None
) -> Any:
    """Return the horizontal encoding of the numbers in `x`.

    Args:
        figure: Its `x`, `x_title`, `x_scale` and `x_domain` are read.
        values: The numbers that are drawn.
        width: Length of the axis in pixels.
        title: Replaces that of the figure.
        kind: Replaces the scale of the figure: `linear`, `log2` or `log`.
    """
    kind = kind or figure.option("x_scale")
    text = title or figure.option("x_title") or quantity(figure, figure.x).axis
    name = textwrap.wrap(capital(text), max(24, width // 6))
    domain = figure.option("x_domain")
    if kind == "linear":
        scale = alt.Scale(zero=False, nice=False, **({"domain": list(domain)} if domain else {"padding": 6}))
        # Half an epoch or half an update has no name.
        step = 1 if figure.option("x") in _COUNTS else alt.Undefined
        axis = alt.Axis(format="~s" if float(max(values)) >= 1e4 else alt.Undefined, tickMinStep=step)
        return alt.X("x:Q", title=name, scale=scale, axis=axis)
    most = max(3, width // 42)
    if kind == "log2":
        ticks = sorted(set(values))
        # The last value stays, it is the one that a reader looks for.
        ticks = ticks[::-1][:: math.ceil(len(ticks) / most)][::-1]
    else:
        ticks = _nice_ticks(float(min(values)), float(max(values)), most)
    limits = {"domain": list(domain)} if domain else {"padding": 10}
    return alt.X(
        "x:Q",
        title=name,
        scale=alt.Scale(type="log", base=2 if kind == "log2" else 10, nice=False, **limits),
        axis=alt.Axis(values=[float(tick) for tick in ticks], labelExpr=_log_labels()),
    )


def y_name(figure: Figure, title: str, height: int) -> list[str]:
    """Return the title of a vertical axis, in as many lines as its height demands."""
    return textwrap.wrap(capital(figure.option("y_title") or title), max(20, height // 6))


def y_axis(figure: Figure, name: list[str], low: float, high: float, kind: str) -> Any:
    """Return the vertical encoding of `mean`.

    Args:
        figure: Its `y_domain` limits the axis.
        name: Lines of its title.
        low: Smallest number that a logarithmic axis has to show.
        high: Largest one.
        kind: `linear` or `log`.
    """
    domain = figure.option("y_domain")
    if kind == "linear":
        scale = alt.Scale(domain=list(domain)) if domain else alt.Scale(zero=False, padding=7)
        return alt.Y("mean:Q", title=name, scale=scale)
    low, high = domain or (low * 0.9, high * 1.1)
    return alt.Y(
        "mean:Q",
        title=name,
        scale=alt.Scale(type="log", domain=[float(f"{low:.3g}"), float(f"{high:.3g}")], nice=False),
        axis=alt.Axis(values=_nice_ticks(low, high), labelExpr=_log_labels()),
    )
