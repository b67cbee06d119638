"""Loss and accuracy at fixed weights on the three splits."""

from __future__ import annotations

from typing import Any

import numpy as np

from batchlab.training.backend import tf
from batchlab.training.normalisation import ReEstimation
from batchlab.training.resident import SPLITS, Resident
from batchlab.training.updates import cross_entropy

# Examples that pass through the model together; moderate, because convolutions keep large maps of each.
CHUNK = 1024

METRICS = tuple(f"{split}_{metric}" for split in SPLITS for metric in ("loss", "accuracy"))


class Evaluation:
    """One compiled pass over all examples, in inference mode.

    The last chunk is filled up with example 0 and the surplus results are dropped, so that one compilation serves.
    Losses are the data's (cross-entropy, no penalties), summed in double precision whatever the model's precision.

    Args:
        model: The model.
        data: The resident data set.
        jit: Whether XLA compiles the pass.
        chunk: Examples that pass through the model together.
    """

    def __init__(self, model: Any, data: Resident, jit: bool, chunk: int = CHUNK) -> None:
        self._model, self._data = model, data
        self.re_estimation = ReEstimation(model, data, jit)
        total = sum(data.counts)
        chunk = min(chunk, total)
        padded = np.zeros(-(-total // chunk) * chunk, dtype=np.int32)
        padded[:total] = np.arange(total)
        self._chunks = [tf.constant(rows) for rows in padded.reshape(-1, chunk)]

        @tf.function(jit_compile=jit, autograph=False)
        def scores(rows: Any) -> tuple[Any, Any]:
            labels = tf.gather(data.y, rows)
            logits = model(data.inputs(tf.gather(data.x, rows)), training=False)
            return cross_entropy(labels, logits), tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), labels)

        self._scores = scores

    def at_present(self) -> dict[str, float]:
        """Return every metric of `METRICS` with the model's variables as they are."""
        results = [self._scores(rows) for rows in self._chunks]
        losses = np.concatenate([loss.numpy() for loss, _ in results]).astype(np.float64)
        correct = np.concatenate([right.numpy() for _, right in results])
        metrics: dict[str, float] = {}
        start = 0
        for split, count in zip(SPLITS, self._data.counts, strict=True):
            stop = start + count
            metrics[f"{split}_loss"] = float(losses[start:stop].sum() / count) if count else float("nan")
            metrics[f"{split}_accuracy"] = float(correct[start:stop].sum() / count) if count else float("nan")
            start = stop
        return metrics

    def re_estimated(self) -> dict[str, float]:
        """Return the metrics with normalisation statistics taken over the training set; running ones stay as they are.

        Without normalisation layers this is `at_present`.
        """
        with self.re_estimation:
            return self.at_present()
