"""The models: each a few lines of Keras that end in logits, and the user's own.

Every builder takes the shape of one example as the data set stores it and flattens or reshapes it itself. Layers that
hold weights are named, so that the keys of a snapshot stay the same whatever else the process has built.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.model_options import MODEL_OPTIONS
from batchlab.training.backend import keras
from batchlab.training.normalisation import GhostBatchNormalization

layers = keras.layers


def _image(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Return height, width and channels of an example, or explain that the data set has no images."""
    if len(shape) == 2:
        return (*shape, 1)
    if len(shape) != 3:
        raise BatchlabError(f"model {name}: needs images (height, width, channels), the data set has {tuple(shape)}")
    return tuple(shape)


def mlp(shape: Sequence[int], classes: int, hidden: Sequence[int], activation: str, dropout: float) -> keras.Model:
    """Build a multilayer perceptron; `dropout` is the rate after each hidden layer, 0 for none."""
    stack = [keras.Input(shape), layers.Flatten()]
    for number, units in enumerate(hidden, start=1):
        stack.append(layers.Dense(units, activation=activation, name=f"hidden_{number}"))
        if dropout:
            stack.append(layers.Dropout(dropout, name=f"dropout_{number}"))
    return keras.Sequential([*stack, layers.Dense(classes, name="logits")], name="mlp")


def mlp_bn(
    shape: Sequence[int],
    classes: int,
    hidden: Sequence[int],
    activation: str,
    momentum: float,
    ghost_batch: int | None,
) -> keras.Model:
    """Build network F1 of Keskar et al. 2017 (appendix B.1): blocks of dense, batch normalisation, activation.

    With `ghost_batch`, statistics are taken over consecutive groups of that many examples (Hoffer et al. 2017).
    """
    stack = [keras.Input(shape), layers.Flatten()]
    for number, units in enumerate(hidden, start=1):
        stack += [
            layers.Dense(units, use_bias=False, name=f"hidden_{number}"),
            GhostBatchNormalization(ghost_batch, momentum=momentum, name=f"norm_{number}"),
            layers.Activation(activation),
        ]
    return keras.Sequential([*stack, layers.Dense(classes, name="logits")], name="mlp_bn")


def lenet(
    shape: Sequence[int], classes: int, filters: Sequence[int], dense: Sequence[int], activation: str, pooling: str
) -> keras.Model:
    """Build LeNet-5 (LeCun et al. 1998) with a dense output layer in place of its radial basis functions.

    `filters` are those of the 5 × 5 convolutions: the first keeps the image's size, later ones are unpadded wherever
    the map is large enough, so that images smaller than 28 × 28 pass too. `pooling` is `average` or `max`.
    """
    if pooling not in ("average", "max"):
        raise BatchlabError(f"model lenet: pooling: {pooling!r} is not offered; choose average or max")
    image = _image("lenet", shape)
    pool = layers.MaxPooling2D if pooling == "max" else layers.AveragePooling2D
    hidden = keras.Input(shape)
    inputs = hidden
    hidden = layers.Reshape(image)(hidden)
    for number, channels in enumerate(filters, start=1):
        padding = "valid" if number > 1 and min(hidden.shape[1:3]) >= 6 else "same"
        hidden = layers.Conv2D(channels, 5, padding=padding, activation=activation, name=f"conv_{number}")(hidden)
        hidden = pool(2, padding="same")(hidden)
    hidden = layers.Flatten()(hidden)
    for number, units in enumerate(dense, start=1):
        hidden = layers.Dense(units, activation=activation, name=f"dense_{number}")(hidden)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(hidden), name="lenet")


def cnn(
    shape: Sequence[int], classes: int, filters: Sequence[int], dense: Sequence[int], activation: str, dropout: float
) -> keras.Model:
    """Build the VGG-like network of Chang & Pathak 2020: 3 × 3 convolutions, each with 2 × 2 pooling, then dense.

    Pooling pads odd sizes, so that five of them fit images of any size. `dropout` is the rate after each dense layer.
    """
    stack = [keras.Input(shape), layers.Reshape(_image("cnn", shape))]
    for number, channels in enumerate(filters, start=1):
        stack.append(layers.Conv2D(channels, 3, padding="same", activation=activation, name=f"conv_{number}"))
        stack.append(layers.MaxPooling2D(2, padding="same"))
    stack.append(layers.Flatten())
    for number, units in enumerate(dense, start=1):
        stack.append(layers.Dense(units, activation=activation, name=f"dense_{number}"))
        if dropout:
            stack.append(layers.Dropout(dropout, name=f"dropout_{number}"))
    return keras.Sequential([*stack, layers.Dense(classes, name="logits")], name="cnn")


