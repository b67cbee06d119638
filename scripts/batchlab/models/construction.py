"""Builds the model that a run names: a built-in one, or a user's own in a file of the same form.

A model's module ends in a function `build(input_shape, classes, **options) -> keras.Model`. It takes examples in the
shape in which the data set stores them and flattens or reshapes them itself. The module of a built-in model is imported
by its name, so that editing one model does not touch the others.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.backend.model_inputs import input_type
from batchlab.backend.runtime import fresh_start, keras
from batchlab.declarations.model_options import BY_EXAMPLE, MASKS
from batchlab.errors import BatchlabError


def _one_line(problem: Exception) -> str:
    return f"{type(problem).__name__}: {' '.join(str(problem).split())}"


def _from_file(file: str) -> Any:
    """Return the `build` of a user's Python file."""
    path = Path(file)
    if not path.is_file():
        raise BatchlabError(f"model: file {file!r} does not exist; give its path from the folder of the Snakefile")
    spec = importlib.util.spec_from_file_location(f"batchlab_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BatchlabError(f"model: file {file!r} is not a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    # Last, so that a neighbour called like an installed package does not take its place.
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except Exception as problem:
        raise BatchlabError(f"model {file}: cannot be imported: {_one_line(problem)}") from problem
    if not callable(getattr(module, "build", None)):
        raise BatchlabError(f"model {file}: has no function build(input_shape, classes, **options)")
    return module.build


def _built_in(name: str) -> Any:
    """Return the `build` of a built-in model; planning has checked the name (see `models.signature`)."""
    module = f"batchlab.models.{name}"
    if importlib.util.find_spec(module) is None:
        raise BatchlabError(f"model: there is no built-in model {name!r}")
    return importlib.import_module(module).build


def _check(name: str, model: Any, input_shape: Sequence[int], output_shape: Sequence[int]) -> None:
    """Refuse a model that cannot be trained on the data set."""
    if not isinstance(model, keras.Model):
        raise BatchlabError(f"model {name}: build() returned {type(model).__name__} instead of a keras.Model")
    if (inputs := len(getattr(model, "inputs", None) or ())) > 1:
        raise BatchlabError(
            f"model {name}: has {inputs} inputs, but an example is one array; begin with one keras.Input(input_shape) "
            "and take it apart in the model, as in inputs[:, :3] and inputs[:, 3:]"
        )
    if any(getattr(layer, "stateful", False) for layer in model.layers):
        raise BatchlabError(
            f"model {name}: has a recurrent layer with stateful=True, which would carry memory from one batch to the "
            "next, whatever their order; take it out"
        )
    try:
        output = keras.ops.shape(model(keras.ops.zeros((2, *input_shape), input_type(model)), training=False))
    except Exception as problem:
        raise BatchlabError(
            f"model {name}: cannot take examples of shape {tuple(input_shape)}: {_one_line(problem)}"
        ) from problem
    wanted = (2, *output_shape)
    if tuple(output) != wanted:
        raise BatchlabError(
            f"model {name}: returns shape {tuple(output)} for 2 examples; it must return shape {wanted}"
        )
    if not model.trainable_variables:
        raise BatchlabError(f"model {name}: has no trainable weights")


def options_given(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `build` is given of a model's settings: neither its name and identity nor how dropout draws."""
    return {key: value for key, value in model.items() if key not in ("name", "file", "code", MASKS)}


def builder_of(model: Mapping[str, Any]) -> Any:
    """Return the function `build` of a user's file, or of a built-in model.

    Raises:
        BatchlabError: There is none.
    """
    return _from_file(model["file"]) if "file" in model else _built_in(model["name"])


def check_model(name: str, model: Any, input_shape: Sequence[int], output_shape: Sequence[int]) -> None:
    """Refuse a model that cannot be trained on the data set, see `build_model`."""
    _check(name, model, input_shape, output_shape)


def build_model(
    model: Mapping[str, Any], input_shape: Sequence[int], output_shape: Sequence[int], seed: int = 0
) -> keras.Model:
    """Build a model with the initial weights of one seed.

    Args:
        model: `{"name": …, options}` for a built-in model, `{"file": …, options}` for a user's own; `masks` where
            dropout belongs to examples.
        input_shape: Shape of one example.
        output_shape: Shape of the model's output for one example; `build` is given its last number as `classes`.
        seed: Seed of the initial weights and of random layers.

    Returns:
        The built model.

    Raises:
        BatchlabError: There is no such model, it fails, or it does not fit the data set.
    """
    # `code` is the digest of a user's file, and `masks` says how dropout draws: parts of the model's identity, not
    # options of it.
    options = {key: value for key, value in model.items() if key not in ("name", "file", "code", MASKS)}
    name = model.get("file") or model.get("name", "")
    function = _from_file(name) if "file" in model else _built_in(name)
    fresh_start(seed)
    try:
        built = function(tuple(input_shape), output_shape[-1], **options)
    except BatchlabError:
        raise
    except Exception as problem:
        raise BatchlabError(f"model {name}: build() failed: {_one_line(problem)}") from problem
    _check(name, built, input_shape, output_shape)
    if model.get(MASKS) == BY_EXAMPLE:
        built = importlib.import_module("batchlab.models.parts.dropout_by_example").by_example(built)
    return built
