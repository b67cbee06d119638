"""What surrounds a drawing: title, what its intervals are, how many runs stand behind it, and the theme."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.drawn import Drawn, Row
from batchlab.charts.figure import Figure
from batchlab.charts.layout import WIDTH
from batchlab.charts.words import capital, plain

_LONGEST_LINE = 92
_LONGEST_TITLE = 68


def seeds_of(points: Sequence[Row]) -> tuple[int, int]:
    """Return the smallest and the largest number of seeds behind a point."""
    numbers = [int(row["n"]) for row in points]
    return min(numbers, default=0), max(numbers, default=0)


def seeds_text(points: Sequence[Row], what: str = "mean", drawn: str = "band") -> str:
    """Return how many seeds stand behind a figure and what its intervals are."""
    smallest, largest = seeds_of(points)
    if largest <= 1:
        return "One seed (n = 1), so no interval"
    count = str(largest) if smallest == largest else f"{smallest} to {largest}"
    return f"{capital(what)} over n = {count} seeds; {drawn}: 95 % t interval"


def finish(chart: Any, figure: Figure, drawn: Drawn, notes: Sequence[str]) -> Any:
    """Add title, subtitle and theme: what was trained, what the intervals are, how many runs diverged."""
    parts = [note for note in notes if note]
    if diverged := drawn.number("diverged"):
        parts.append(f"{diverged} diverged run{'s' if diverged > 1 else ''} not drawn")
    return _titled(chart, figure, parts)


def _lines(parts: Sequence[str]) -> list[str]:
    """Return parts as lines that are not too long; a part is not torn."""
    lines: list[str] = []
    for part in parts:
        joined = f"{lines[-1]} · {part}" if lines else part
        together = len(joined) <= _LONGEST_LINE and lines
        lines = [*lines[:-1], joined] if together else [*lines, part]
    return lines


def _balanced(text: str) -> list[str]:
    """Return a title in as few lines as it needs, about equally long."""
    lines = max(1, math.ceil(len(text) / _LONGEST_TITLE))
    return textwrap.wrap(text, min(_LONGEST_TITLE, math.ceil(len(text) / lines) + 6))


def _titled(chart: Any, figure: Figure, parts: Sequence[str]) -> Any:
    neutral = plain(figure.title or figure.name) if figure.finding else ""
    about = [part for part in (neutral, *plain(figure.setting).split(" · ")) if part]
    subtitle = [*_lines(about), *map(capital, _lines(parts))]
    title = _balanced(plain(figure.heading)) or [" "]
    described = ". ".join(part for part in (figure.heading, " · ".join(about), *parts) if part)
    return chart.properties(title=alt.TitleParams(text=title, subtitle=subtitle), description=described).configure(
        **theme.config()
    )


def nothing(figure: Figure, drawn: Drawn, otherwise: str = "The selected rows hold no value that can be drawn.") -> Any:
    """Return a panel that holds one sentence, for a selection in which nothing can be drawn.

    Args:
        figure: The figure.
        drawn: Its table; where no row was left, all runs have diverged.
        otherwise: The sentence where rows were left.
    """
    diverged = drawn.number("diverged")
    all_gone = diverged and not drawn.number("selected")
    text = f"All {diverged} selected runs diverged." if all_gone else otherwise
    data = alt.Data(values=[{"text": text}])
    chart = alt.Chart(data, width=WIDTH - 40, height=90).mark_text(fontSize=13, color=theme.GREY).encode(text="text:N")
    return finish(chart, figure, Drawn([]) if all_gone else drawn, [])
