"""Stretches of training as pieces that a compiled loop runs: consecutive updates inside one epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
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


def pieces(start: int, stop: int, examples: int, cuts: Iterable[int] = ()) -> Iterator[Piece]:
    """Cut the stretch between two positions at the ends of epochs.

    Args:
        start: Cumulative examples at the beginning.
        stop: Cumulative examples at the end.
        examples: Number of training examples.
        cuts: Rising positions at which it is cut, too.
    """
    more = iter(cuts)
    cut = next(more, stop)
    while start < stop:
        while cut <= start:
            cut = next(more, stop)
        epoch, offset = divmod(start, examples)
        end = min(stop, cut, (epoch + 1) * examples)
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
