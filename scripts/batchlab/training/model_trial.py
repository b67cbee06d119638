"""A user's model is tried once before anything is trained with it, so that its faults show at once.

`models.construction` refuses what cannot be built. Here the model is run as training will run it: a compiled gradient
on a few examples. What would train but mean something else is refused too: probabilities for logits, another
precision, initial weights or outputs that the seed does not fix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from batchlab.backend.model_inputs import takes_integers
from batchlab.backend.resident import Resident
from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError, one_line
from batchlab.models.construction import build_model
from batchlab.models.several_inputs import TakenFromRow
from batchlab.training import core, state

# Examples that pass through the model: few, and no size that a model would be fixed to.
_EXAMPLES = 7
# Examples that are looked through at a time.
_BLOCK = 4096
# Weights with which the range of the outputs is found out: so many draws from a normal distribution so wide.
_DRAWS, _LARGE = 8, 3.0


def try_model(settings: dict[str, Any], data: Resident) -> dict[str, Any]:
    """Try a model on the first examples of a data set.

    Args:
        settings: `{"file": …, options}`.
        data: The resident data set.

    Returns:
        What was found: number of trainable parameters, and how the model is compiled and why.

    Raises:
        BatchlabError: The model cannot be trained, or its numbers would not be what the campaign says.
    """
    name = f"model {settings.get('of', settings)['file']}"
    first, second = (build_model(settings, data.shape, data.output_shape, seed=1) for _ in range(2))
    _check_weights(name, first, second)
    rows = np.arange(min(_EXAMPLES, data.examples), dtype=np.int32)
    if getattr(first, "compiled", False):
        raise BatchlabError(
            f"{name}: build() returns a compiled model, whose loss and optimizer would be ignored; the campaign names "
            "them: take out model.compile(…)"
        )
    _check_integers(name, first, data)
    _check_outputs(name, first, second, data)
    _check_range(name, second, data)
    if getattr(first, "input_shape", None) is None:  # as in a subclass of keras.Model
        raise BatchlabError(
            f"{name}: does not know the shape of its inputs; return keras.Sequential([keras.Input(input_shape), …]) or "
            "keras.Model(inputs, outputs)"
        )
    try:
        replica = core.replicas(first, data, state.variables_of(first))
        sizes = [float(np.abs(part).sum()) for part in core.gradient(replica, rows)]
    except Exception as problem:
        raise BatchlabError(
            f"{name}: cannot be trained: {type(problem).__name__}: {one_line(str(problem))}"
        ) from problem
    if not np.all(np.isfinite(sizes)):
        raise BatchlabError(f"{name}: its first gradient is not finite; check its layers and initial weights")
    if not any(sizes):
        raise BatchlabError(f"{name}: its gradient is zero; the outputs must depend on its trainable weights")
    parameters = sum(int(np.prod(variable.shape)) for variable in first.trainable_variables)
    return {"parameters": parameters, **replica.facts}


def _check_weights(name: str, first: Any, second: Any) -> None:
    """Refuse initial weights that are not finite, of another precision, or different at each call of `build`."""
    precision = keras.config.floatx()
    found, again = (state.capture(state.variables_of(model)) for model in (first, second))
    if found.keys() != again.keys():
        raise BatchlabError(f"{name}: build() names its variables differently at each call; give its layers names")
    for key, values in found.items():
        if not np.issubdtype(values.dtype, np.floating):
            continue
        if values.dtype != precision:
            raise BatchlabError(
                f"{name}: {key} is {values.dtype}, the precision is {precision}; set no dtype or policy in the model "
                "(the key precision of the campaign does)"
            )
        if not np.isfinite(values).all():
            raise BatchlabError(f"{name}: {key} has initial values that are not finite; correct its initializer")
        if not np.array_equal(values, again[key]):
            raise BatchlabError(
                f"{name}: {key} starts otherwise at each call of build(); draw with Keras' initializers, whose seed is "
                "set for each replicate"
            )


def _check_integers(name: str, model: Any, data: Resident) -> None:
    """Refuse an Embedding that has no vector for some of the integers of an input, or integers below 0.

    A core may take another vector in silence where there is none.
    """
    for layer in model.layers:
        if not (isinstance(layer, TakenFromRow) and layer.takes_integers):
            continue
        least, largest, farthest = 0, 0, 0
        for start in range(0, data.x.shape[0], _BLOCK):
            values = layer(data.inputs(data.x[start : start + _BLOCK]))
            values = keras.ops.convert_to_numpy(values).reshape(-1, layer.size)
            if values.max() > largest:
                largest, farthest = int(values.max()), start + int(values.max(axis=1).argmax())
            least = min(least, int(values.min()))
        where = f"{name}: its input {layer.input_name!r} holds whole numbers from {least} to {largest}"
        if least < 0:
            raise BatchlabError(f"{where}; those that an Embedding takes begin at 0; number them so")
        try:
            found = keras.ops.convert_to_numpy(model(data.inputs(data.x[farthest : farthest + 1]), training=False))
        except Exception as problem:
            raise BatchlabError(
                f"{where}, and it fails at {largest}; an Embedding of it needs {largest + 1} "
                f"({one_line(str(problem))[:80]})"
            ) from problem
        if not np.isfinite(found).all():
            raise BatchlabError(
                f"{where}, and it returns no numbers at {largest}; an Embedding of it needs {largest + 1}"
            )


def _check_outputs(name: str, first: Any, second: Any, data: Resident) -> None:
    """Refuse outputs that are not finite, of another precision, not those of the task, or different at each call."""
    inputs = data.inputs(data.x[: min(_EXAMPLES, data.examples)], takes_integers(first))
    outputs = first(inputs, training=False)
    precision = keras.config.floatx()
    if keras.backend.standardize_dtype(outputs.dtype) != precision:
        raise BatchlabError(
            f"{name}: returns {outputs.dtype.name}, the precision is {precision}; set no dtype or policy in the model"
        )
    values = keras.ops.convert_to_numpy(outputs)
    if not np.isfinite(values).all():
        raise BatchlabError(f"{name}: returns NaN or infinite values at its initial weights; check its layers")
    if fault := data.task.fault(values):
        raise BatchlabError(f"{name}: {fault}")
    for model in (first, second):
        if not np.array_equal(keras.ops.convert_to_numpy(model(inputs, training=False)), values):
            raise BatchlabError(
                f"{name}: gives other outputs for the same examples and weights; randomness and memory are for "
                "training mode only, as in keras.layers.Dropout"
            )


def _check_range(name: str, model: Any, data: Resident) -> None:
    """Refuse outputs that the task says are squashed: those that stay in a range whatever the weights.

    The weights are drawn anew, large and of either sign; they are not used afterwards.
    """
    inputs = data.inputs(data.x[: min(_EXAMPLES, data.examples)], takes_integers(model))
    drawn = np.random.default_rng(0)
    found = []
    for _ in range(_DRAWS):
        for variable in model.trainable_variables:
            variable.assign(drawn.normal(scale=_LARGE, size=tuple(variable.shape)))
        found.append(keras.ops.convert_to_numpy(model(inputs, training=False)))
    values = np.concatenate(found)
    if np.isfinite(values).all() and (fault := data.task.range_fault(float(values.min()), float(values.max()))):
        raise BatchlabError(f"{name}: {fault}")
