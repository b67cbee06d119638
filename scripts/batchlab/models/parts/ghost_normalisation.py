"""Ghost batch normalisation: statistics of small groups inside a large batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from batchlab.backend.runtime import keras


@keras.saving.register_keras_serializable(package="batchlab")
class GhostBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation over consecutive groups of the batch (Hoffer et al. 2017, algorithm 1).

    Each group of `ghost_batch` examples is normalised by its own mean and variance; a last, smaller group takes what
    remains. The moving statistics take the groups one after the other, m ← μ·m + (1 − μ)·mean of the group, exactly
    as accumulation over micro-batches of that size would.

    Args:
        ghost_batch: Examples in a group; None for plain batch normalisation.
        **kwargs: Arguments of `keras.layers.BatchNormalization`; the normalised axis must be the last one.
    """

    def __init__(self, ghost_batch: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.axis != -1:
            raise ValueError(f"GhostBatchNormalization normalises the last axis only, not axis {self.axis}")
        self.ghost_batch = ghost_batch

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise `inputs` of shape (examples, …, features), group by group in training mode."""
        size = inputs.shape[0]
        if not training or self.ghost_batch is None or size is None or size <= self.ghost_batch:
            return super().call(inputs, training=training, mask=mask)
        groups = size // self.ghost_batch
        full = groups * self.ghost_batch
        outputs = [self._normalise_groups(inputs[:full], groups)]
        if full < size:
            outputs.append(super().call(inputs[full:], training=True))
        return keras.ops.concatenate(outputs, axis=0)

    def _normalise_groups(self, inputs: Any, groups: int) -> Any:
        ops = keras.ops
        grouped = ops.reshape(inputs, (groups, self.ghost_batch, *inputs.shape[1:]))
        mean, variance = ops.moments(grouped, axes=tuple(range(1, len(grouped.shape) - 1)), keepdims=True)
        outputs = (grouped - mean) * ops.rsqrt(variance + self.epsilon)
        if self.scale:
            outputs = outputs * self.gamma
        if self.center:
            outputs = outputs + self.beta
        # The recursion over the groups, written out: group j of G is forgotten G − 1 − j times.
        weights = (1.0 - self.momentum) * self.momentum ** np.arange(groups - 1, -1, -1.0)
        weights = ops.convert_to_tensor(weights[:, None], dtype=inputs.dtype)
        for moving, statistic in ((self.moving_mean, mean), (self.moving_variance, variance)):
            new = ops.sum(weights * ops.reshape(statistic, (groups, -1)), axis=0)
            moving.assign(moving * self.momentum**groups + new)
        return ops.reshape(outputs, inputs.shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal layer."""
        return {**super().get_config(), "ghost_batch": self.ghost_batch}
