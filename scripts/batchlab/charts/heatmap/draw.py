"""A map of one value over two quantities, batch size × learning rate most of all."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import Any

import altair as alt
import pandas as pd

from batchlab.charts import marks, theme
from batchlab.charts import words as columns
from batchlab.charts.aggregate import groups_of, in_order, summarise
from batchlab.charts.figure import Figure, Rows


def draw(figure: Figure, rows: Rows) -> Any:
    """Draw the mean over seeds as the colour of a cell and as its number; × marks cells whose runs all diverged.

    Args:
        figure: `x` and `y` are the two quantities, `value` the column that is drawn, `facet` splits panels.
        rows: Selected rows.

    Returns:
        An Altair chart.

    Raises:
        BatchlabError: Several rows of one seed fall into one cell.
    """
    x, y, value = (
        figure.x or "batch_size",
        figure.y[0] if figure.y else "learning_rate",
        figure.value or "test_accuracy",
    )
    figure = replace(figure, x=x, y=(y,), colour=None)
    shared = columns.quantity(value, figure.table)
    keys = list(dict.fromkeys([*groups_of(figure), x, y]))
    summary = summarise(figure, rows.frame, keys, value, factor=shared.factor)
    points = summary.frame.assign(state="ok")
    drawn = pd.MultiIndex.from_frame(points[keys])
    lost = rows.lost[keys].drop_duplicates()
    lost = lost[~pd.MultiIndex.from_frame(lost).isin(drawn)]
    points = pd.concat([points, lost.assign(state="diverged")], ignore_index=True).sort_values(keys, kind="stable")
    if summary.frame.empty:
        return marks.message(figure, f"All {rows.diverged} selected runs diverged.")
    low, high = float(points["mean"].min()), float(points["mean"].max())
    middle = low + 0.55 * (high - low)
    points["text"] = [
        _cell(mean) if state == "ok" else "×" for mean, state in zip(points["mean"], points["state"], strict=True)
    ]
    points["ink"] = [
        "white" if state == "ok" and mean > middle else theme.INK
        for mean, state in zip(points["mean"], points["state"], strict=True)
    ]
    orders = {name: in_order(points[name]) for name in (x, y)}
    points, panels = marks.facet_text(figure, points)
    size = marks.panel_size(max(1, len(panels)), beside=True)
    cell = max(18, min(56, size[0] // len(orders[x])))
    base = alt.Chart().encode(
        x=alt.X(
            f"{x}:O",
            sort=orders[x],
            title=figure.x_title or marks.capital(columns.quantity(x).axis),
            axis=_axis(x, orders),
        ),
        y=alt.Y(
            f"{y}:O",
            sort=orders[y][::-1],
            title=figure.y_title or marks.capital(columns.quantity(y).axis),
            axis=_axis(y, orders),
        ),
    )
    title = marks.capital(shared.axis)
    tint = alt.condition(
        "datum.state === 'diverged'",
        alt.value(theme.LIGHT),
        alt.Color(
            "mean:Q",
            scale=alt.Scale(domain=[low, high], range=theme.map_colours()),
            legend=alt.Legend(title=textwrap.wrap(title, 16), gradientLength=120),
        ),
    )
    tips = [
        alt.Tooltip(f"{x}:O", title=columns.quantity(x).title),
        alt.Tooltip(f"{y}:O", title=columns.quantity(y).title),
        alt.Tooltip("mean:Q", title=title, format=".5~g"),
        alt.Tooltip("low:Q", title="95 % interval, low", format=".5~g"),
        alt.Tooltip("high:Q", title="95 % interval, high", format=".5~g"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    layers: list[Any] = [base.mark_rect(stroke="white", strokeWidth=1).encode(color=tint, tooltip=tips)]
    if cell >= 30:
        ink = alt.Color("ink:N", scale=None, legend=None)
        layers.append(base.mark_text(fontSize=11).encode(text="text:N", color=ink))
    layer = alt.layer(*layers, data=marks.drawn_columns(figure, points)).resolve_scale(color="independent")
    layer = layer.properties(width=cell * len(orders[x]), height=max(22, min(34, cell)) * len(orders[y]))
    chart = marks.faceted(layer, figure, panels, size[2])
    n = summary.largest if summary.smallest == summary.largest else f"{summary.smallest} to {summary.largest}"
    notes = [f"{title}, mean over n = {n} seed{'s' if summary.largest > 1 else ''}"]
    notes.append("×: all runs diverged" if not lost.empty else "")
    return marks.finish(chart, figure, notes, rows.diverged)


def _cell(mean: float) -> str:
    return f"{mean:.1f}" if abs(mean) >= 10 else f"{mean:.3g}"


def _axis(column: str, orders: dict[str, list[Any]]) -> Any:
    names = marks.labels_expression(column, orders[column])
    return alt.Axis(labelAngle=0, labelExpr=names, domain=False, ticks=False, grid=False)
