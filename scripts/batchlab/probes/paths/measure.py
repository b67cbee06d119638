"""Paths of training from one snapshot with several batch sizes: how ragged they are, and their plane (E22).

All paths start from the same weights and optimizer state and take the same examples in the same order. How long a path
is depends on where one looks: after each update a small batch's path zigzags with the noise of each gradient; between
points that are equally many examples apart most of that has averaged out, for every batch size alike. So the length is
taken in several ways, which are never mixed.

The plane is that through the snapshot which is nearest to the points of all paths (a principal component analysis
around the snapshot). Points of each path are equally many examples apart, so that each batch size counts the same.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import plane, state
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.loss_surface import LossSurface, Vector
from batchlab.training.pieces import single_updates
from batchlab.training.trainer import Trainer


@dataclass(frozen=True)
class Path:
    """The path of one batch size and learning rate from a snapshot, which can be walked again and again.

    Attributes:
        trainer: Trains at the batch size, without accumulation.
        learning_rate: The learning rate.
        updates: Updates along the path.
    """

    trainer: Trainer
    learning_rate: float
    updates: int

    @property
    def batch_size(self) -> int:
        """Examples in an update."""
        return self.trainer.batch_size

    def walk(self, snapshot: state.Snapshot, seed: int, vector: Callable[[state.Arrays], Vector]) -> Iterator[Vector]:
        """Yield the weights after each update.

        Args:
            snapshot: Where the path starts, at least as many examples before the end of an epoch as it is long.
            seed: The replica.
            vector: Makes one vector of the weights.
        """
        self.trainer.learning_rate = self.learning_rate
        [position] = self.trainer.load(snapshot, [seed])
        size = self.trainer.data.examples
        orders = self.trainer.orders([seed], position.examples // size)
        for piece in single_updates(position.examples, self.updates, self.batch_size, size):
            self.trainer.run(orders, piece.start, piece.stop)
            yield vector(self.trainer.replicas.capture()[0])


def length(points: Iterable[Vector], start: Vector) -> tuple[float, float]:
    """Return Σ ‖next − point‖ along points, and the distance of the last one from the start."""
    total, last = 0.0, start
    for point in points:
        total += float(np.linalg.norm(point - last))
        last = point
    return total, float(np.linalg.norm(last - start))


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Walk the path of each of `batch_sizes` twice: to measure it and find the plane, and to draw it there.

    Args:
        run: The run that goes on.
        data: The resident data set.
        snapshots: The one where all paths start.
        options: `batch_sizes`, `examples` of each path, `every` so many of which is a point, `rates`, and of the loss
            surface `grid` and `surface_examples`.

    Raises:
        BatchlabError: The paths would cross the end of an epoch, where an update may hold fewer examples.
    """
    [snapshot] = snapshots
    ahead, rest = int(options["examples"]), data.examples - snapshot.positions[0].examples % data.examples
    if ahead > rest:
        raise BatchlabError(f"probe paths: {rest} examples are left of the snapshot's epoch, not {ahead}; walk fewer")
    surface = LossSurface(FrozenModel(run.model, data), data, int(options["surface_examples"]))
    lengths: Rows = []
    points: Rows = []
    trainers = [Trainer(run.settings(size, 1), data) for size in options["batch_sizes"]]
    for rates in options["rates"]:
        factors = [each.batch_size / run.batch_size if rates == "linear" else 1.0 for each in trainers]
        paths = [
            Path(trainer, run.learning_rate * factor, ahead // trainer.batch_size)
            for trainer, factor in zip(trainers, factors, strict=True)
        ]
        for seed in run.seeds:
            surface.load(snapshot, seed)
            kept: list[Vector] = []
            for path in paths:
                rows, those = _lengths(path, snapshot, seed, surface, options)
                lengths += [{"seed": seed, "rates": rates, **row} for row in rows]
                kept += those
            points += [
                {"seed": seed, "rates": rates, **row}
                for row in _plane(paths, np.array(kept), snapshot, seed, surface, int(options["grid"]))
            ]
    return Measurement({"path_lengths": lengths, "plane": points}, surface.model.facts)


def _lengths(
    path: Path, snapshot: state.Snapshot, seed: int, surface: LossSurface, options: Mapping[str, Any]
) -> tuple[Rows, list[Vector]]:
    """Return the path's lengths, one row for each way of taking it, and its points, less the start."""
    size, every, ahead = path.batch_size, int(options["every"]), int(options["examples"])
    few = ahead // max(options["batch_sizes"])
    kept: list[Vector] = []
    legs: list[float] = []
    beginning = last = surface.origin
    for update, weights in enumerate(path.walk(snapshot, seed, surface.vector), start=1):
        legs.append(float(np.linalg.norm(weights - last)))
        last = weights
        if update * size % every == 0:
            kept.append(weights)
        if update == few:
            beginning = weights
    between, displacement = length(kept, surface.origin)
    first = float(np.linalg.norm(beginning - surface.origin))
    found = (
        ("updates", len(legs), sum(legs), displacement),
        ("examples", len(legs), between, displacement),
        ("first", few, sum(legs[:few]), first),
    )
    rows = [
        {
            "batch_size": size,
            "learning_rate": path.learning_rate,
            "sampling": sampling,
            "updates": updates,
            "examples": updates * size,
            "length": taken,
            "displacement": net,
            "raggedness": taken / net if net else math.nan,
        }
        for sampling, updates, taken, net in found
    ]
    return rows, kept


def _plane(
    paths: list[Path], kept: Vector, snapshot: state.Snapshot, seed: int, surface: LossSurface, grid: int
) -> Iterator[dict[str, Any]]:
    """Yield every update of the paths in the plane of their points, and then the loss on a grid around them."""
    origin = surface.origin
    if not np.isfinite(kept).all():  # a path that diverges lies in no plane
        directions, share = np.full((2, origin.size), np.nan), math.nan
    else:
        directions, share = plane.main_directions(kept - origin)
    nothing = {"batch_size": "", "updates": "", "loss": ""}

    def row(place: Vector, **values: Any) -> dict[str, Any]:
        own = {**nothing, "first": float(place[0]), "second": float(place[1]), "share": share, **values}
        return {name: own[name] for name in ("batch_size", "updates", "first", "second", "loss", "share")}

    everywhere = [np.zeros(2)]
    for path in paths:
        yield row(everywhere[0], batch_size=path.batch_size, updates=0)
        for update, weights in enumerate(path.walk(snapshot, seed, surface.vector), start=1):
            everywhere.append(directions @ (weights - origin))
            yield row(everywhere[-1], batch_size=path.batch_size, updates=update)
    if math.isnan(share):
        return
    for x, y in itertools.product(*plane.grid(np.array(everywhere), grid)):
        place = np.array([x, y])
        yield row(place, loss=surface.value(origin + place @ directions))
