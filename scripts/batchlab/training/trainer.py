"""A model, an optimizer and the compiled updates that carry one replica after the other along the data's order."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

from batchlab import models
from batchlab.errors import BatchlabError
from batchlab.training import optimizers, state
from batchlab.training.backend import device, jit_rule, tf
from batchlab.training.order import permutation
from batchlab.training.resident import Resident
from batchlab.training.updates import Updates, compile_updates


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


class Trainer:
    """Trains replicas of one model on one data set.

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
        self.model = models.build(spec["model"], data.shape, data.classes)
        self._settings = spec["optimizer"]
        self.optimizer = self._new_optimizer()
        self.jit, self.jit_reason = jit_rule(self.model, device())
        self.variables = state.variables_of(self.model, self.optimizer)
        self._compiled: dict[int, Updates] = {}
        self.compile_seconds = 0.0

    def load(self, snapshot: state.Snapshot, seed: int) -> state.Position:
        """Put one replica of a snapshot into model and optimizer, with this trainer's learning rate."""
        position = snapshot.load(seed, self.variables)
        if not snapshot.trained:
            # Fresh state may depend on the weights (schedule-free AdamW starts its average there), so it is made anew.
            fresh = self._new_optimizer().variables
            for variable, value in zip(self.optimizer.variables, fresh, strict=True):
                variable.assign(value)
        self.optimizer.learning_rate = self.learning_rate
        return dataclasses.replace(position)

    def _new_optimizer(self) -> Any:
        return optimizers.build(self._settings, self.learning_rate, self.model.trainable_variables)

    def capture(self) -> state.Arrays:
        """Return the replica's present variables."""
        return state.capture(self.variables)

    def _updates(self, size: int) -> Updates:
        """Return the compiled updates for batches of `size` examples, compiling them off the clock."""
        if size not in self._compiled:
            clock = time.perf_counter()
            micro = self.batch_size // self.accumulation
            run = compile_updates(self.model, self.optimizer, self.data, size, micro, self.jit)
            nothing = tf.constant(0)
            run(tf.zeros((self.data.examples,), tf.int32), nothing, nothing)
            self.compile_seconds += time.perf_counter() - clock
            self._compiled[size] = run
        return self._compiled[size]

    def run(self, order: Any, start: int, stop: int) -> tuple[float, float]:
        """Make the updates between two positions of an epoch's order.

        Args:
            order: The epoch's permutation, an int32 tensor of shape (training examples,).
            start: First position.
            stop: The epoch's end, or a multiple of the batch size after `start`.

        Returns:
            The sum of the examples' losses, each at the weights of its own update, and the seconds in compiled updates.
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
        runs = [(self._updates(size), tf.constant(first), tf.constant(last)) for size, first, last in batches]
        clock = time.perf_counter()
        total = sum(float(updates(order, first, last)) for updates, first, last in runs)
        return total, time.perf_counter() - clock

    def advance(self, seed: int, piece: Piece, position: state.Position) -> None:
        """Make the updates of a piece and move the position, which becomes `diverged` when the loss is not finite.

        Args:
            seed: The replica's seed, which fixes the order of the examples.
            piece: Ends at the epoch's end or a multiple of the batch size after its start.
            position: Moved to the piece's end.
        """
        order = tf.constant(permutation(seed, piece.epoch, self.data.examples))
        total, seconds = self.run(order, piece.start, piece.stop)
        position.seconds += seconds
        self.move(piece, position)
        if not math.isfinite(total):
            position.status = state.DIVERGED

    def move(self, piece: Piece, position: state.Position) -> None:
        """Count a piece's updates and examples without training."""
        position.updates += piece.updates(self.batch_size)
        position.examples = piece.end

    @property
    def facts(self) -> dict[str, Any]:
        """What the provenance record should say about the compilation."""
        return {"jit": self.jit, "jit_reason": self.jit_reason, "compile_seconds": round(self.compile_seconds, 3)}
