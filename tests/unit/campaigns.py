"""A small complete configuration for tests of planning."""

from __future__ import annotations

import copy
from typing import Any

from batchlab.configuration.campaign import load
from batchlab.planning import Plan, plan

RAW: dict[str, Any] = {
    "campaign": "trial",
    "dataset": "digits",
    "epochs": 6,
    "seeds": {"count": 2, "block": 2},
    "batch_sizes": {"small": 16, "large": 256},
    "datasets": {"digits": {"name": "digits"}},
    "models": {"mlp": {"name": "mlp", "hidden": [8]}, "wide": {"name": "mlp", "hidden": [16]}},
    "optimizers": {"sgd": {"name": "sgd", "learning_rate": 0.1}, "adam": {"name": "adam", "learning_rate": 0.001}},
    "studies": {
        "sizes": {
            "title": "Sizes",
            "question": "?",
            "reference": {"batch_size": "small"},
            "arms": {"fixed": {"batch_size": ["small", "large"]}},
            "figures": {
                "accuracy": {
                    "chart": "curves",
                    "title": "Accuracy at B = {small}",
                    "table": "history",
                    "x": "epoch",
                    "y": "test_accuracy",
                    "caption": "{model} on {dataset}, {seeds} seeds",
                }
            },
            "claims": {
                "lower": {
                    "statement": "B = {large} is lower",
                    "source": "Shen 2018",
                    "published": "lower",
                    "test": "difference",
                    "table": "history",
                    "value": "test_accuracy",
                    "of": {"batch_size": "large", "epoch": "last"},
                    "minus": {"batch_size": "small", "epoch": "last"},
                    "expect": "less",
                    "figure": "accuracy",
                }
            },
        },
        "switch": {
            "title": "Switch",
            "question": "?",
            "arms": {
                "constant": {"batch_size": "small"},
                "switched": {"phases": [{"epochs": 2, "batch_size": "large"}, {"epochs": 4, "batch_size": "small"}]},
            },
            "probes": {"norms": {"probe": "gradient_norms", "arms": {"recipe": "switched"}, "epochs": [0, 2, "last"]}},
        },
    },
}


def raw(**changes: Any) -> dict[str, Any]:
    """Return the configuration with some paths changed: `studies__sizes__arms={…}`."""
    config = copy.deepcopy(RAW)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = config
        for key in parents:
            place = place[key]
        place[last] = value
    return config


def planned(**changes: Any) -> Plan:
    """Return the plan of the changed configuration."""
    return plan(load(raw(**changes)))
