"""Regression: squared or absolute error of standardised targets, and errors in the user's unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import float_type, keras
from batchlab.backend.task_interface import Kernels
from batchlab.tasks.last_axis import mean_over_last
from batchlab.tasks.means import mean
from batchlab.tasks.regression.standardising import Scaling, scaling_of


class Regression:
    """One or several numbers for each example.

    A model learns targets of mean 0 and deviation 1 over the training examples, so that the same learning rates suit
    metres and millimetres. The loss is that of standardised targets; errors are told in the unit of the data.

    Args:
        loss: `squared` or `absolute`.
        scaling: Of the targets; None before a data set is known.
    """

    metrics: tuple[str, ...] = ("loss", "mae", "rmse", "r2")

    def __init__(self, loss: str = "squared", scaling: Scaling | None = None) -> None:
        self._loss, self._scaling = loss, scaling

    def of(self, arrays: Mapping[str, NDArray[Any]]) -> Regression:
        """Return the objective with mean and deviation of the training examples' targets."""
        return Regression(self._loss, scaling_of(arrays["y_train"], arrays.get("w_train")))

    def output_shape(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
        """Return (targets,)."""
        return (int(arrays["y_train"].shape[1]),)

    @property
    def _known(self) -> Scaling:
        if self._scaling is None:
            raise TypeError("an objective is asked with the data set that it is of")
        return self._scaling

    def targets(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return the standardised targets."""
        return ((stored - self._known.mean) / self._known.deviation).astype(float_type())

    def weights(self, targets: Any, given: Any) -> Any:
        """Return the weights of the data set."""
        return given

    def losses(self, kernels: Kernels, targets: Any, outputs: Any) -> Any:
        """Return the mean over the targets of (f − t)² or |f − t|, shape (examples,)."""
        off = outputs - targets
        each = keras.ops.square(off) if self._loss == "squared" else keras.ops.abs(off)
        return mean_over_last(each)

    def scores(self, kernels: Kernels, targets: Any, outputs: Any, given: Any) -> tuple[Any, ...]:
        """Return each example's loss, and how far its outputs are off, shape (examples, targets)."""
        return self.losses(kernels, targets, outputs), outputs - targets

    def summary(
        self, values: Sequence[NDArray[np.float64]], targets: NDArray[Any], given: NDArray[Any] | None
    ) -> tuple[float, ...]:
        """Return the mean loss, and MAE, RMSE and R²; each is taken for each target, and their mean told.

        R² = 1 − Σ (f − t)² / Σ (t − t̄)² with the split's own mean t̄; NaN where its targets are all alike.
        """
        losses, off = values
        exact = targets.astype(np.float64)
        found = []
        for number, unit in enumerate(self._known.deviation):
            own, target = off[:, number], exact[:, number]
            squared = mean(own**2, given)
            spread = mean((target - mean(target, given)) ** 2, given)
            explained = 1 - squared / spread if spread > 0 else float("nan")
            found.append((mean(np.abs(own), given) * unit, np.sqrt(squared) * unit, explained))
        mae, rmse, r2 = (float(np.mean(each)) for each in zip(*found, strict=True))
        return mean(losses, given), mae, rmse, r2

    def fault(self, outputs: NDArray[Any]) -> str | None:
        """Return None: any number may be a prediction."""
        return None

    def range_fault(self, low: float, high: float) -> str | None:
        """Refuse outputs that cannot reach most standardised targets: an activation follows them."""
        if -1 <= low < high <= 1 or 0 <= low < high or low < high <= 0:
            return (
                f"its outputs stay between {low:.3g} and {high:.3g} whatever its weights, as after a sigmoid, tanh or "
                "relu; targets have mean 0 and deviation 1, so end without an activation"
            )
        return None


def objective(options: Mapping[str, Any]) -> Regression:
    """Return the objective with its options."""
    return Regression(options["loss"])
