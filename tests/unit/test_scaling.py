"""Rules of hyperparameters against values worked out by hand from their publications."""

from __future__ import annotations

import math
from typing import Any

import pytest
from unit.campaigns import planned

from batchlab.declarations import find
from batchlab.errors import BatchlabError
from batchlab.planning.parts import Segment

ADAM = {"name": "adam", "learning_rate": 0.001}


def last_segment(batch_size: int, optimizer: dict[str, Any], **recipe: Any) -> Segment:
    """Return the last segment of an arm whose reference batch size is 16."""
    plan = planned(
        optimizers__mine=optimizer,
        studies__sizes__arms={"a": {"batch_size": batch_size, "optimizer": "mine", **recipe}},
        studies__sizes__claims={},
        studies__sizes__reference={"recipe": "a"},
    )
    return plan.studies["sizes"].arms[0].chain[-1]


# Rule, batch size (κ = B / 16), optimizer, and the hyperparameters that come out.
CASES: list[tuple[dict[str, Any], int, dict[str, Any], dict[str, float]]] = [
    ({"learning_rate_rule": "linear"}, 64, ADAM, {"learning_rate": 0.004}),
    ({"learning_rate_rule": "sqrt"}, 64, ADAM, {"learning_rate": 0.002}),
    ({"learning_rate_rule": {"name": "power", "exponent": 0.25}}, 256, ADAM, {"learning_rate": 0.002}),
    # Li et al. 2024: the same height at peak / c and peak · c; at the peak √(peak / 16) + √(16 / peak) = 2.5 over 2.
    ({"learning_rate_rule": {"name": "surge", "peak": 64}}, 256, ADAM, {"learning_rate": 0.001}),
    ({"learning_rate_rule": {"name": "surge", "peak": 64}}, 64, ADAM, {"learning_rate": 0.00125}),
    # Malladi et al. 2022: η √κ, 1 − κ (1 − β), ε / √κ.
    (
        {"learning_rate_rule": "malladi"},
        64,
        ADAM,
        {"learning_rate": 0.002, "beta_1": 0.6, "beta_2": 0.996, "epsilon": 5e-8},
    ),
    # Marek et al. 2025: the half-life ln ½ / ln β counts updates, so β^κ keeps it in examples.
    (
        {"other_rules": [{"name": "half_life", "of": ["beta_2"]}]},
        64,
        ADAM,
        {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999**4},
    ),
    # ½ ^ (B / 64), whatever the optimizer's own momentum.
    (
        {"other_rules": [{"name": "half_life", "of": ["momentum"], "examples": 64}]},
        128,
        {"name": "sgd", "learning_rate": 0.1},
        {"momentum": 0.25},
    ),
    ({"other_rules": ["half_life"]}, 32, {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}, {"momentum": 0.81}),
    # Wang & Aitchison 2024: B / (η λ) stays.
    (
        {"learning_rate_rule": "sqrt", "other_rules": ["time_scale"]},
        64,
        {"name": "adamw", "learning_rate": 0.001, "weight_decay": 0.1},
        {"learning_rate": 0.002, "weight_decay": 0.2},
    ),
]


@pytest.mark.parametrize(("recipe", "batch_size", "optimizer", "expected"), CASES, ids=[str(case[0]) for case in CASES])
def test_hyperparameters_follow_the_batch_size(
    recipe: dict[str, Any], batch_size: int, optimizer: dict[str, Any], expected: dict[str, float]
) -> None:
    spec = last_segment(batch_size, optimizer, **recipe).spec
    found = {**spec["optimizer"], "learning_rate": spec["learning_rate"]}
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("rule", sorted(find.rules()))
def test_nothing_changes_at_the_reference(rule: str) -> None:
    needed = {"power": {"exponent": 0.7}, "surge": {"peak": 100}}
    value = {"name": rule, **needed[rule]} if rule in needed else rule
    plain = last_segment(16, {**ADAM, "weight_decay": 0.01})
    for key, given in (("learning_rate_rule", value), ("other_rules", [value])):
        assert last_segment(16, {**ADAM, "weight_decay": 0.01}, **{key: given}) == plain


