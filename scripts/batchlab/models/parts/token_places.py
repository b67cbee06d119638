"""Where a token stands in its sequence, learnt as a vector for each place."""

from __future__ import annotations

from typing import Any

from batchlab.backend.runtime import keras


@keras.saving.register_keras_serializable("batchlab")
class Positions(keras.layers.Layer):
    """Adds a trained vector for each place to inputs of shape (examples, length, width)."""

    def build(self, input_shape: Any) -> None:
        """Make the vectors, small at first as those of tokens are."""
        self.vectors = self.add_weight(shape=input_shape[1:], initializer="uniform", name="vectors")

    def call(self, inputs: Any) -> Any:
        """Return inputs plus vectors."""
        return inputs + self.vectors
