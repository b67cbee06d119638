"""All claims at a glance: for each a strip with its interval, and the region that would support it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 180, 18
_MIDDLE = HEIGHT / 2
# Share of the strip that is kept free at both ends.
_MARGIN = 0.12


def strip(claim: Mapping[str, Any], also: Iterable[float] = ()) -> Markup:
    """Return the picture of one claim, on a scale of its own.

    The scale is linear, or logarithmic for a ratio of positive numbers. It holds the interval, the finite ends of the
    region, and the value of no effect, which is drawn as a thin line; the region is shaded.

    Args:
        claim: `numbers` (estimate, lower and upper end; NaN where there is none), `region` (two ends, or None), `test`
            and `kind`.
        also: Numbers that the scale has to hold too, so that several claims can share it.
    """
    estimate, low, high = claim["numbers"]
    if not math.isfinite(estimate):
        return Markup("")
    ends = claim["region"] or ()
    none = {"ratio": 1.0, "level": math.nan}.get(claim["test"], 0.0)
    shown = [number for number in (estimate, low, high, *ends, none, *also) if math.isfinite(number)]
    logarithmic = claim["test"] == "ratio" and min(shown) > 0

    def scaled(number: float) -> float:
        return math.log(number) if logarithmic and number > 0 else number

    first, last = min(map(scaled, shown)), max(map(scaled, shown))
    span = last - first or abs(first) or 1.0

    def place(number: float) -> float:
        """Return where a number lies; an end that is infinite lies at the end of the strip."""
        if math.isinf(number):
            return WIDTH if number > 0 else 0.0
        share = (scaled(number) - first) / span if last > first else 0.5
        return round(WIDTH * (_MARGIN + (1 - 2 * _MARGIN) * share), 1)

    parts = []
    if ends:
        left, right = place(ends[0]), place(ends[1])
        parts.append(f'<rect class="region" x="{left:g}" y="0" width="{max(right - left, 2):g}" height="{HEIGHT}"/>')
    if math.isfinite(none):
        parts.append(f'<line class="none" x1="{place(none):g}" x2="{place(none):g}" y1="0" y2="{HEIGHT}"/>')
    if math.isfinite(low) and math.isfinite(high):
        parts.append(f'<line class="bar" x1="{place(low):g}" x2="{place(high):g}" y1="{_MIDDLE:g}" y2="{_MIDDLE:g}"/>')
    parts.append(f'<circle class="dot" cx="{place(estimate):g}" cy="{_MIDDLE:g}" r="4"/>')
    opening = f'<svg class="strip {claim["kind"]}" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true" focusable="false">'
    return Markup(opening + "".join(parts) + "</svg>")
