"""What one answer for all examples reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from batchlab.tasks.levels import Arrays, Level, entropy, shares, weights_of


def levels(arrays: Arrays, options: Mapping[str, Any]) -> dict[str, Level]:
    """Return the largest accuracy of one answer on the test set, and the smallest loss of one distribution in training.

    With weights of classes, a model learns another loss and may rightly be less accurate than the most frequent class.
    Then it is judged by balanced accuracy, where that is asked for: 1 / C of the classes of the test set.

    Args:
        arrays: The prepared data set.
        options: Options of the task.
    """
    if options.get("class_weights"):
        asked = "balanced_accuracy" in options.get("metrics", ())
        return {"test_balanced_accuracy": Level(1 / len(np.unique(arrays["y_test"])), higher=True)} if asked else {}
    of_test, of_train = (shares(arrays[f"y_{split}"], weights_of(arrays, split)) for split in ("test", "train"))
    return {
        "test_accuracy": Level(float(of_test.max()), higher=True),
        "train_loss": Level(entropy(of_train)),
    }
