"""Dropout whose masks belong to examples, so that accumulation does not change them.

Keras draws a mask for each call of a layer: in two micro-batches an update has other masks than in one. Here a mask is
a function of the layer's key, which the seed draws, of the number of examples that the layer has seen in training, and
of the place in the example. So it follows from seed, update and the example's place in the batch. The numbers come from
a hash (the finalizer of MurmurHash3 by Appleby, twice), which no state but the count of examples has to be kept for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError

ops = keras.ops

# Random bits of a number in single precision.
_BITS = 24


def _mixed(values: Any) -> Any:
    """Return the finalizer of MurmurHash3 of unsigned integers of 32 bits."""

    def shifted(values: Any, places: int) -> Any:
        return ops.bitwise_xor(values, ops.bitwise_right_shift(values, ops.convert_to_tensor(places, "uint32")))

    values = shifted(values, 16) * ops.convert_to_tensor(0x85EBCA6B, "uint32")
    values = shifted(values, 13) * ops.convert_to_tensor(0xC2B2AE35, "uint32")
    return shifted(values, 16)


@keras.saving.register_keras_serializable("batchlab")
class DropoutByExample(keras.layers.Layer):
    """Sets a share `rate` of the inputs to 0 in training and scales the others up, by a mask for each example."""

    def __init__(self, rate: float, **more: Any) -> None:
        super().__init__(**more)
        self.rate = rate

    def build(self, input_shape: Any) -> None:
        """Draw the layer's key and begin to count."""

        def drawn(shape: Any, dtype: Any) -> Any:
            return keras.random.randint(shape, 0, 2**30, dtype=dtype)

        self.key = self.add_weight(shape=(), initializer=drawn, dtype="int32", trainable=False, name="key")
        self.seen = self.add_weight(shape=(), initializer="zeros", dtype="int32", trainable=False, name="seen")

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs, in training with some left out."""
        if not training:
            return inputs
        count, width = inputs.shape[0], math.prod(inputs.shape[1:])
        examples = ops.cast(self.seen + ops.arange(count, dtype="int32"), "uint32")
        places = ops.cast(ops.arange(width, dtype="int32"), "uint32")
        of_example = _mixed(ops.bitwise_xor(_mixed(examples), ops.cast(self.key, "uint32")))
        bits = _mixed(of_example[:, None] + _mixed(places)[None, :])
        high = ops.bitwise_right_shift(bits, ops.convert_to_tensor(32 - _BITS, "uint32"))
        kept = ops.reshape(ops.cast(high, inputs.dtype) >= self.rate * 2.0**_BITS, inputs.shape)
        self.seen.assign(self.seen + count)
        return ops.where(kept, inputs / (1 - self.rate), ops.zeros_like(inputs))

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "rate": self.rate}


def by_example(model: keras.Model) -> keras.Model:
    """Return a model with the same layers and weights whose dropout belongs to examples.

    Raises:
        BatchlabError: The model has other randomness, or cannot be made of its layers anew.
    """

    def replaced(layer: keras.layers.Layer) -> keras.layers.Layer:
        if type(layer) is keras.layers.Dropout and layer.noise_shape is None:
            return DropoutByExample(layer.rate, name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    try:
        clone = keras.models.clone_model(model, clone_function=replaced)
    except (ValueError, NotImplementedError, TypeError) as problem:
        raise BatchlabError(
            f"dropout: by_example: model {model.name} cannot be taken apart ({type(problem).__name__}); build it with "
            "keras.Sequential or keras.Model(inputs, outputs)"
        ) from problem
    for layer in _layers(clone):
        rates = [getattr(layer, name, None) for name in ("dropout", "recurrent_dropout")]
        random = any("seed_generator" in variable.path for variable in layer.non_trainable_variables)
        if any(rates) or (random and rates == [None, None]):
            raise BatchlabError(
                f"dropout: by_example: layer {layer.name} ({type(layer).__name__}) draws random numbers of its own; "
                "only keras.layers.Dropout can be given to examples"
            )
    for variable, same in zip(clone.trainable_variables, model.trainable_variables, strict=True):
        variable.assign(same)
    return clone


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
