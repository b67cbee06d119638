"""Metrics of averages of the weights over the snapshots of a run (M3; Zhang et al. 2024 use them in place of a decay).

An average over snapshots at epochs e₁ < … < eₙ is Σ 2^{−(eₙ − eₖ)/h} wₖ / Σ 2^{−(eₙ − eₖ)/h}: exponential with the
half-life h, or uniform (h = ∞). The statistics of batch normalisation are taken anew for each, as for the last weights:
averages of statistics belong to no weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import state
from batchlab.training.frozen_model import FrozenModel


class Average:
    """A running average of weights that forgets by half every `half_life` epochs; infinity forgets nothing."""

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._sums: state.Arrays = {}
        self._total, self._epoch = 0.0, 0.0

    def add(self, epoch: float, weights: state.Arrays) -> None:
        """Take the weights at an epoch that is later than those before."""
        kept = 2.0 ** (-(epoch - self._epoch) / self._half_life) if self._sums else 0.0
        self._sums = {
            key: kept * self._sums.get(key, 0.0) + values.astype(np.float64) for key, values in weights.items()
        }
        self._total, self._epoch = kept * self._total + 1.0, epoch

    def within(self, weights: state.Arrays) -> state.Arrays:
        """Return weights in which the average stands for those that are averaged, in their precision."""
        means = {key: (total / self._total).astype(weights[key].dtype) for key, total in self._sums.items()}
        return {**weights, **means}


def _averages(half_lives: Sequence[float]) -> list[tuple[str, float | None, Average]]:
    exponential = [("exponential", half_life, Average(half_life)) for half_life in half_lives]
    return [*exponential, ("uniform", None, Average(math.inf))]


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Evaluate each seed at the last weights and at each average, after every snapshot.

    Args:
        run: The run of the snapshots.
        data: The resident data set.
        snapshots: All that are averaged, in order; a replica that has ended counts once.
        options: `half_lives`.
    """
    model = FrozenModel(run.model, data)
    rows: Rows = []
    for seed in run.seeds:
        averages = _averages([float(value) for value in options["half_lives"]])
        end = snapshots[-1].replica(seed)[1].examples
        before = -1
        for snapshot in snapshots:
            position = model.load(snapshot, seed).examples
            if position == before:
                continue
            before = position
            epoch, left = position / data.examples, (end - position) / data.examples
            weights = state.capture(model.variables)
            [last] = model.evaluation.re_estimated()
            found: list[tuple[str, float | None, dict[str, float]]] = [("last", None, last)]
            for name, half_life, average in averages:
                average.add(epoch, {key: weights[key] for key in model.trainable})
                model.take(average.within(weights))
                [metrics] = model.evaluation.re_estimated()
                found.append((name, half_life, metrics))
            rows += [
                {
                    "seed": seed,
                    "averaged_to": float(f"{epoch:.9g}"),
                    "before_end": float(f"{left:.9g}"),
                    "average": name,
                    "half_life": half_life,
                    **metrics,
                    "loss_over_last": metrics["test_loss"] / last["test_loss"] if last["test_loss"] else math.nan,
                }
                for name, half_life, metrics in found
            ]
    return Measurement({"averaged_weights": rows}, model.facts)
