"""LeNet-5 (LeCun et al. 1998) with a dense output layer in place of its radial basis functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from batchlab.backend.runtime import keras
from batchlab.declarations.model_options import Activation, Sizes
from batchlab.models.parts.images import image_shape

layers = keras.layers


def build(
    input_shape: Sequence[int],
    classes: int,
    *,
    filters: Sizes = (6, 16),
    dense: Sizes = (120, 84),
    activation: Activation = "tanh",
    pooling: Literal["average", "max"] = "average",
) -> keras.Model:
    """Build 5 × 5 convolutions, each with 2 × 2 pooling (`average` or `max`), then dense layers.

    The first convolution keeps the image's size; later ones are unpadded wherever the map is large enough, so that
    images smaller than 28 × 28 pass too.
    """
    pool = layers.MaxPooling2D if pooling == "max" else layers.AveragePooling2D
    inputs = keras.Input(input_shape)
    hidden = layers.Reshape(image_shape("lenet", input_shape))(inputs)
    for number, channels in enumerate(filters, start=1):
        padding = "valid" if number > 1 and min(hidden.shape[1:3]) >= 6 else "same"
        hidden = layers.Conv2D(channels, 5, padding=padding, activation=activation, name=f"conv_{number}")(hidden)
        hidden = pool(2, padding="same")(hidden)
    hidden = layers.Flatten()(hidden)
    for number, units in enumerate(dense, start=1):
        hidden = layers.Dense(units, activation=activation, name=f"dense_{number}")(hidden)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(hidden), name="lenet")
