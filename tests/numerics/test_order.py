"""The order of the examples and the draws of trials."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from batchlab.training.order import permutation, trial_batches


def test_an_order_holds_every_example_once() -> None:
    order = permutation(seed=1, epoch=2, examples=1000)
    assert order.dtype == np.int32
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))


def test_seeds_and_epochs_have_orders_of_their_own() -> None:
    orders = {tuple(permutation(seed, epoch, 30)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


def test_the_order_is_pinned() -> None:
    # Stored results depend on it: this must never change.
    assert permutation(0, 0, 10).tolist() == [0, 8, 9, 3, 7, 5, 1, 2, 6, 4]
    assert permutation(7, 3, 10).tolist() == [7, 1, 9, 6, 0, 4, 2, 8, 3, 5]


def test_orders_are_uniform() -> None:
    first = [permutation(seed, epoch, 5)[0] for seed in range(40) for epoch in range(50)]
    assert stats.chisquare(np.bincount(first, minlength=5)).pvalue > 1e-3


def test_a_trial_draws_without_replacement() -> None:
    drawn = trial_batches(seed=0, purpose="fixed_weights", batch_size=8, trials=50, size=8, examples=20)
    assert drawn.shape == (50, 8)
    assert all(len(set(row)) == 8 for row in drawn.tolist())
    assert drawn.min() >= 0
    assert drawn.max() < 20


def test_trials_of_all_examples_are_orders() -> None:
    drawn = trial_batches(0, "same_samples", 2, 3, 12, 12)
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.tile(np.arange(12), (3, 1)))


@pytest.mark.parametrize("changed", [{"seed": 1}, {"purpose": "same_samples"}, {"batch_size": 4}])
def test_each_measurement_has_draws_of_its_own(changed: dict[str, object]) -> None:
    settings = {"seed": 0, "purpose": "fixed_weights", "batch_size": 2, "trials": 5, "size": 6, "examples": 100}
    assert not np.array_equal(trial_batches(**settings), trial_batches(**{**settings, **changed}))  # type: ignore[arg-type]


def test_trials_draw_every_pair_equally_often() -> None:
    drawn = np.sort(trial_batches(3, "fixed_weights", 2, 3000, 2, 5), axis=1)
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 10
    assert stats.chisquare(counts).pvalue > 1e-3