def test_half_life_in_examples_is_kept() -> None:
    def half_life(batch_size: int) -> float:
        spec = last_segment(batch_size, ADAM, other_rules=["half_life"]).spec
        return batch_size * math.log(0.5) / math.log(spec["optimizer"]["beta_2"])

    assert half_life(1024) == pytest.approx(half_life(16), rel=1e-9)


def test_a_rule_that_makes_the_impossible_is_refused() -> None:
    with pytest.raises(BatchlabError, match=r"beta_1 comes out as -0\.6 at B = 256; .*reference \(16\)"):
        last_segment(256, ADAM, learning_rate_rule="malladi")


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"learning_rate_rule": "squrt"}, "squrt"),
        ({"learning_rate_rule": {"name": "power"}}, "exponent"),
        ({"learning_rate_rule": {"name": "power", "exponent": 1, "peak": 3}}, "peak"),
        ({"schedule": {"name": "cosin"}}, "cosine"),
        ({"schedule": {"name": "cosine", "warmup": 6}}, "leave nothing of 6"),
        ({"schedule": {"name": "table", "at": [0, 2], "shares": [1]}}, "lists of one length"),
        ({"schedule": {"name": "table", "at": [2, 1], "shares": [1, 0.5]}}, "does not rise"),
        ({"schedule": {"name": "constant", "momentum_correction": True}}, "only sgd with momentum"),
    ],
    ids=lambda value: str(value),
)
def test_a_mistake_is_one_line(recipe: dict[str, Any], message: str) -> None:
    with pytest.raises(BatchlabError, match=message):
        last_segment(64, ADAM, **recipe)


def test_a_grid_of_rules_names_its_arms() -> None:
    rules = ["linear", {"name": "power", "exponent": 0.7}]
    plan = planned(
        studies__sizes__arms={"a": {"batch_size": 64, "learning_rate_rule": rules}},
        studies__sizes__claims={},
        studies__sizes__reference={"learning_rate_rule": "linear"},
    )
    arms = plan.studies["sizes"].arms
    assert [arm.recipe.arm for arm in arms] == ["a-linear", "a-power-exponent0.7"]
    assert [arm.recipe.rule for arm in arms] == ["linear", "power-exponent0.7"]


def test_a_schedule_without_an_end_shares_its_beginning_with_a_longer_arm() -> None:
    def chain(schedule: dict[str, Any]) -> list[set[str]]:
        plan = planned(
            studies__sizes__arms={"a": {"epochs": 2, "schedule": schedule}, "b": {"epochs": 4, "schedule": schedule}},
            studies__sizes__snapshots=[2],
            studies__sizes__claims={},
            studies__sizes__reference={"recipe": "a"},
        )
        return [{segment.name for segment in arm.chain} for arm in plan.studies["sizes"].arms]

    first, second = chain({"name": "step", "at": [1]})
    assert first < second
    first, second = chain({"name": "linear"})
    assert len(first & second) == 1  # the initial weights


def test_a_probe_uses_the_rate_of_its_place() -> None:
    plan = planned(
        studies__switch__arms={"a": {"schedule": {"name": "linear", "to": 0.5}}},
        studies__switch__probes={"norms": {"probe": "gradient_norms", "epochs": [0, 3, "last"]}},
    )
    rates = [probe.spec["learning_rate"] for _, _, probe in plan.studies["switch"].probes]
    assert rates == pytest.approx([0.1, 0.075, 0.05])


def test_a_probe_before_a_scheduled_phase_uses_the_rate_without_it() -> None:
    warm = {"name": "constant", "warmup": 2}
    plan = planned(
        studies__switch__arms={"a": {"phases": [{"epochs": 2}, {"epochs": 4, "schedule": warm}]}},
        studies__switch__probes={"norms": {"probe": "gradient_norms", "epochs": [0, 1, 3, "last"]}},
    )
    rates = [probe.spec["learning_rate"] for _, _, probe in plan.studies["switch"].probes]
    assert rates[0] == rates[1] == rates[-1] == 0.1 and 0 < rates[2] < 0.1
