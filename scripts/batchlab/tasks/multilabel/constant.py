"""What the same answer for all examples reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from batchlab.tasks.levels import Arrays, Level, entropy, weights_of


def levels(arrays: Arrays, options: Mapping[str, Any]) -> dict[str, Level]:
    """Return the largest accuracy of one answer for each label on the test set, and the smallest loss in training.

    With weights of answers, a model learns another loss and may rightly be less accurate; then nothing is judged.

    Args:
        arrays: The prepared data set.
        options: Of the task.
    """
    if options.get("class_weights"):
        return {}
    of_test, of_train = (
        np.average(arrays[f"y_{split}"].astype(float), axis=0, weights=weights_of(arrays, split))
        for split in ("test", "train")
    )
    losses = [entropy(np.array([share, 1 - share])) for share in of_train]
    return {
        "test_accuracy": Level(float(np.maximum(of_test, 1 - of_test).mean()), higher=True),
        "train_loss": Level(float(np.mean(losses))),
    }
