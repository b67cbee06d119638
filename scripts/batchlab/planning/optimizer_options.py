"""Every Keras optimizer and its hyperparameters, readable without Keras: planning checks a campaign against it.

`keras_optimizers.json` is made from the locked Keras by `make docs` (`pages.keras_optimizers`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("keras_optimizers.json")

# Hyperparameters of Keras that are not offered, and why.
NOT_OFFERED = {
    "learning_rate": "is a key of the arm itself, because rules and phases change it",
    "name": "would only rename variables in the snapshots",
    "gradient_accumulation_steps": (
        "averages micro-batches of unequal size with equal weight and carries windows over the end of an epoch; the "
        "training core accumulates sums itself"
    ),
    **dict.fromkeys(
        ("use_ema", "ema_momentum", "ema_overwrite_frequency"),
        "keeps a second set of weights that is written over the first at moments that the snapshots do not know",
    ),
    "loss_scale_factor": "belongs to 16-bit training, which is not offered, and changes no update otherwise",
}
# Optimizers that wrap others, or that others are made from.
WRAPPERS = ("optimizer", "lossscaleoptimizer", "multioptimizer", "optimizermap")

# name → hyperparameter → Keras' default
OPTIMIZER_OPTIONS: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
