"""Positions against a loop that walks batch by batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from batchlab.planning.positions import advance, updates_per_epoch


def walk(position: int, updates: int, batch_size: int, examples: int) -> int:
    for _ in range(updates):
        left = examples - position % examples
        position += min(batch_size, left)
    return position


@given(st.integers(0, 300), st.integers(0, 80), st.integers(1, 40), st.integers(1, 50))
def test_advance_is_the_walk(start: int, updates: int, batch_size: int, examples: int) -> None:
    assert advance(start, updates, batch_size, examples) == walk(start, updates, batch_size, examples)


def test_an_epoch_of_mnist() -> None:
    assert updates_per_epoch(60_000, 64) == 938
    assert advance(0, 938, 64, 60_000) == 60_000
