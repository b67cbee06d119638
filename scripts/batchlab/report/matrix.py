"""The matrix claim × campaign: which verdict a claim has where, as a table and as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.declarations.claim import EVIDENCE
from batchlab.report.wording import counted as counted_words

COLUMNS = (
    "study",
    "claim",
    "statement",
    "campaign",
    "verdict",
    "standing",
    "measured",
    "ci_low",
    "ci_high",
    "unit",
    "n",
)
# Verdict → colour and shape, so that it is told without colour too.
_MARKS = {
    "supported": (theme.CATEGORIES[0], "circle"),
    "contradicted": (theme.CATEGORIES[1], "square"),
    "undetermined": (theme.GREY, "diamond"),
    "not judged": (theme.GREY, "triangle"),
}
_STEP, _WIDTH = 15, 96


def cells(campaigns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a cell for each claim and each campaign that has it.

    Args:
        campaigns: Names in order.
        rows: Claims with `study`, `claim` and `cells`, one for each campaign, None where it has no such claim.
    """
    return [
        {
            "study": row["study"],
            "claim": row["claim"],
            "campaign": campaign,
            **{key: cell[key] for key in ("statement", "verdict", "standing", "unit", "n")},
            **dict(zip(("measured", "ci_low", "ci_high"), cell["numbers"], strict=True)),
        }
        for row in rows
        for campaign, cell in zip(campaigns, row["cells"], strict=True)
        if cell
    ]


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the cells as CSV, one line each."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()


def picture(campaigns: Sequence[str], found: Sequence[Mapping[str, Any]]) -> Any:
    """Return a chart of the verdicts on claims that count and that two or more campaigns have; None without any.

    Args:
        campaigns: Names in the order of the columns.
        found: What `cells` returns.
    """
    counted = [cell for cell in found if cell["standing"] == EVIDENCE]
    names = [f"{cell['study']}/{cell['claim']}" for cell in counted]
    shown = [
        {"claim": name, **{key: cell[key] for key in ("campaign", "verdict", "statement")}}
        for name, cell in zip(names, counted, strict=True)
        if names.count(name) > 1
    ]
    if not shown:
        return None
    present = [verdict for verdict in _MARKS if any(cell["verdict"] == verdict for cell in shown)]
    claims = list(dict.fromkeys(cell["claim"] for cell in shown))
    colours, shapes = ([_MARKS[verdict][part] for verdict in present] for part in (0, 1))
    axis = alt.Axis(domain=False, ticks=False, grid=True, labelLimit=400, title=None)
    chart = alt.Chart(alt.Data(values=shown), width=_WIDTH * len(campaigns), height=_STEP * len(claims))
    marks = chart.mark_point(filled=True, size=70, strokeWidth=2).encode(
        x=alt.X("campaign:N", sort=list(campaigns), axis=axis, scale=alt.Scale(domain=list(campaigns))).axis(
            orient="top", labelAngle=0
        ),
        y=alt.Y("claim:N", sort=claims, axis=axis),
        color=alt.Color("verdict:N", title="verdict").scale(domain=present, range=colours),
        shape=alt.Shape("verdict:N", title="verdict").scale(domain=present, range=shapes),
        tooltip=["claim:N", "campaign:N", "verdict:N", "statement:N"],
    )
    title = f"Verdicts on {counted_words(len(claims), 'claim')} in {len(campaigns)} campaigns"
    return marks.properties(title=alt.TitleParams(text=title)).configure(**theme.config())
