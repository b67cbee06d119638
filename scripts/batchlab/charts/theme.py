"""The one look of every figure: fonts, greys, and two colour scales that people with colour blindness can read."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any

from batchlab.errors import BatchlabError

# The first one ships with the project (`typeface`); the others have the same widths, so browsers lay text out alike.
FONT = "Batchlab Sans, Liberation Sans, Arimo, Arial, Helvetica, sans-serif"
INK, GREY, LIGHT = "#1b1f24", "#5f6670", "#e3e6ea"

# Every line has a contrast of at least 3 : 1 on white (WCAG 2.1, 1.4.11). The first two are those of Okabe & Ito
# (2008), "Color Universal Design"; the others are chosen to be told apart with and without colour blindness.
CATEGORIES = ("#0072B2", "#D55E00", "#00855f", "#380b57", "#898ca2", "#413402", "#6d536b", "#012e2f")

# Small batches are orange, large ones dark: lightness falls while the hue turns through red, purple and blue, and
# yellow to blue is the axis that all common forms of colour blindness keep.
_BATCH_RAMP = ((0.67, 0.165, 60.0), (0.22, 0.090, -160.0))
# Other ordered quantities (accumulation, learning rate, epoch) must not be mistaken for batch sizes: green to teal.
_ORDER_RAMP = ((0.645, 0.165, 138.0), (0.26, 0.090, 262.0))
_MAP_RAMP = ((0.975, 0.025, 95.0), (0.33, 0.110, 255.0))

DASHES = ([1, 0], [6, 3], [2, 2], [9, 3, 2, 3], [12, 4])


def _oklch_to_linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """Convert OKLCH to linear sRGB (Ottosson 2020, "A perceptual color space for image processing")."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    l, m, s = (  # noqa: E741 - the cone responses' usual names
        (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3,
        (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
        (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3,
    )
    return (
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    )


def _hexadecimal(lightness: float, chroma: float, hue: float) -> str:
    """Return the sRGB colour, its chroma reduced as far as the screen's gamut demands."""
    while chroma > 0 and not all(-1e-6 <= value <= 1 + 1e-6 for value in _oklch_to_linear(lightness, chroma, hue)):
        chroma -= 0.002
    channels = [min(max(value, 0.0), 1.0) for value in _oklch_to_linear(lightness, max(chroma, 0.0), hue)]
    encoded = [12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in channels]
    return "#" + "".join(f"{round(255 * value):02x}" for value in encoded)


_Ends = tuple[tuple[float, float, float], tuple[float, float, float]]


def _between(ends: _Ends, step: float) -> str:
    """Return the colour at `step` (0 to 1) from one end to the other."""
    return _hexadecimal(*(a + (b - a) * step for a, b in zip(*ends, strict=True)))


def _ramp(ends: _Ends, count: int) -> list[str]:
    """Return `count` colours from one end to the other, evenly spaced in lightness, chroma and hue."""
    return [_between(ends, index / (count - 1) if count > 1 else 0.5) for index in range(count)]


def batch_colours(batch_sizes: Sequence[int], others: Sequence[int] = ()) -> dict[int, str]:
    """Return the colour of every batch size of a campaign.

    Args:
        batch_sizes: All batch sizes of the campaign, so that one size has one colour in every figure. They are evenly
            spaced on the scale, whatever the gaps between them.
        others: Sizes that only a probe used; on log₂ between their neighbours, without moving these.

    Returns:
        Batch size → `#rrggbb`, in ascending order; lightness falls with the batch size.
    """
    anchors = sorted(set(batch_sizes)) or sorted(set(others))
    return {size: _between(_BATCH_RAMP, _step(size, anchors)) for size in sorted({*anchors, *others})}


def _step(size: int, anchors: Sequence[int]) -> float:
    """Return a batch size's place between 0 and 1: anchors are evenly spaced, others on log₂ between them."""
    last = len(anchors) - 1
    if last == 0:
        return 0.5
    if not anchors[0] < size < anchors[-1]:
        return 0.0 if size <= anchors[0] else 1.0
    below = bisect.bisect_right(anchors, size) - 1
    low, high = anchors[below], anchors[below + 1]
    return (below + math.log2(size / low) / math.log2(high / low)) / last


def _luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.1."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def readable(colour: str) -> str:
    """Return a colour for words: the same, or darkened as far as text on white needs (4.5 : 1, WCAG 2.1, 1.4.3)."""
    channels = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    while 1.05 / (_luminance("#" + "".join(f"{c:02x}" for c in channels)) + 0.05) < 4.5:
        channels = [int(0.96 * c) for c in channels]
    return "#" + "".join(f"{c:02x}" for c in channels)


def ordered_colours(count: int) -> list[str]:
    """Return `count` colours for an ordered quantity other than batch size."""
    return _ramp(_ORDER_RAMP, count)


def map_colours() -> list[str]:
    """Return the colours of a map from its lowest value, near white, to its highest, dark."""
    return _ramp(_MAP_RAMP, 9)


def category_colours(count: int, where: str) -> list[str]:
    """Return `count` colours that stand for names without an order.

    Raises:
        BatchlabError: There are more names than colours that can be told apart.
    """
    if count > len(CATEGORIES):
        raise BatchlabError(
            f"{where}: {count} names in one colour scale, at most {len(CATEGORIES)} can be told apart; "
            "narrow `where`, or split with `facet`"
        )
    return list(CATEGORIES[:count])


def config() -> dict[str, Any]:
    """Return the Vega-Lite configuration that every figure carries."""
    return {
        # A page shows through; PNG and PDF are put on white.
        "background": "transparent",
        "font": FONT,
        "padding": {"left": 14, "right": 22, "top": 6, "bottom": 6},
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "fontSize": 15,
            "fontWeight": 600,
            "color": INK,
            "subtitleFontSize": 11.5,
            "subtitleColor": GREY,
            "subtitleLineHeight": 15,
            "subtitlePadding": 5,
            "lineHeight": 19,
            "offset": 12,
        },
        "axis": {
            "labelFontSize": 11,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelColor": INK,
            "titleColor": INK,
            "titlePadding": 7,
            "gridColor": LIGHT,
            "gridWidth": 0.8,
            "domainColor": GREY,
            "tickColor": GREY,
            "tickSize": 4,
            "labelOverlap": "greedy",
            "labelSeparation": 3,
        },
        "axisY": {"domain": False, "ticks": False, "labelPadding": 5, "tickCount": 6},
        "axisX": {"grid": False},
        "legend": {
            "labelFontSize": 11,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelColor": INK,
            "titleColor": INK,
            "symbolStrokeWidth": 2.4,
            "symbolSize": 110,
            "labelLimit": 300,
            "titleLimit": 300,
            "rowPadding": 3,
            "columnPadding": 26,
            "offset": 14,
        },
        "header": {
            "labelFontSize": 12,
            "labelFontWeight": 600,
            "labelColor": INK,
            "labelAnchor": "start",
            "labelOrient": "top",
            "labelPadding": 8,
            "title": None,
        },
        "facet": {"spacing": 18},
        "concat": {"spacing": 26},
        "line": {"strokeWidth": 1.9, "strokeCap": "round", "strokeJoin": "round"},
        "point": {"size": 46, "filled": True},
        "rule": {"strokeWidth": 1.4},
    }
