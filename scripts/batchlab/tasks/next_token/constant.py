"""What the same prediction at every place reaches: the shares of the tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.tasks.levels import Arrays, Level, entropy, shares, weights_of


def levels(arrays: Arrays, options: Mapping[str, Any]) -> dict[str, Level]:
    """Return the smallest loss of one distribution of tokens in training.

    Args:
        arrays: The prepared data set.
        options: Of the task; it has none.
    """
    return {"train_loss": Level(entropy(shares(arrays["y_train"], weights_of(arrays, "train"))))}
