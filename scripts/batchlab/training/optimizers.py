"""Any Keras optimizer by name."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError
from batchlab.planning.optimizer_options import OPTIMIZER_OPTIONS


def optimizer_class(name: str) -> type[Any]:
    """Return the class of `keras.optimizers` whose name, written in small letters, is `name`."""
    if name not in OPTIMIZER_OPTIONS:
        raise BatchlabError(f"optimizer: unknown name {name!r}; choose one of {', '.join(sorted(OPTIMIZER_OPTIONS))}")
    return next(
        value for key, value in vars(keras.optimizers).items() if inspect.isclass(value) and key.lower() == name
    )


def build(optimizer: dict[str, Any], learning_rate: float, variables: list[Any]) -> Any:
    """Make an optimizer with fresh state for the given variables.

    Args:
        optimizer: `{"name": …, hyperparameters}`; see `batchlab.planning.optimizer_options`.
        learning_rate: Its learning rate, which becomes a variable of its state.
        variables: The model's trainable variables.
    """
    name = optimizer.get("name", "")
    options = {key: value for key, value in optimizer.items() if key != "name"}
    kind = optimizer_class(name)
    unknown = sorted(options.keys() - OPTIMIZER_OPTIONS[name].keys())
    if unknown:
        allowed = ", ".join(sorted(OPTIMIZER_OPTIONS[name]))
        raise BatchlabError(f"optimizer {name}: unknown hyperparameter {unknown[0]!r}; it has {allowed}")
    options = {**OPTIMIZER_OPTIONS[name], **options}
    if keras.config.floatx() == "float64":
        # Keras takes a Python float through single precision where it casts a hyperparameter; a NumPy number is exact.
        options = {key: np.float64(value) if isinstance(value, float) else value for key, value in options.items()}
    try:
        built = kind(learning_rate=learning_rate, name=name, **options)
        built.build(variables)
    except (ValueError, TypeError) as problem:
        line = " ".join(str(problem).split())
        raise BatchlabError(f"optimizer {name}: Keras refuses its settings: {line}") from problem
    return built
