"""Any Keras optimizer by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError


def optimizer_class(name: str) -> type[Any]:
    """Return the class of `keras.optimizers` whose name, written in small letters, is `name`.

    `keras.optimizers.get` does not know all of them (Lamb, in Keras 3.15).

    Raises:
        ValueError: There is none.
    """
    for key, value in inspect.getmembers(keras.optimizers, inspect.isclass):
        if key.lower() == name:
            kind: type[Any] = value
            return kind
    raise ValueError(f"there is no optimizer {name}")


def _operation(name: str) -> Callable[[float, Any], Any]:
    plain = getattr(float, name)

    def operation(self: float, other: Any) -> Any:
        result = plain(self, other)
        return result if result is NotImplemented else _Exact(result)

    return operation


class _Exact(np.float64):
    """A hyperparameter in double precision.

    Keras takes a Python float through single precision where it casts a hyperparameter; a NumPy number is exact. But a
    NumPy number asks a Keras variable for its value when it is multiplied with it, which a variable inside a compiled
    function does not have. This one leaves the operation to the variable, as a Python float does.
    """


for _name in ("add", "sub", "mul", "truediv", "pow"):
    for _prefix in ("__", "__r"):
        setattr(_Exact, f"{_prefix}{_name}__", _operation(f"{_prefix}{_name}__"))


def build(optimizer: Mapping[str, Any], learning_rate: float, variables: list[Any]) -> Any:
    """Make an optimizer with fresh state for the given variables.

    Args:
        optimizer: `{"name": …, hyperparameters}`, complete as planning made it; see `planning.optimizer_options`.
        learning_rate: Its learning rate, which becomes a variable of its state.
        variables: The model's trainable variables.

    Raises:
        BatchlabError: Keras does not know the optimizer or refuses its hyperparameters.
    """
    name = optimizer["name"]
    options = {key: value for key, value in optimizer.items() if key != "name"}
    if keras.config.floatx() == "float64":
        options = {key: _Exact(value) if isinstance(value, float) else value for key, value in options.items()}
    try:
        built = optimizer_class(name)(learning_rate=learning_rate, name=name, **options)
        built.build(variables)
    except (ValueError, TypeError) as problem:
        line = " ".join(str(problem).split())
        raise BatchlabError(f"optimizer {name}: Keras refuses its settings: {line}") from problem
    return built


def momentum_buffers(optimizer: Any) -> list[Any]:
    """Return the variables in which plain momentum sums steps, for Goyal's correction.

    Keras' SGD sums v ← μ v − η g, so a changed η leaves steps of the old one in v. Optimizers whose averages are of
    gradients (Adam, RMSprop) need no correction.

    Args:
        optimizer: SGD with momentum, as planning makes sure.
    """
    others = {id(optimizer.iterations), id(optimizer.learning_rate)}
    return [variable for variable in optimizer.variables if id(variable) not in others]
