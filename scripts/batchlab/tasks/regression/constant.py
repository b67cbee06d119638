"""What one prediction for all examples reaches: the mean, or for absolute errors the median."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.tasks.levels import Arrays, Level, weights_of
from batchlab.tasks.regression.standardising import scaling_of


def levels(arrays: Arrays, options: Mapping[str, Any]) -> dict[str, Level]:
    """Return the root mean squared error of the test set's own mean, and the loss of the best constant in training.

    Args:
        arrays: The prepared data set.
        options: Of the task; `loss` is `squared` without it.
    """
    given = weights_of(arrays, "train")
    scaling = scaling_of(arrays["y_train"], given)
    if options.get("loss", "squared") == "squared":
        # 1 for each standardised target, 0 for one that is always the same.
        loss = float(np.mean(scaling_of((arrays["y_train"] - scaling.mean) / scaling.deviation, given).deviation ** 2))
    else:
        standardised = (arrays["y_train"] - scaling.mean) / scaling.deviation
        loss = float(np.mean([_absolute(column, given) for column in standardised.T]))
    test = scaling_of(arrays["y_test"], weights_of(arrays, "test"))
    return {"test_rmse": Level(float(np.mean(test.deviation))), "train_loss": Level(loss)}


def _absolute(values: NDArray[np.float64], given: NDArray[Any] | None) -> float:
    """Return the mean distance from the (weighted) median."""
    weights = np.ones(len(values)) if given is None else given
    order = np.argsort(values)
    middle = int(np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2))
    return float(np.average(np.abs(values - values[order][middle]), weights=weights))
