"""The numbers of distributions: kernel densities of trials, raw and divided by their means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import gaussian_kde

from batchlab.charts.averaging import counts, in_order, note, significant, stacked
from batchlab.charts.figure import Figure
from batchlab.charts.rows import Rows
from batchlab.errors import BatchlabError

POINTS = 110


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return one density per batch size, of raw values and of values that have the mean of the largest batch size.

    Args:
        figure: Its `y`, `facet`, `normalise` and `x_scale` are read.
        rows: One row per trial.

    Returns:
        Rows with the mark `density`: `column`, `view` (`raw`, `same` or `mean`), `scale` (`log` over decades,
        or `linear`), `facet`'s column, `batch_size`, `x` and `density` (its peak is 1); rows with the mark `trials`:
        how many there are of a method, epoch and batch size; a row with the mark `seeds`; and rows with other marks.

    Raises:
        BatchlabError: The table has no batch sizes, or several methods or epochs would be mixed in one panel.
    """
    (value,) = figure.y
    frame = rows.frame[rows.frame[value].notna()]
    if frame.empty:
        return counts(0, rows.diverged)
    _check_groups(figure, frame)
    by = [name for name in (figure.facet, "seed") if name is not None and name in frame]
    normalise = figure.option("normalise")
    views = {"both": ("raw", "same"), True: ("same",), False: ("raw",), "mean": ("mean",)}[normalise]
    parts = []
    for view in views:
        values = frame[value] if view == "raw" else normalised(frame, value, by, to_largest=view == "same")
        scale = "log" if _over_decades(figure, values) else "linear"
        curves = _curves(figure, frame.assign(_drawn=values), logarithmic=scale == "log")
        parts.append(curves.assign(mark="density", column=value, view=view, scale=scale))
    keys = [name for name in (figure.facet,) if name is not None]
    drawn = pd.concat(parts, ignore_index=True)
    drawn = drawn[["mark", "column", "view", "scale", *keys, "batch_size", "x", "density"]]
    return stacked(drawn, _trials(frame), counts(len(frame), rows.diverged))


def _check_groups(figure: Figure, frame: pd.DataFrame) -> None:
    for column in ("arm", "method", "epoch"):
        if column in frame and column != figure.facet:
            inside = frame.groupby(figure.facet)[column].nunique().max() if figure.facet else frame[column].nunique()
            if inside > 1:
                raise BatchlabError(
                    f"{figure.where_it_is}: {inside} values of {column} in one density; add {column} to where or facet"
                )


def _trials(frame: pd.DataFrame) -> pd.DataFrame:
    """Return how many trials and seeds stand behind the densities."""
    keys = [name for name in ("method", "epoch", "batch_size") if name in frame]
    trials = frame.groupby(keys, dropna=False).size().rename("n").reset_index()
    return stacked(trials.assign(mark="trials"), note("seeds", n=frame["seed"].nunique() if "seed" in frame else 1))


def _over_decades(figure: Figure, values: pd.Series) -> bool:
    """Return whether values need a logarithmic axis; one answer for all panels of a figure."""
    positive = bool((values > 0).all())
    return positive and (figure.option("x_scale") != "linear" or bool(values.max() > 20 * values.min()))


def _curves(figure: Figure, frame: pd.DataFrame, *, logarithmic: bool) -> pd.DataFrame:
    """Return the densities of the column `_drawn`, panel by panel and batch size by batch size."""
    parts = []
    for facet in in_order(frame[figure.facet]) if figure.facet else [None]:
        panel = frame if facet is None else frame[frame[figure.facet] == facet]
        for size in in_order(panel["batch_size"]):
            values = panel["_drawn"][panel["batch_size"] == size].to_numpy(float)
            keys = {"batch_size": size} if facet is None else {str(figure.facet): facet, "batch_size": size}
            own = curve(values, logarithmic)
            parts.append(own.assign(x=significant(own["x"], 5), **keys))
    return pd.concat(parts, ignore_index=True)


def normalised(rows: pd.DataFrame, value: str, by: Sequence[str], *, to_largest: bool = True) -> pd.Series:
    """Return values · μ_max / μ_i: every batch size gets the mean of the largest one (Shen 2018); or values / μ_i.

    Args:
        rows: One row per trial, with `batch_size`.
        value: Column to normalise.
        by: Columns inside whose groups the means are taken (method, epoch, seed).
        to_largest: Whether all get the mean of the largest batch size, or 1.
    """
    own = rows.groupby([*by, "batch_size"], dropna=False)[value].transform("mean")
    if not to_largest:
        return rows[value] / own
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
