"""Runs at learning rates that were tuned for each batch size: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import OPTIONAL, ColumnField, Flag, Headline, Number, Recipes

TUNING = (
    Headline(
        "metric",
        "column of history by which rates are chosen; by default the task's validation accuracy, RMSE, …",
        OPTIONAL,
        split="validation",
    ),
    Number("target", "value to reach with the fewest updates; without it, the last value counts", OPTIONAL),
    ColumnField(
        "better", "whether `higher` or `lower` values are better", OPTIONAL, words=("higher", "lower"), of="metric"
    ),
    Flag("interpolate", "place the crossing on the line between the evaluations around it", False),
    Recipes("recipes", "recipes of the runs that are read; without it, all arms are", OPTIONAL),
)

GRID_END = Column(
    "grid_end",
    "`low` or `high` if the best rate is the lowest or highest of those that were tried, `both` if it is the only one:"
    " a better one may lie beyond",
    "text",
    exact=True,
)
_OPEN = {"grid_end": "below", "anchor_end": "either"}

RUN = (
    Column("rates", "learning rates that were tried at this batch size", "integer", exact=True),
    GRID_END,
    Column(
        "feasible",
        "those with which every run reached the target, or ended with a finite value",
        "integer",
        exact=True,
    ),
    Column("reached", "1 if the run has reached the target, 0 if it ended before", "integer", exact=True),
    Column(
        "value",
        "the metric there, or the best one of a run that has not reached the target",
        open_at={"grid_end": "either", "anchor_end": "either"},
    ),
    Column("epoch", "epochs up to it", title="epochs", positive=True, censored=True, open_at=_OPEN),
    Column("updates", "updates up to it", title="parameter updates", positive=True, censored=True, open_at=_OPEN),
    Column("examples", "examples seen up to it", title="examples seen", positive=True, censored=True, open_at=_OPEN),
    Column(
        "seconds",
        "training time up to it",
        title="training time",
        unit="s",
        clock=True,
        positive=True,
        censored=True,
        open_at=_OPEN,
    ),
    Column(
        "perfect",
        "updates if they fell as 1 / B from the smallest batch size at which the seed reached the target",
        title="perfect scaling",
        positive=True,
    ),
    Column(
        "perfect_end", "`grid_end` of the run at that smallest batch size, where it is another one", "text", exact=True
    ),
    Column(
        "of_perfect",
        "updates / perfect: 1 where twice the batch size halves the updates",
        title="updates, relative to perfect scaling",
        positive=True,
        censored=True,
        open_at={**_OPEN, "perfect_end": "above"},
    ),
)

DERIVATION = Derivation(
    summary="of a grid of rates for each batch size: each seed's run at the rate that the other seeds choose",
    reads=("history",),
    options=TUNING,
    table=Table(
        "tuned_runs",
        "one seed at one batch size, at the rate that the other seeds choose",
        columns=("study", "arm", "seed", "dataset", "model", "optimizer", "batch_size", "learning_rate", *RUN),
        keys=("study", "arm", "seed"),
    ),
    chosen=("arm", "learning_rate"),
)
