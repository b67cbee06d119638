"""The VGG-like network of Chang & Pathak 2020."""

from __future__ import annotations

from collections.abc import Sequence

from batchlab.backend.runtime import keras
from batchlab.declarations.model_options import Activation, Rate, Sizes
from batchlab.models.parts.images import image_shape

layers = keras.layers


def build(
    input_shape: Sequence[int],
    classes: int,
    *,
    filters: Sizes = (4, 8, 16, 32, 64),
    dense: Sizes = (256, 256),
    activation: Activation = "relu",
    dropout: Rate = 0.0,
) -> keras.Model:
    """Build 3 × 3 convolutions, each with 2 × 2 pooling, then dense layers with `dropout` (a rate) after each.

    Pooling pads odd sizes, so that five of them fit images of any size.
    """
    stack = [keras.Input(input_shape), layers.Reshape(image_shape("cnn", input_shape))]
    for number, channels in enumerate(filters, start=1):
        stack.append(layers.Conv2D(channels, 3, padding="same", activation=activation, name=f"conv_{number}"))
        stack.append(layers.MaxPooling2D(2, padding="same"))
    stack.append(layers.Flatten())
    for number, units in enumerate(dense, start=1):
        stack.append(layers.Dense(units, activation=activation, name=f"dense_{number}"))
        if dropout:
            stack.append(layers.Dropout(dropout, name=f"dropout_{number}"))
    return keras.Sequential([*stack, layers.Dense(classes, name="logits")], name="cnn")