BUILDERS: dict[str, Callable[..., keras.Model]] = {"mlp": mlp, "mlp_bn": mlp_bn, "lenet": lenet, "cnn": cnn}


def _user_module(file: str) -> ModuleType:
    """Import a user's Python file under a name of its own."""
    path = Path(file)
    if not path.is_file():
        raise BatchlabError(f"model: file {file!r} does not exist; give its path from the folder of the Snakefile")
    spec = importlib.util.spec_from_file_location(f"batchlab_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BatchlabError(f"model: file {file!r} is not a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _user_model(file: str, shape: Sequence[int], classes: int, options: dict[str, Any]) -> Any:
    try:
        function = getattr(_user_module(file), "build", None)
        if not callable(function):
            raise BatchlabError(f"model {file}: has no function build(input_shape, classes, **options)")
        return function(tuple(shape), classes, **options)
    except BatchlabError:
        raise
    except Exception as problem:
        line = " ".join(str(problem).split())
        raise BatchlabError(f"model {file}: build() failed with {type(problem).__name__}: {line}") from problem


def _check(name: str, model: Any, shape: Sequence[int], classes: int) -> None:
    """Refuse a model that cannot be trained on the data set."""
    if not isinstance(model, keras.Model):
        raise BatchlabError(f"model {name}: build() returned {type(model).__name__} instead of a keras.Model")
    try:
        output = keras.ops.shape(model(keras.ops.zeros((2, *shape)), training=False))
    except Exception as problem:
        line = " ".join(str(problem).split())
        raise BatchlabError(f"model {name}: cannot read examples of shape {tuple(shape)}: {line}") from problem
    if tuple(output) != (2, classes):
        raise BatchlabError(
            f"model {name}: returns shape {tuple(output)} for 2 examples; it must return logits of shape (2, {classes})"
        )
    if not model.trainable_variables:
        raise BatchlabError(f"model {name}: has no trainable weights")


def build(model: dict[str, Any], input_shape: Sequence[int], classes: int, seed: int = 0) -> keras.Model:
    """Build a model with the initial weights of one seed.

    Keras' names are reset first, so that the variables' paths do not depend on what was built before.

    Args:
        model: `{"name": …, options}` for a built-in model, `{"file": …, options}` for a user's own, whose function
            `build(input_shape, classes, **options)` returns a `keras.Model`.
        input_shape: Shape of one example.
        classes: Number of classes, the length of the model's output (logits).
        seed: Seed of the initial weights and of random layers.

    Returns:
        The built model.
    """
    # `code` is the digest of a user's file: part of the model's identity, not one of its options.
    options = {key: value for key, value in model.items() if key not in ("name", "file", "code")}
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    if "file" in model:
        name = model["file"]
        built = _user_model(name, input_shape, classes, options)
    else:
        name = model.get("name", "")
        if name not in BUILDERS:
            raise BatchlabError(f"model: unknown name {name!r}; choose one of {', '.join(sorted(BUILDERS))} or a file")
        unknown = sorted(options.keys() - MODEL_OPTIONS[name].keys())
        if unknown:
            allowed = ", ".join(sorted(MODEL_OPTIONS[name]))
            raise BatchlabError(f"model {name}: unknown option {unknown[0]!r}; it has {allowed}")
        try:
            built = BUILDERS[name](tuple(input_shape), classes, **{**MODEL_OPTIONS[name], **options})
        except (ValueError, TypeError) as problem:
            line = " ".join(str(problem).split())
            raise BatchlabError(f"model {name}: Keras refuses its options: {line}") from problem
    _check(name, built, input_shape, classes)
    return built


def parameters(model: keras.Model) -> int:
    """Return the number of trainable parameters."""
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)
