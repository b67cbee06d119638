"""The held-out loss after one step of SGD, for many step sizes (M5).

From a snapshot, w − η ḡ for the mean gradient ḡ of a batch of B examples and each step size η; the model runs in
inference mode, as in the probe `gradient_norms`. To second order in η, the expected loss is lowest at
η_max / (1 + B_noise / B) (McCandlish et al. 2018, eq. 2.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, keras
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import state
from batchlab.training.core import Landscape, over_rows
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.order import trial_batches


def step_sizes(smallest: float, largest: float, count: int) -> list[float]:
    """Return evenly spaced sizes on the logarithmic scale, with six digits, which are the same on every platform."""
    return [float(f"{size:.6g}") for size in np.geomspace(smallest, largest, count)]


def held_out(data: Resident, count: int) -> NDArray[np.int32]:
    """Return the first examples of the validation set, or of the test set where there is none, as one row."""
    training, validation, test = data.counts
    start, there = (training, validation) if validation else (training + validation, test)
    return np.arange(start, start + min(count, there), dtype=np.int32)[None]


def _summed_gradient(at: Landscape, row: Any) -> Any:
    return keras.ops.concatenate([keras.ops.reshape(part, (-1,)) for part in at.gradient(row)])


def _loss_after(at: Landscape, row: Any, direction: list[Any], size: Any) -> Any:
    moved = [weight - size * part for weight, part in zip(at.weights, direction, strict=True)]
    return keras.ops.reshape(at.loss(row, moved), (1,))


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Return the held-out loss after a step of each size along the gradients of `draws` batches of each batch size.

    Args:
        run: Its seeds are measured.
        data: The resident data set.
        snapshots: The one where all steps start.
        options: `batch_sizes`, `draws`, `held_out`, `steps`, `smallest`, `largest`.
    """
    [snapshot] = snapshots
    model = FrozenModel(run.model, data)
    shapes = [tuple(variable.shape) for variable in model.model.trainable_variables]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    gradients = over_rows(model.replicas, _summed_gradient, int(ends[-1]))
    loss = over_rows(model.replicas, _loss_after, 1)
    judged, draws = held_out(data, int(options["held_out"])), int(options["draws"])
    sizes = step_sizes(options["smallest"], options["largest"], int(options["steps"]))
    rows: Rows = []
    for seed in run.seeds:
        model.load(snapshot, seed)
        with model.evaluation.population_statistics():
            for batch_size in options["batch_sizes"]:
                drawn = trial_batches(seed, "one_step", batch_size, draws, batch_size, data.examples)
                for draw, flat in enumerate(gradients(drawn)):
                    parts = zip(np.split(flat / batch_size, ends[:-1]), shapes, strict=True)
                    direction = [part.reshape(shape).astype(float_type()) for part, shape in parts]
                    rows += [
                        {
                            "seed": seed,
                            "batch_size": batch_size,
                            "draw": draw,
                            "step_size": size,
                            "held_out_loss": loss(judged, direction, np.asarray(size, float_type())).item()
                            / judged.size,
                        }
                        for size in sizes
                    ]
    return Measurement({"one_step_draws": rows}, model.facts)
