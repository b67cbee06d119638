"""What breaks the equality of accumulation and the large batch, one fault at a time (E25).

From one snapshot, training with whole batches and training with an accumulation that is wrong in one respect go through
the same examples in the same order. Where the two first part, both start from the same weights, so that the difference
of this one update is the error of the accumulated gradient.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.distances import distance
from batchlab.backend.resident import Resident
from batchlab.backend.runtime import keras
from batchlab.probes.broken_accumulation.optimizer_path import OptimizerPath, OptimizerPaths
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import state
from batchlab.training.order import permutation
from batchlab.training.pieces import single_updates
from batchlab.training.trainer import Trainer

# Two updates differ if they do by more than this: far above rounding in double precision.
_ROUNDING = 1e-9

# The micro-batches of an update.
Window = list[NDArray[np.int32]]


class _Whole:
    """Training with whole batches, in K equal pieces at most, as the library does it."""

    def __init__(self, run: Run, data: Resident, accumulation: int) -> None:
        self._trainer = Trainer(run.settings(accumulation=accumulation), data)
        self.keys = state.trainable_keys(self._trainer.model)

    def start(self, snapshot: state.Snapshot, seed: int) -> None:
        self._trainer.load(snapshot, [seed])

    def update(self, window: Window) -> None:
        rows = np.concatenate(window)
        replicas = self._trainer.replicas
        # In an order of the training set's length, so that the loop is compiled once.
        order = np.zeros(self._trainer.data.examples, np.int32)
        order[: len(rows)] = rows
        replicas.run(replicas.on_device([order]), [(len(rows), 0, len(rows))])

    def weights(self) -> state.Arrays:
        [weights] = self._trainer.replicas.capture()
        return weights

    def metrics(self) -> dict[str, float]:
        [metrics] = self._trainer.metrics()
        return metrics


def windows(seed: int, start: int, updates: int, batch_size: int, micro: int, examples: int) -> Iterator[Window]:
    """Yield the micro-batches of each of the next updates; the last ones of an epoch may be fewer and smaller."""
    epoch, order = -1, np.empty(0, np.int32)
    for piece in single_updates(start, updates, batch_size, examples):
        if piece.epoch != epoch:
            epoch, order = piece.epoch, permutation(seed, piece.epoch, examples)
        rows = order[piece.start : piece.stop]
        yield [rows[first : first + micro] for first in range(0, len(rows), micro)]


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Train `updates` updates with each of `breakers` beside whole batches, and compare.

    Args:
        run: The run that goes on, at its batch size; a schedule of its own is not followed.
        data: The resident data set.
        snapshots: The one where all of them start.
        options: `updates`, `accumulation` (a divisor of the batch size), `breakers`.
    """
    [snapshot] = snapshots
    k, updates = int(options["accumulation"]), int(options["updates"])
    paths = OptimizerPaths(run, data)
    pairs: dict[str, tuple[Any, Any]] = {}
    for breaker in options["breakers"]:
        if breaker == "count_weighted":
            pairs[breaker] = _Whole(run, data, 1), _Whole(run, data, k)
        else:
            whole = "falling_rate" if breaker == "micro_step_schedule" else "exact"
            pairs[breaker] = OptimizerPath(paths, k, updates, whole), OptimizerPath(paths, k, updates, breaker)
    rows: Rows = []
    for seed in run.seeds:
        _, position = snapshot.replica(seed)
        for breaker, (whole, broken) in pairs.items():
            following = list(
                windows(seed, position.examples, updates, run.batch_size, run.batch_size // k, data.examples)
            )
            counts = [paths.count(rows) for window in following for rows in window]
            for path in (whole, broken):
                path.start(snapshot, seed)
            found = _compare(whole, broken, following)
            rows.append(
                {
                    "seed": seed,
                    "breaker": breaker,
                    "accumulation": k,
                    "updates": updates,
                    "count_spread": float(np.std(counts) / np.mean(counts)),
                    **found,
                    "keras": keras.__version__,
                }
            )
    return Measurement({"broken_accumulation": rows}, {"keras": keras.__version__})


def _compare(whole: Any, broken: Any, following: Iterable[Window]) -> dict[str, float]:
    """Return where and how far two paths through the same updates part, and how far apart they end."""
    keys = whole.keys
    start = before = whole.weights()
    first, error = 0, 0.0
    for number, window in enumerate(following, start=1):
        whole.update(window)
        broken.update(window)
        if first:
            continue
        exact, other = whole.weights(), broken.weights()
        step = distance(exact, before, keys)
        # A rate of 0 makes no step, and none can be wrong.
        difference = distance(other, exact, keys) / step if step else 0.0
        error = max(error, difference)
        first, before = (number if difference > _ROUNDING else 0), exact
    exact, other = whole.weights(), broken.weights()
    reached, instead = whole.metrics(), broken.metrics()
    travelled = distance(exact, start, keys)
    return {
        "first_update": first,
        "gradient_error": error,
        "weight_error": distance(other, exact, keys) / travelled,
        "loss_change": instead["test_loss"] - reached["test_loss"],
        "accuracy_change": instead.get("test_accuracy", np.nan) - reached.get("test_accuracy", np.nan),
    }
