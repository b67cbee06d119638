"""What the columns of the tables are called on an axis, with their units, and how their values are written.

Only characters of Liberation Sans are used: another font for one sign would change the look of the whole title.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Quantity:
    """How a column is drawn.

    Attributes:
        title: Words for an axis title.
        unit: Unit after the factor, or nothing for a pure number.
        factor: What the table's values are multiplied with.
    """

    title: str
    unit: str = ""
    factor: float = 1.0

    @property
    def axis(self) -> str:
        """Return the axis title with its unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


QUANTITIES: dict[str, Quantity] = {
    "epoch": Quantity("epoch"),
    "updates": Quantity("parameter updates"),
    "examples": Quantity("examples seen"),
    "seconds": Quantity("training time", "s"),
    "seconds_per_epoch": Quantity("time per epoch", "s"),
    "batch_size": Quantity("batch size B", "examples per update"),
    "accumulation": Quantity("accumulation K", "micro-batches per update"),
    "learning_rate": Quantity("learning rate"),
    "alpha": Quantity("position α between the two minima"),
    "accuracy": Quantity("accuracy", "%", 100),
    "error": Quantity("error", "%", 100),
    "loss": Quantity("loss", "nats per example"),
    "generalisation_gap": Quantity("generalisation gap, train − test accuracy", "pp", 100),
    "loss_gap": Quantity("loss gap, test − train", "nats per example"),
    "from_initial": Quantity("distance from the initial weights, |w − w(0)|"),
    "from_origin": Quantity("distance from the origin, |w|"),
    "norm": Quantity("norm of the summed gradient"),
    "mean": Quantity("mean"),
    "relative_std": Quantity("relative spread, standard deviation / mean"),
    "predicted_rms": Quantity("predicted norm of the summed gradient"),
    "rms": Quantity("root mean square norm of the summed gradient"),
    "skewness": Quantity("skewness of the norm's distribution"),
    "kurtosis": Quantity("excess kurtosis of the norm's distribution"),
    "ratio_to_prediction": Quantity("measured / predicted"),
    "squared_norm": Quantity("squared norm of the mean gradient, |G|²"),
    "trace": Quantity("gradient variance, tr Σ"),
    "ratio": Quantity("gradient noise scale, tr Σ / |G|²", "examples"),
    "max_difference": Quantity("largest weight difference, max |Δw|"),
    "relative_difference": Quantity("relative weight difference, |Δw| / |w|"),
}

_SPLITS = ("train", "validation", "test")
_TABLE_TITLES = {("gradient_norm_summary", "mean"): Quantity("mean norm of the summed gradient")}
_NAMES = {
    "sgd": "SGD",
    "momentum": "SGD with momentum",
    "nesterov": "SGD with Nesterov momentum",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "lamb": "LAMB",
    "lion": "Lion",
    "mlp": "MLP",
    "mlp_bn": "MLP with BN",
    "mlp_ghost_bn": "MLP with ghost BN",
    "cnn": "CNN",
    "lenet": "LeNet",
    "fixed_weights": "fixed weights",
    "same_samples": "same samples seen",
    "re_estimated": "re-estimated",
}


def split_name(column: str) -> tuple[str | None, str]:
    """Return the data split and the quantity of a column: `test_accuracy` → (`test`, `accuracy`)."""
    prefix, _, rest = column.partition("_")
    return (prefix, rest) if prefix in _SPLITS and rest in QUANTITIES else (None, column)


def quantity(column: str, table: str = "") -> Quantity:
    """Return how a column is drawn; a column nobody has named is drawn under its own name."""
    split, rest = split_name(column)
    known = _TABLE_TITLES.get((table, column)) or QUANTITIES.get(rest)
    if known is None:
        return Quantity(column.replace("_", " "))
    return Quantity(f"{split} {known.title}", known.unit, known.factor) if split else known


def common_quantity(columns: Sequence[str], table: str = "") -> Quantity:
    """Return the quantity that several columns share on one axis: train and test accuracy → accuracy."""
    if len(columns) == 1:
        return quantity(columns[0], table)
    shared = {split_name(column)[1] for column in columns}
    if len(shared) == 1:
        return quantity(shared.pop())
    parts = [quantity(column, table) for column in columns]
    if len({(part.unit, part.factor) for part in parts}) == 1:
        return Quantity(", ".join(part.title for part in parts), parts[0].unit, parts[0].factor)
    return Quantity(", ".join(part.title for part in parts))


def series_name(column: str) -> str:
    """Return the short name of one of several columns in a legend: `train_accuracy` → `train`."""
    split, rest = split_name(column)
    return split or quantity(rest).title


def number_text(value: float) -> str:
    """Return a number as short as people write it."""
    return f"{value:.6g}"


def value_text(column: str, value: Any) -> str:
    """Return one value of a grouping column in words: 64 of `batch_size` → `B = 64`."""
    if pd.isna(value):
        return "none"
    if isinstance(value, str):
        return _NAMES.get(value, value)
    signs = {"batch_size": "B = ", "accumulation": "K = ", "learning_rate": "learning rate ", "epoch": "epoch "}
    return f"{signs.get(column, column.replace('_', ' ') + ' ')}{number_text(float(value))}"
