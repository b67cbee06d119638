"""What both cores share: the way along the data's order, and a model with an optimizer that takes replicas along it."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.training import optimizers, state
from batchlab.training.order import permutation


@dataclasses.dataclass(frozen=True)
class Piece:
    """Consecutive updates inside one epoch.

    Attributes:
        epoch: The epoch, counted from 0.
        start: First position in the epoch's permutation.
        stop: Position after the last one.
        end: Cumulative examples when the piece is done.
    """

    epoch: int
    start: int
    stop: int
    end: int

    def updates(self, batch_size: int) -> int:
        """Return the number of updates; the last one may hold fewer examples."""
        return -(-(self.stop - self.start) // batch_size)


def pieces(start: int, stop: int, examples: int) -> Iterator[Piece]:
    """Cut the way from one position to another at the ends of epochs.

    Args:
        start: Cumulative examples at the beginning.
        stop: Cumulative examples at the end.
        examples: Number of training examples.
    """
    while start < stop:
        epoch, offset = divmod(start, examples)
        end = min(stop, (epoch + 1) * examples)
        yield Piece(epoch, offset, offset + end - start, end)
        start = end


def single_updates(start: int, updates: int, batch_size: int, examples: int) -> Iterator[Piece]:
    """Yield the next updates after a position, one piece each.

    Args:
        start: Cumulative examples at the beginning.
        updates: Number of updates.
        batch_size: Examples in an update; the last one of an epoch may hold fewer.
        examples: Number of training examples.
    """
    for _ in range(updates):
        piece = next(pieces(start, min(start + batch_size, (start // examples + 1) * examples), examples))
        yield piece
        start = piece.end


class Trainer(abc.ABC):
    """Trains replicas of one model on one data set; a core says how many at once.

    Args:
        spec: `model`, `optimizer`, `learning_rate`, `batch_size`, `accumulation`.
        data: The resident data set.
    """

    def __init__(self, spec: dict[str, Any], data: Resident) -> None:
        self.data = data
        self.batch_size, self.accumulation = int(spec["batch_size"]), int(spec["accumulation"])
        if self.batch_size % self.accumulation:
            raise BatchlabError(
                f"accumulation: {self.accumulation} does not divide batch_size {self.batch_size}; choose a divisor"
            )
        self.learning_rate = float(spec["learning_rate"])
        self.model = build_model(spec["model"], data.shape, data.classes)
        self._settings = spec["optimizer"]
        self.optimizer = self._new_optimizer()
        self.variables = state.variables_of(self.model, self.optimizer)
        self.compile_seconds = 0.0

    @property
    def micro(self) -> int:
        """Examples in a micro-batch."""
        return self.batch_size // self.accumulation

    def _new_optimizer(self) -> Any:
        return optimizers.build(self._settings, self.learning_rate, self.model.trainable_variables)

    @abc.abstractmethod
    def together(self, seeds: Sequence[int]) -> list[list[int]]:
        """Return the seeds in groups that are trained at once, in order."""

    def load(self, snapshot: state.Snapshot, seeds: Sequence[int]) -> list[state.Position]:
        """Take over a group of replicas from a snapshot, with this trainer's learning rate."""
        positions, replicas = [], []
        for seed in seeds:
            position = snapshot.load(seed, self.variables)
            if not snapshot.trained:
                # Fresh state may depend on the weights (schedule-free AdamW starts its average there), so it is made
                # anew.
                fresh = self._new_optimizer().variables
                for variable, value in zip(self.optimizer.variables, fresh, strict=True):
                    variable.assign(value)
            self.optimizer.learning_rate = self.learning_rate
            positions.append(dataclasses.replace(position))
            replicas.append(state.capture(self.variables))
        self.restore(replicas)
        return positions

    @abc.abstractmethod
    def restore(self, replicas: Sequence[state.Arrays]) -> None:
        """Take over a group of replicas from their variables."""

    @abc.abstractmethod
    def capture(self) -> list[state.Arrays]:
        """Return the present variables of each replica of the group."""

    @abc.abstractmethod
    def metrics(self) -> list[dict[str, float]]:
        """Return the metrics of each replica, with normalisation statistics taken over the training set."""

    def orders(self, seeds: Sequence[int], epoch: int) -> Any:
        """Return what `run` needs to know of an epoch: the permutations of a group, on the device."""
        return self._resident([permutation(seed, epoch, self.data.examples) for seed in seeds])

    @abc.abstractmethod
    def _resident(self, orders: list[Any]) -> Any:
        """Put one permutation of the training set per replica on the device."""

    @abc.abstractmethod
    def _run(self, orders: Any, batches: list[tuple[int, int, int]]) -> tuple[list[float], float]:
        """Make the updates of (batch size, first position, last position), one after the other; see `run`."""

    def run(self, orders: Any, start: int, stop: int) -> tuple[list[float], float]:
        """Make the updates between two positions of an epoch's order.

        Args:
            orders: What `orders` returned for the group.
            start: First position.
            stop: The epoch's end, or a multiple of the batch size after `start`.

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
        return self._run(orders, batches)

    def advance(self, seeds: Sequence[int], piece: Piece, positions: Sequence[state.Position]) -> None:
        """Make the updates of a piece and move the positions, which become `diverged` when the loss is not finite.

        Each replica that is trained takes an equal share of the seconds. One that had diverged only moves on; whatever
        the updates make of its variables means nothing.

        Args:
            seeds: The replicas' seeds, which fix the order of the examples.
            piece: Ends at the epoch's end or a multiple of the batch size after its start.
            positions: Moved to the piece's end.
        """
        trained = [position.status == state.OK for position in positions]
        if any(trained):
            losses, seconds = self.run(self.orders(seeds, piece.epoch), piece.start, piece.stop)
            for position, loss, counts in zip(positions, losses, trained, strict=True):
                if counts:
                    position.seconds += seconds / sum(trained)
                    if not math.isfinite(loss):
                        position.status = state.DIVERGED
        for position in positions:
            position.updates += piece.updates(self.batch_size)
            position.examples = piece.end

    @property
    @abc.abstractmethod
    def facts(self) -> dict[str, Any]:
        """What the provenance record should say about the compilation."""
