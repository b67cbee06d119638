"""Regression: one or several numbers for each example."""

from __future__ import annotations

from batchlab.declarations.columns import Column
from batchlab.declarations.options import Choice
from batchlab.declarations.task import Metric, Task

TASK = Task(
    summary="one or several numbers for each example, standardised by the training examples; errors are told in the "
    "unit of the data, of several numbers as their mean",
    metrics=(
        Metric(
            "loss",
            "mean squared (or absolute) error of the standardised targets at fixed weights",
            "loss",
            "lower",
            positive=True,
        ),
        Metric("mae", "mean absolute error in the unit of the data", "mean absolute error", "lower", positive=True),
        Metric("rmse", "root of the mean squared error in the unit of the data", "RMSE", "lower", positive=True),
        Metric("r2", "R², the share of the variance that is explained", "R²", "higher"),
    ),
    headline="rmse",
    chance="at least the root mean squared error of the best constant prediction on the test set, or at least its loss "
    "on the training set",
    derived=(
        Column(
            "rmse_gap",
            "test_rmse − train_rmse",
            title="generalisation gap, test − train RMSE",
            formula="test_rmse - train_rmse",
        ),
    ),
    targets="numbers",
    usual=True,
    options=(
        Choice(
            "loss",
            "`squared` error, or `absolute`, which outliers pull less",
            "squared",
            words=("squared", "absolute"),
        ),
    ),
)
