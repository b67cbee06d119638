"""A multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence

from batchlab.backend.runtime import keras
from batchlab.declarations.model_options import Activation, Rate, Sizes

layers = keras.layers


def build(
    input_shape: Sequence[int],
    classes: int,
    *,
    hidden: Sizes = (512, 512),
    activation: Activation = "relu",
    dropout: Rate = 0.0,
) -> keras.Model:
    """Build dense layers of the sizes `hidden`; `dropout` is the rate after each of them, 0 for none."""
    stack = [keras.Input(input_shape), layers.Flatten()]
    for number, units in enumerate(hidden, start=1):
        stack.append(layers.Dense(units, activation=activation, name=f"hidden_{number}"))
        if dropout:
            stack.append(layers.Dropout(dropout, name=f"dropout_{number}"))
    return keras.Sequential([*stack, layers.Dense(classes, name="logits")], name="mlp")
