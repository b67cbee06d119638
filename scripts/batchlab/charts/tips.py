"""What an interactive figure says under the pointer: words and numbers, never a name of the code or an empty value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts.drawn import Row, distinct
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import title_of
from batchlab.charts.words import capital, number_text, value_text
from batchlab.tables.rounding import estimate


def with_words(figure: Figure, rows: Sequence[Row], kinds: Sequence[str] = ()) -> list[Row]:
    """Return rows with `line`, the names of the line in words, and `interval`, its ends in words.

    Args:
        figure: Its columns say how values are written.
        rows: Rows with the columns of the groups, `mean`, `low`, `high` and perhaps `series`.
        kinds: The series of the panel; they are named where there are several.
    """
    told = []
    for row in rows:
        names = [value_text(figure.column(name), row[name]) for name in figure.groups() if row.get(name) is not None]
        names += [row["series"]] if len(kinds) > 1 else []
        _, low, high = estimate(row.get("mean"), row.get("low"), row.get("high"))
        interval = "none (one seed)" if row.get("n") == 1 else f"{low} to {high}"
        told.append({**row, "line": ", ".join(dict.fromkeys(names)), "interval": "none" if low == "–" else interval})
    return told


def tips(figure: Figure, rows: Sequence[Row], title: str, *, what: str = "mean") -> list[Any]:
    """Return what stands under the pointer at a point of `with_words`.

    Args:
        figure: Its `x` is named.
        rows: The points.
        title: Title of the vertical axis.
        what: Column that is drawn.
    """
    shown = [alt.Tooltip("line:N", title="line")] if any(row["line"] for row in rows) else []
    shown.append(alt.Tooltip("x:Q", title=title_of(figure.column(figure.x)), format=",.6~g"))
    shown.append(alt.Tooltip(f"{what}:Q", title=title, format=",.5~g"))
    if any(row["interval"] not in ("none", "none (one seed)") for row in rows):
        shown.append(alt.Tooltip("interval:N", title="95 % interval"))
    if len(distinct(rows, "n")) > 0:
        shown.append(alt.Tooltip("n:Q", title="seeds"))
    return shown


def legend_text(figure: Figure, name: str, value: Any) -> str:
    """Return a value as a label beside its line: names in words, numbers with their sign, such as `B = 64`."""
    column = figure.column(name)
    return value_text(column, value) if isinstance(value, str) or column.sign else capital(number_text(value))
