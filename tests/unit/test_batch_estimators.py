"""Derived tables of critical batch sizes, on data whose critical batch size is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batchlab.errors import BatchlabError
from batchlab.tables.derivations.adaptive_rules.derive import derive as adaptive_rules
from batchlab.tables.derivations.batch_estimators.derive import derive as batch_estimators
from batchlab.tables.derivations.branch_limits.derive import derive as branch_limits
from batchlab.tables.derivations.branch_limits.derive import limit
from batchlab.tables.derivations.branch_losses.derive import derive as branch_losses
from batchlab.tables.derivations.branched_batch.derive import critical
from batchlab.tables.derivations.branched_batch.derive import derive as branched_batch
from batchlab.tables.derivations.hyperbola.derive import derive as hyperbola
from batchlab.tables.derivations.hyperbola_curve.derive import derive as hyperbola_curve

WORKLOAD = {"study": "s", "dataset": "d", "model": "m", "optimizer": "o"}
SIZES = [1, 4, 16, 64, 256, 1024]


def tuned(critical_batch: float, scatter: float, seeds: int = 3, reached: int = 1024) -> pd.DataFrame:
    """Return updates to a target by E/E_min and S/S_min of a known hyperbola, with multiplicative scatter."""
    random = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        for size in SIZES:
            updates = 200 * (1 + critical_batch / size) * math.exp(scatter * random.normal())
            there = {"updates": updates, "examples": updates * size, "reached": int(size <= reached), "grid_end": ""}
            there["epoch"] = updates * size / 1000
            rows.append({**WORKLOAD, "seed": seed, "batch_size": size, **there})
    return pd.DataFrame(rows)


def test_the_hyperbola_has_the_critical_batch_size_that_the_runs_were_made_with() -> None:
    table = hyperbola({"tuned_runs": tuned(50, 0.0)}, {})
    np.testing.assert_allclose(table["critical_batch"], 50, rtol=1e-6)
    np.testing.assert_allclose(table["minimal_updates"], 200, rtol=1e-6)
    np.testing.assert_allclose(table["minimal_examples"], 200 * 50, rtol=1e-6)
    product = (table["updates"] / table["minimal_updates"] - 1) * (table["examples"] / table["minimal_examples"] - 1)
    np.testing.assert_allclose(product, 1, rtol=1e-5)
    scattered = hyperbola({"tuned_runs": tuned(50, 0.05, seeds=20)}, {}).drop_duplicates("seed")
    assert scattered["critical_batch"].nunique() == 20
    assert np.log(scattered["critical_batch"]).mean() == pytest.approx(math.log(50), abs=0.1)


def test_runs_that_missed_the_target_are_not_fitted_and_no_bend_is_not_determined() -> None:
    missed = tuned(50, 0.0, reached=256)
    missed.loc[missed["reached"] == 0, "updates"] = 3.0
    np.testing.assert_allclose(hyperbola({"tuned_runs": missed}, {})["critical_batch"], 50, rtol=1e-6)
    straight = tuned(50, 0.0).assign(updates=lambda table: 1e4 / table["batch_size"])
    assert hyperbola({"tuned_runs": straight}, {})["critical_batch"].isna().all()


def test_a_fit_through_a_rate_at_an_end_of_its_grid_is_marked_for_its_seed() -> None:
    runs = tuned(50, 0.0)
    runs.loc[(runs["seed"] == 1) & (runs["batch_size"] == 64), "grid_end"] = "high"
    marked = hyperbola({"tuned_runs": runs}, {}).groupby("seed")["fit_ends"].unique()
    assert {seed: list(ends) for seed, ends in marked.items()} == {0: [""], 1: ["both"], 2: [""]}


def test_the_curve_of_all_seeds_is_that_of_their_means() -> None:
    table = hyperbola_curve({"hyperbola": hyperbola({"tuned_runs": tuned(50, 0.0, reached=256)}, {})}, {})
    assert list(table["batch_size"]) == [1, 4, 16, 64, 256]
    np.testing.assert_allclose(table["examples"], table["updates"] * table["batch_size"])
    np.testing.assert_allclose(table["fitted_examples"], table["examples"], rtol=1e-5)


def branches(limit: int, seeds: int, scatter: float, diverged: int = 10**9) -> pd.DataFrame:
    """Return losses, one row for each seed, that are the same up to a batch size and rise with √B beyond it."""
    random = np.random.default_rng(1)
    own = np.exp(0.5 * random.normal(size=seeds))
    return pd.DataFrame(
        {
            size: np.where(size >= diverged, np.nan, own * max(1.0, (size / limit) ** 0.5))
            * np.exp(scatter * random.normal(size=seeds))
            for size in SIZES
        }
    )


@pytest.mark.parametrize(("limit", "above"), [(1, 4), (16, 64), (256, 1024), (1024, math.nan)])
def test_the_branched_batch_size_is_where_losses_begin_to_rise(limit: int, above: float) -> None:
    found = critical(branches(limit, 5, 0.005), 0.05)
    np.testing.assert_equal(found, (limit, above))


def test_what_seeds_cannot_tell_is_neither_as_good_nor_worse() -> None:
    best, above = critical(branches(16, 3, 0.2), 0.05)
    assert best == 1
    assert math.isnan(above) or above >= 64
    assert critical(branches(16, 1, 0.0), 0.05)[0] == 1
    np.testing.assert_equal(critical(branches(1024, 5, 0.001, diverged=64), 0.05), (16, 64))


def history(ends: dict[tuple[int, float, int], tuple[float, str]]) -> dict[str, pd.DataFrame]:
    """Return history and arms of branches off a trunk: (B, age, seed) → last loss and status."""
    rows: list[dict[str, Any]] = [
        {**WORKLOAD, "arm": "trunk", "seed": 0, "epoch": 9.0, "batch_size": 1, "train_loss": 0.1, "status": "ok"}
    ]
    arms: dict[str, dict[str, Any]] = {"trunk": {"study": "s", "arm": "trunk", "trunk": None, "branch_epoch": math.nan}}
    for (size, age, seed), (loss, status) in ends.items():
        arm = f"branch-{size}-{age}"
        arms[arm] = {"study": "s", "arm": arm, "trunk": "trunk", "branch_epoch": age}
        own = {**WORKLOAD, "arm": arm, "seed": seed, "batch_size": size, "learning_rate": 0.1}
        rows += [
            {**own, "epoch": age, "train_loss": 5.0, "status": "ok"},
            {**own, "epoch": age + 2, "train_loss": loss, "status": status},
        ]
    return {"history": pd.DataFrame(rows).assign(learning_rate_rule="linear"), "arms": pd.DataFrame(arms.values())}


def test_losses_of_branches_stand_beside_that_of_the_smallest_batch() -> None:
    ends = {
        (4, 1.0, 0): (0.5, "ok"),
        (16, 1.0, 0): (0.6, "ok"),
        (4, 3.0, 0): (0.2, "ok"),
        (64, 3.0, 0): (math.nan, "diverged"),
    }
    table = branch_losses(history(ends), {"loss": "train_loss"}).set_index(["epoch", "batch_size"]).sort_index()
    assert list(table["factor"]) == [1, 4, 1, 16]
    assert list(table["loss_over_smallest"])[:3] == pytest.approx([1, 1.2, 1])
    assert math.isnan(table["loss_over_smallest"].iloc[3])
    ages = branched_batch({"branch_losses": table.reset_index()}, {"margin": 0.05})
    assert list(ages["epoch"]) == [1.0, 3.0]
    np.testing.assert_equal(list(ages["branched_batch_above"]), [math.nan, 64.0])


def test_branches_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(BatchlabError, match="no arm branches off"):
        branch_losses(history({}), {"loss": "train_loss"})
    longer = history({(4, 1.0, 0): (0.5, "ok"), (16, 1.0, 0): (0.6, "ok")})
    longer["history"].loc[lambda rows: (rows["batch_size"] == 16) & (rows["epoch"] == 3), "epoch"] = 4.0
    with pytest.raises(BatchlabError, match="different numbers of epochs"):
        branch_losses(longer, {"loss": "train_loss"})


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([1, 1.05**0.5, 1.05**1.5, 2], 4 * 4**0.5),  # half of the way between the logarithms at 4 and at 16
        ([1, 1.2, 1.01, 1.3], 4 ** (math.log(1.05) / math.log(1.2))),  # the first crossing counts
        ([1, 1.0, 1.0, math.nan], 16),  # a run that diverged is lost at once
        ([1, 1.0, 1.02, 0.9], math.nan),
        ([math.nan] * 4, math.nan),
    ],
)
def test_each_seed_has_the_batch_size_at_which_its_branches_begin_to_lose(ratios: list[float], expected: float) -> None:
    assert limit([1, 4, 16, 64], ratios, 0.05) == pytest.approx(expected, nan_ok=True)
    age = {"study": "s", "trunk": "t", "epoch": 1.0, "learning_rate_rule": "linear", "seed": 0}
    rows = [{**age, "batch_size": 4**power, "loss_over_smallest": ratio} for power, ratio in enumerate(ratios)]
    table = branch_limits({"branch_losses": pd.DataFrame(rows[::-1])}, {"tolerance": 0.05})
    assert table["branch_limit"].item() == pytest.approx(expected, nan_ok=True) and table["tried"].item() == 64


def noise(arms: int = 1) -> pd.DataFrame:
    rows = [
        {"study": "s", "arm": f"a{arm}", "epoch": epoch, "seed": 0, "estimator": estimator, "noise_scale": value}
        for arm in range(arms)
        for epoch in (1.0, 5.0)
        for estimator, value in (("all_examples", 40.0 * epoch), ("two_batch_sizes", math.nan))
    ]
    return pd.DataFrame(rows).assign(batch_size=4, probe="scale")


def test_all_estimators_stand_at_the_same_snapshots() -> None:
    one = {"study": "s", "arm": "a0", "epoch": 1.0, "seed": 0}
    tables = {
        "noise_scale": noise(),
        "one_step_fit": pd.DataFrame([{**one, "step_noise": 30.0}]),
        "branched_batch": pd.DataFrame([{"study": "s", "trunk": "a0", "epoch": 5.0, "branched_batch": 64.0}]),
        "branch_limits": pd.DataFrame([{"study": "s", "trunk": "a0", "epoch": 5.0, "seed": 0, "branch_limit": 70.0}]),
        "hyperbola": hyperbola({"tuned_runs": tuned(50, 0.0)}, {}),
    }
    table = batch_estimators(tables, {})
    found = {(row["quantity"], row["epoch"]): row["batch_estimate"] for row in table.to_dict("records")}
    assert found["all_examples", 5.0] == 200 and math.isnan(found["two_batch_sizes", 1.0])
    assert (found["one_step", 1.0], found["branches", 5.0], found["branch_limits", 5.0]) == (30, 64, 70)
    # 200 (1 + 50 / 4) updates of 4 examples are 10.8 epochs of 1,000, two digits of it.
    at_the_target = table[table["quantity"] == "hyperbola"]
    np.testing.assert_allclose(at_the_target["batch_estimate"], 50, rtol=1e-6)
    assert list(at_the_target["epoch"]) == [11, 11, 11]
    with pytest.raises(BatchlabError, match="noise_scale was measured at several arms"):
        batch_estimators({**tables, "noise_scale": noise(arms=2)}, {})


def test_the_share_of_the_training_set_is_that_of_each_run() -> None:
    """Two data sets in one study, the second a quarter of the first."""
    frame = pd.concat([noise().assign(arm="whole"), noise().assign(arm="quarter")], ignore_index=True)
    rows = frame[["study", "arm", "epoch", "probe", "seed"]].assign(estimator="all_examples")
    drawn = rows.assign(examples_drawn=rows["arm"].map({"whole": 1280, "quarter": 320}))
    table = adaptive_rules({"noise_scale": frame, "noise_draws": drawn}, {"norm_tolerance": 0.5})
    found = table[table["rule"] == "noise_scale"]
    sizes = found["arm"].map({"whole": 1280, "quarter": 320})
    np.testing.assert_allclose(found["share"], found["adapted_batch"] / sizes)
    assert len(found) and set(found["arm"]) == {"whole", "quarter"}


def test_adaptive_rules_are_formulas_of_one_number() -> None:
    draws = noise().assign(examples_drawn=lambda rows: np.where(rows["estimator"] == "all_examples", 1000, 64))
    table = adaptive_rules({"noise_scale": noise(), "noise_draws": draws}, {"norm_tolerance": 0.1})
    late = table[table["epoch"] == 5].set_index("rule")
    assert late["adapted_batch"].to_dict() == pytest.approx({"noise_scale": 200, "norm_test": 20_000, "diversity": 201})
    assert late["share"].to_dict() == pytest.approx({"noise_scale": 0.2, "norm_test": 20, "diversity": 0.201})
