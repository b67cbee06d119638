"""Distributions of gradient norms per batch size, raw and divided by their means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from scipy.stats import gaussian_kde

from batchlab.charts import marks
from batchlab.charts import words as columns
from batchlab.charts.aggregate import in_order, significant
from batchlab.charts.figure import Figure, Rows
from batchlab.errors import BatchlabError

POINTS = 110


def normalised(rows: pd.DataFrame, value: str, by: Sequence[str]) -> pd.Series:
    """Return values · μ_max / μ_i: every batch size gets the mean of the largest one (Shen 2018).

    Args:
        rows: One row per trial, with `batch_size`.
        value: Column to normalise.
        by: Columns inside whose groups the means are taken (method, epoch, seed).
    """
    own = rows.groupby([*by, "batch_size"], dropna=False)[value].transform("mean")
    largest = rows["batch_size"] == (
        rows.groupby(list(by), dropna=False)["batch_size"].transform("max") if by else rows["batch_size"].max()
    )
    if not by:
        return rows[value] * rows.loc[largest, value].mean() / own
    goal = rows[value].where(largest).groupby([rows[name] for name in by], dropna=False).transform("mean")
    return rows[value] * goal / own


def curve(values: np.ndarray, logarithmic: bool) -> pd.DataFrame:
    """Return a Gaussian kernel density (Scott's bandwidth), scaled to a peak of 1.

    Args:
        values: Trials of one batch size.
        logarithmic: Estimate the density of log₁₀ of the values, for a logarithmic axis.

    Returns:
        Columns `x` and `density`, reaching three bandwidths beyond the extreme values.
    """
    points = np.log10(values) if logarithmic else values
    spread = float(points.std())
    if len(points) < 3 or spread <= 1e-12 * max(1.0, float(np.abs(points).max())):
        return pd.DataFrame({"x": [float(values.mean())] * 2, "density": [0.0, 1.0]})
    kernel = gaussian_kde(points)
    reach = 3 * spread * kernel.factor
    grid = np.linspace(points.min() - reach, points.max() + reach, POINTS)
    density = kernel(grid)
    # Far tails add bytes and no ink.
    visible = (density > 5e-4 * density.max()) & (logarithmic | (grid > 0))
    grid, density = grid[visible], density[visible] / density.max()
    return pd.DataFrame({"x": 10**grid if logarithmic else grid, "density": np.round(density, 4)})


def draw(figure: Figure, rows: Rows) -> Any:
    """Draw one density per batch size, raw and normalised by the mean; on a logarithmic axis where decades are covered.

    Args:
        figure: Its `x` (default `norm`), `facet` and `normalise` are read; colour is always the batch size.
        rows: One row per trial.

    Returns:
        An Altair chart: one row of panels per facet value.

    Raises:
        BatchlabError: The table has no batch sizes, or several methods or epochs would be mixed in one panel.
    """
    figure = replace(figure, x=figure.x or (figure.y[0] if figure.y else "norm"), colour="batch_size", y=())
    value = figure.x or "norm"
    frame = rows.frame[rows.frame[value].notna()]
    if frame.empty:
        return marks.message(figure, "The selected rows hold no value that can be drawn.", rows.diverged)
    for column in ("arm", "method", "epoch"):
        if column in frame and column != figure.facet:
            inside = frame.groupby(figure.facet)[column].nunique().max() if figure.facet else frame[column].nunique()
            if inside > 1:
                raise BatchlabError(
                    f"{figure.where_it_is}: {inside} values of {column} in one density; add {column} to where or facet"
                )
    by = [name for name in (figure.facet, "seed") if name is not None and name in frame]
    frame = frame.assign(_raw=frame[value], _same=normalised(frame, value, by))
    views = ["raw", "same"] if figure.normalise == "both" else ["same"] if figure.normalise else ["raw"]
    facets = in_order(frame[figure.facet]) if figure.facet else [None]
    panels = len(views) * len(facets)
    across = len(views) if len(views) > 1 else 2 if panels in (2, 4) else min(panels, 3)
    beside = across < 3  # the legend
    width = (marks.WIDTH - (112 if beside else 0) - 40 - (across - 1) * 62) // across
    height = 300 if panels == 1 else 230 if len(facets) == 1 else 170
    charts = []
    for facet in facets:
        part = frame if facet is None else frame[frame[figure.facet] == facet]
        for view in views:
            heading = columns.value_text(figure.facet, facet) if figure.facet else ""
            if len(views) > 1:
                heading = ", ".join(text for text in (heading, "raw" if view == "raw" else "equal means") if text)
            charts.append(
                _panel(figure, part, view, marks.capital(heading), frame, not beside).properties(
                    width=width, height=height
                )
            )
    joined = charts[0] if len(charts) == 1 else alt.concat(*charts, columns=across)
    return marks.finish(joined, figure, _notes(frame, views), rows.diverged)


def _notes(frame: pd.DataFrame, views: Sequence[str]) -> list[str]:
    keys = [name for name in ("method", "epoch", "batch_size") if name in frame]
    counts = frame.groupby(keys, dropna=False).size()
    few, many = int(counts.min()), int(counts.max())
    seeds = frame["seed"].nunique() if "seed" in frame else 1
    number = f"n = {many}" if few == many else f"n = {few} to {many}"
    trials = f"{number} trials per batch size" + (f" from {seeds} seeds" if seeds > 1 else "")
    scaled = "normalised: each norm × μ_max / μ_i" if "same" in views else ""
    return [trials, "kernel density, peak scaled to 1", scaled]


def _panel(figure: Figure, part: pd.DataFrame, view: str, heading: str, frame: pd.DataFrame, wide: bool) -> Any:
    value = part["_raw" if view == "raw" else "_same"]
    logarithmic = _over_decades(figure, frame["_raw" if view == "raw" else "_same"])
    curves = [
        curve(value[part["batch_size"] == size].to_numpy(float), logarithmic).assign(batch_size=size)
        for size in in_order(part["batch_size"])
    ]
    data = pd.concat(curves, ignore_index=True)
    data["x"] = significant(data["x"], 5)
    quantity = columns.quantity(figure.x or "norm")
    title = figure.x_title or marks.capital(quantity.axis if view == "raw" else f"{_short(quantity.title)}, normalised")
    axis = marks.x_axis(
        replace(figure, x_scale="log" if logarithmic else "linear", x_title=title), data["x"], 140 if wide else 220
    )
    tint = marks.colour(figure, frame, wide)
    name = marks.capital(figure.y_title or "Density (peak = 1)")
    y = alt.Y(
        "density:Q",
        title=name,
        scale=alt.Scale(domain=[0, 1.04]),
        axis=alt.Axis(values=[0, 0.5, 1]),
    )
    base = alt.Chart(data).encode(x=axis)
    area = base.mark_area(opacity=0.07, strokeWidth=0).encode(y=alt.Y("density:Q", stack=None, title=name), color=tint)
    tips = [alt.Tooltip("batch_size:O", title="batch size"), alt.Tooltip("x:Q", title=title, format=".4~g")]
    line = base.mark_line(strokeWidth=1.7).encode(y=y, color=tint, tooltip=tips)
    layer = alt.layer(area, line)
    if not heading:
        return layer
    return layer.properties(title=alt.TitleParams(text=heading, fontSize=12, offset=6))


def _over_decades(figure: Figure, norms: pd.Series) -> bool:
    """Return whether norms need a logarithmic axis; one answer for all panels of a figure."""
    positive = bool((norms > 0).all())
    return positive and (figure.x_scale != "linear" or bool(norms.max() > 20 * norms.min()))


def _short(title: str) -> str:
    """Return the words of an axis title without its formula."""
    return title.split(",")[0]
