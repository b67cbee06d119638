"""A multilayer perceptron with batch normalisation: network F1 of Keskar et al. 2017 (appendix B.1) by default."""

from __future__ import annotations

from collections.abc import Sequence

from batchlab.backend.runtime import keras
from batchlab.declarations.model_options import Activation, Count, Number, Sizes
from batchlab.models.parts.ghost_normalisation import GhostBatchNormalization

layers = keras.layers


def build(
    input_shape: Sequence[int],
    classes: int,
    *,
    hidden: Sizes = (512, 512, 512, 512, 512),
    activation: Activation = "relu",
    momentum: Number = 0.99,
    ghost_batch: Count | None = None,
) -> keras.Model:
    """Build blocks of dense layer (without bias), batch normalisation and activation.

    With `ghost_batch`, statistics are taken over consecutive groups of that many examples (Hoffer et al. 2017).
    """
    stack = [keras.Input(input_shape), layers.Flatten()]
    for number, units in enumerate(hidden, start=1):
        stack += [
            layers.Dense(units, use_bias=False, name=f"hidden_{number}"),
            GhostBatchNormalization(ghost_batch, momentum=momentum, name=f"norm_{number}"),
            layers.Activation(activation),
        ]
    return keras.Sequential([*stack, layers.Dense(classes, name="logits")], name="mlp_bn")
