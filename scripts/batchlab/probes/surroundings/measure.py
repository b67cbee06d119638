"""The loss around a snapshot along random directions with filter normalisation (E22, Li et al. 2018, arXiv 1712.09913).

A direction's part that belongs to a unit is as long as the unit's weights, so that a step of 1 changes every unit by
its own length and networks with different scales of weights can be compared. Statistics of batch normalisation are
taken anew at every point. The directions depend on the seed alone, up to this scaling: all arms see the same ones.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import state
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.loss_surface import LossSurface, Vector
from batchlab.training.plane import filter_normalised


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Evaluate each seed along `directions` lines, and over the plane of two directions.

    Args:
        run: The run of the snapshot.
        data: The resident data set.
        snapshots: The one in the middle.
        options: `directions`, `points`, `reach`, `grid`, `surface_examples`.
    """
    [snapshot] = snapshots
    surface = LossSurface(FrozenModel(run.model, data), data, int(options["surface_examples"]))
    reach = float(options["reach"])
    lines: Rows = []
    points: Rows = []
    for seed in run.seeds:
        surface.load(snapshot, seed)
        generator = np.random.default_rng([seed, zlib.crc32(b"surroundings")])
        weights = surface.parts(surface.origin)
        directions = [filter_normalised(weights, generator) for _ in range(max(2, int(options["directions"])))]
        along = directions[: int(options["directions"])]
        here = _metrics(surface, surface.origin)["train_loss"]
        for step in np.linspace(-reach, reach, int(options["points"])):
            metrics = [_metrics(surface, surface.origin + step * direction) for direction in along]
            mean = {name: float(np.mean([each[name] for each in metrics])) for name in metrics[0]}
            rise = mean["train_loss"] - here
            lines.append({"seed": seed, "step": float(f"{step:.9g}"), **mean, "rise": rise})
        sides = np.linspace(-reach, reach, int(options["grid"]))
        for first, second in itertools.product(sides, sides):
            loss = surface.value(surface.origin + first * directions[0] + second * directions[1])
            points.append({"seed": seed, "first": float(first), "second": float(second), "loss": loss})
    return Measurement({"random_lines": lines, "random_surface": points}, surface.model.facts)


def _metrics(surface: LossSurface, weights: Vector) -> dict[str, float]:
    surface.take(weights)
    [metrics] = surface.model.evaluation.re_estimated()
    return metrics
