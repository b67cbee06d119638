"""The built-in models and their options, readable without Keras: planning checks a campaign against this table.

`batchlab.models.<name>.build` has exactly these keyword arguments (a test compares them). A user's own model is named
by `file` instead of `name`; its options belong to its own `build`.
"""

from __future__ import annotations

from typing import Any

# name → option → default
MODEL_OPTIONS: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": [512, 512], "activation": "relu", "dropout": 0.0},
    "mlp_bn": {"hidden": [512, 512, 512, 512, 512], "activation": "relu", "momentum": 0.99, "ghost_batch": None},
    "lenet": {"filters": [6, 16], "dense": [120, 84], "activation": "tanh", "pooling": "average"},
    "cnn": {"filters": [4, 8, 16, 32, 64], "dense": [256, 256], "activation": "relu", "dropout": 0.0},
}
