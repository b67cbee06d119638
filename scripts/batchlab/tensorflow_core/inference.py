"""Loss and accuracy at fixed weights on the three splits."""

from __future__ import annotations

from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import tf
from batchlab.tensorflow_core.gradients import cross_entropy
from batchlab.tensorflow_core.re_estimation import ReEstimation
from batchlab.training.metrics import CHUNK, chunks, metrics


class Evaluation:
    """One compiled pass over all examples, in inference mode.

    The last chunk is filled up with example 0 and the surplus results are dropped, so that one compilation serves.
    Losses are the data's (cross-entropy, no penalties).

    Args:
        model: The model.
        data: The resident data set.
        jit: Whether XLA compiles the pass.
        chunk: Examples that pass through the model together.
    """

    def __init__(self, model: Any, data: Resident, jit: bool, chunk: int = CHUNK) -> None:
        self._model, self._data = model, data
        self.re_estimation = ReEstimation(model, data, jit)
        self._chunks = [tf.constant(rows) for rows in chunks(sum(data.counts), chunk)]

        @tf.function(jit_compile=jit, autograph=False)
        def scores(rows: Any) -> tuple[Any, Any]:
            labels = tf.gather(data.y, rows)
            logits = model(data.inputs(tf.gather(data.x, rows)), training=False)
            return cross_entropy(labels, logits), tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), labels)

        self._scores = scores

    def at_present(self) -> dict[str, float]:
        """Return every metric of `METRICS` with the model's variables as they are."""
        results = [self._scores(rows) for rows in self._chunks]
        losses = np.concatenate([loss.numpy() for loss, _ in results])
        correct = np.concatenate([right.numpy() for _, right in results])
        return metrics(losses, correct, self._data.counts)

    def re_estimated(self) -> dict[str, float]:
        """Return the metrics with normalisation statistics taken over the training set; running ones stay as they are.

        Without normalisation layers this is `at_present`.
        """
        with self.re_estimation:
            return self.at_present()
