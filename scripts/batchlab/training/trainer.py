"""Replicas of one model that move through the data in the order of their seeds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.training import core, optimizers, state
from batchlab.training.evaluation import Evaluation
from batchlab.training.order import permutation
from batchlab.training.pieces import Piece
from batchlab.training.rates import rates


class Trainer:
    """Trains replicas of one model on one data set; the core says how many at once.

    Args:
        spec: `model`, `optimizer`, `learning_rate`, `batch_size`, `accumulation`, and `schedule` where the rate follows
            one (see `training.rates`).
        data: The resident data set.
    """

    def __init__(self, spec: Mapping[str, Any], data: Resident) -> None:
        self.data = data
        self.batch_size, self.accumulation = int(spec["batch_size"]), int(spec["accumulation"])
        if self.batch_size % self.accumulation:
            raise BatchlabError(
                f"accumulation: {self.accumulation} does not divide batch_size {self.batch_size}; choose a divisor"
            )
        self.learning_rate = float(spec["learning_rate"])
        self._schedule: Mapping[str, Any] | None = spec.get("schedule")
        self.model = build_model(spec["model"], data.shape, data.output_shape)
        self._settings = spec["optimizer"]
        self.optimizer = self._new_optimizer()
        self.variables = state.variables_of(self.model, self.optimizer)
        micro = self.batch_size // self.accumulation
        following = None if self._schedule is None else self._following(self._schedule)
        self.replicas = core.replicas(self.model, data, self.variables, self.optimizer, micro, following)
        self._evaluation = Evaluation(self.replicas, self.model, data)
        subset = spec.get("evaluate", {}).get("subset")
        self.has_subset = subset is not None
        self._partial = Evaluation(self.replicas, self.model, data, subset=subset) if subset else self._evaluation
        self._kept_orders: tuple[Any, ...] = ()
        self._rates_of_group: Sequence[float] = (self.learning_rate,)

    def _new_optimizer(self) -> Any:
        return optimizers.build(self._settings, self.learning_rate, self.model.trainable_variables)

    def _following(self, schedule: Mapping[str, Any]) -> core.Following:
        """Return which variables of the optimizer follow the schedule."""
        momenta = []
        if schedule["momentum_correction"]:
            momenta = optimizers.momentum_buffers(self.optimizer)
        return core.Following(self.optimizer.learning_rate, tuple(momenta))

    def _rates(self, start: int, batches: Sequence[core.Batches], updates: int) -> list[NDArray[np.float64]] | None:
        """Return each replica's rates of the updates of each group of batches; None without a schedule.

        Args:
            start: Cumulative examples at the beginning of the epoch.
            batches: What is run, see `core.Replicas.run`.
            updates: Updates made before.
        """
        if self._schedule is None:
            return None
        found = []
        for size, first, last in batches:
            boundaries = start + np.arange(first, last + 1, size)
            each = [rates(self._schedule, own, boundaries, updates, self.data.examples) for own in self._rates_of_group]
            found.append(np.stack(each))
            updates += len(boundaries) - 1
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """How updates were compiled and how long that took, for the provenance record."""
        return {**self.replicas.facts, "compile_seconds": round(self.replicas.compile_seconds, 3)}

    def load(self, snapshot: state.Snapshot, seeds: Sequence[int]) -> list[state.Position]:
        """Take over a group of replicas from a snapshot, with this trainer's learning rate."""
        return self.load_each([(snapshot, seed, self.learning_rate) for seed in seeds])

    def load_each(self, sources: Sequence[tuple[state.Snapshot, int, float]]) -> list[state.Position]:
        """Take over a group of replicas, each a seed of a snapshot, with a learning rate of its own.

        Under a schedule the rate of the last update stays: a momentum correction starts from it.
        """
        positions, replicas = [], []
        for snapshot, seed, rate in sources:
            position = snapshot.load(seed, self.variables)
            if not snapshot.trained:
                # Fresh state may depend on the weights (schedule-free AdamW starts its average there), so it is made
                # anew.
                fresh = self._new_optimizer().variables
                for variable, value in zip(self.optimizer.variables, fresh, strict=True):
                    variable.assign(value)
            if self._schedule is None or not snapshot.trained:
                self.optimizer.learning_rate = rate
            positions.append(dataclasses.replace(position))
            replicas.append(state.capture(self.variables))
        self.go_on(replicas, [rate for _, _, rate in sources])
        return positions

    def go_on(self, replicas: Sequence[state.Arrays], learning_rates: Sequence[float]) -> None:
        """Take over a group of replicas as they were left, each with the learning rate that a schedule scales."""
        self.replicas.restore(replicas)
        self._rates_of_group = learning_rates

    def metrics(self, subset: bool = False) -> list[dict[str, float]]:
        """Return the metrics of each replica, with normalisation statistics taken over the training set.

        Args:
            subset: Of the examples that `evaluate` wants at chosen points; of all of them where it says nothing.
        """
        return (self._partial if subset else self._evaluation).re_estimated()

    def orders(self, seeds: Sequence[int], epoch: int) -> Any:
        """Return what `run` needs to know of an epoch: the permutations of a group, on the device."""
        # Kept for the next piece of the epoch.
        if self._kept_orders[:2] != (tuple(seeds), epoch):
            orders = self.replicas.on_device([permutation(seed, epoch, self.data.examples) for seed in seeds])
            self._kept_orders = tuple(seeds), epoch, orders
        return self._kept_orders[2]

    def run(self, orders: Any, start: int, stop: int, epoch: int = 0, updates: int = 0) -> tuple[list[float], float]:
        """Make the updates between two positions of an epoch's order.

        Args:
            orders: What `orders` returned for the group.
            start: First position.
            stop: The epoch's end, or a multiple of the batch size after `start`.
            epoch: The epoch, which a schedule asks for.
            updates: Updates made before, likewise.

        Returns:
            For each replica the sum of the examples' losses, each at the weights of its own update, and the seconds in
            compiled updates.
        """
        full = (stop - start) // self.batch_size * self.batch_size
        rest = stop - start - full
        if rest and stop != self.data.examples:
            raise BatchlabError(
                f"stop: {rest} examples into an update of batch_size {self.batch_size}; "
                "choose an update's boundary or the end of an epoch"
            )
        batches = [(self.batch_size, start, start + full)] if full else []
        batches += [(rest, start + full, stop)] if rest else []
        return self.replicas.run(orders, batches, self._rates(epoch * self.data.examples, batches, updates))

    def advance(self, seeds: Sequence[int], piece: Piece, positions: Sequence[state.Position]) -> None:
        """Make the updates of a piece and move the positions, which become `diverged` when the loss is not finite.

        Each replica that is trained takes an equal share of the seconds. One that had diverged only moves on, one that
        had ended stays; what the updates make of their variables means nothing.

        Args:
            seeds: The replicas' seeds, which fix the order of the examples.
            piece: Ends at the epoch's end or a multiple of the batch size after its start.
            positions: Moved to the piece's end.
        """
        trained = [position.status == state.OK for position in positions]
        if any(trained):
            made = max(position.updates for position in positions)
            losses, seconds = self.run(self.orders(seeds, piece.epoch), piece.start, piece.stop, piece.epoch, made)
            for position, loss, counts in zip(positions, losses, trained, strict=True):
                if counts:
                    position.seconds += seconds / sum(trained)
                    if not math.isfinite(loss):
                        position.status = state.DIVERGED
        for position in positions:
            if position.status not in state.ENDED:
                position.updates += piece.updates(self.batch_size)
                position.examples = piece.end
