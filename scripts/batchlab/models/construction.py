"""The models: one module each, which ends in logits, and the user's own, in a file of the same form.

A model's module has one function `build(input_shape, classes, **options) -> keras.Model`. It takes examples in the
shape in which the data set stores them and flattens or reshapes them itself. The module of a built-in model is imported
by its name, so that an edit of one model is no edit of the others.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError
from batchlab.planning.model_options import MODEL_OPTIONS


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
    try:
        spec.loader.exec_module(module)
    except Exception as problem:
        raise BatchlabError(f"model {file}: cannot be imported: {_one_line(problem)}") from problem
    if not callable(getattr(module, "build", None)):
        raise BatchlabError(f"model {file}: has no function build(input_shape, classes, **options)")
    return module.build


def _check(name: str, model: Any, shape: Sequence[int], classes: int) -> None:
    """Refuse a model that cannot be trained on the data set."""
    if not isinstance(model, keras.Model):
        raise BatchlabError(f"model {name}: build() returned {type(model).__name__} instead of a keras.Model")
    try:
        output = keras.ops.shape(model(keras.ops.zeros((2, *shape)), training=False))
    except Exception as problem:
        raise BatchlabError(
            f"model {name}: cannot take examples of shape {tuple(shape)}: {_one_line(problem)}"
        ) from problem
    if tuple(output) != (2, classes):
        raise BatchlabError(
            f"model {name}: returns shape {tuple(output)} for 2 examples; it must return logits of shape (2, {classes})"
        )
    if not model.trainable_variables:
        raise BatchlabError(f"model {name}: has no trainable weights")


def build_model(model: dict[str, Any], input_shape: Sequence[int], classes: int, seed: int = 0) -> keras.Model:
    """Build a model with the initial weights of one seed.

    Keras' names are reset first, so that the variables' paths do not depend on what was built before.

    Args:
        model: `{"name": …, options}` for a built-in model, `{"file": …, options}` for a user's own.
        input_shape: Shape of one example.
        classes: Number of classes, the length of the model's output (logits).
        seed: Seed of the initial weights and of random layers.

    Returns:
        The built model.

    Raises:
        BatchlabError: Unknown model or option, or a model that fails or does not fit the data set.
    """
    # `code` is the digest of a user's file: part of the model's identity, not one of its options.
    options = {key: value for key, value in model.items() if key not in ("name", "file", "code")}
    name = model.get("file") or model.get("name", "")
    if "file" in model:
        function = _from_file(name)
    else:
        if name not in MODEL_OPTIONS:
            raise BatchlabError(f"model: unknown name {name!r}; choose one of {', '.join(MODEL_OPTIONS)} or a file")
        unknown = sorted(options.keys() - MODEL_OPTIONS[name].keys())
        if unknown:
            raise BatchlabError(f"model {name}: unknown option {unknown[0]!r}; it has {', '.join(MODEL_OPTIONS[name])}")
        function = importlib.import_module(f"batchlab.models.{name}").build
        options = {**MODEL_OPTIONS[name], **options}
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    try:
        built = function(tuple(input_shape), classes, **options)
    except BatchlabError:
        raise
    except Exception as problem:
        raise BatchlabError(f"model {name}: build() failed: {_one_line(problem)}") from problem
    _check(name, built, input_shape, classes)
    return built
