"""The promises of branches: one trunk, whatever branches off it, and what a branch takes from it."""

from __future__ import annotations

from typing import Any

import pytest
from unit.campaigns import planned

from batchlab.errors import BatchlabError
from batchlab.planning.parts import Arm, Plan

EXAMPLES = 1297  # of digits; 82 updates an epoch at B = 16
SWEEP = {
    "trunk": {"optimizer": "adam", "batch_size": 16},
    "branch": {
        "from": {"arm": "trunk", "at": [1, 3]},
        "batch_size_factor": [1, 4, 16],
        "learning_rate_rule": ["linear", "sqrt"],
        "updates": 20,
    },
}


def sweep(arms: dict[str, Any], **changes: Any) -> Plan:
    """Return the plan in which the study `sizes` has these arms and no claim about others."""
    return planned(
        studies__sizes__arms=arms,
        studies__sizes__claims={},
        studies__sizes__reference={"recipe": "trunk"},
        run=["sizes"],
        **changes,
    )


def arms_of(plan: Plan, study: str = "sizes") -> dict[str, Arm]:
    return {arm.recipe.arm: arm for arm in plan.studies[study].arms}


def trained(arm: Arm) -> list[tuple[int, int]]:
    return [(segment.spec["start"], segment.spec["stop"]) for segment in arm.chain[1:]]


def test_the_trunk_is_trained_once_whatever_the_number_of_branches() -> None:
    plan = sweep(SWEEP)
    arms = arms_of(plan)
    trunk = arms.pop("trunk")
    assert trained(trunk) == [(0, EXAMPLES), (EXAMPLES, 3 * EXAMPLES), (3 * EXAMPLES, 6 * EXAMPLES)]
    assert len(arms) == 2 * 3 * 2
    for name, arm in arms.items():
        before = 1 if "-at1-" in name else 2
        assert arm.chain[: 1 + before] == trunk.chain[: 1 + before]
        assert len(arm.chain) == before + 2
    # Initial weights, three pieces of the trunk, and a piece for each age, size and rate: both rules agree at k = 1.
    assert len(plan.segments) == 1 + 3 + 2 * (1 + 2 * 2)


def test_rates_and_sizes_are_multiples_of_those_of_the_trunk() -> None:
    found = {
        name: (arm.recipe.phases[-1].batch_size, arm.recipe.phases[-1].learning_rate)
        for name, arm in arms_of(sweep(SWEEP)).items()
        if name.startswith("branch-at3")
    }
    assert found == {
        "branch-at3-bx1-linear": (16, 0.001),
        "branch-at3-bx1-sqrt": (16, 0.001),
        "branch-at3-bx4-linear": (64, 0.004),
        "branch-at3-bx4-sqrt": (64, 0.002),
        "branch-at3-bx16-linear": (256, 0.016),
        "branch-at3-bx16-sqrt": (256, 0.004),
    }


def test_a_branch_begins_after_updates_within_an_epoch() -> None:
    late = {"from": {"arm": "trunk", "at": 100, "unit": "updates"}, "updates": 3, "batch_size": 64}
    arms = arms_of(sweep({"trunk": {"batch_size": 16}, "late": late}))
    begin = EXAMPLES + (100 - 82) * 16
    assert trained(arms["trunk"]) == [(0, begin), (begin, 6 * EXAMPLES)]
    assert trained(arms["late"]) == [(0, begin), (begin, begin + 3 * 64)]
    assert arms["late"].description["branch_epoch"] == begin / EXAMPLES
    assert arms["late"].description["branch_updates"] == 100
    assert arms["late"].description["trunk"] == "trunk"
    assert arms["trunk"].description["trunk"] is None


def test_a_branch_goes_on_to_the_end_of_its_trunk_by_default() -> None:
    arms = arms_of(sweep({"trunk": {"batch_size": 16}, "other": {"from": {"arm": "trunk", "at": 2}, "batch_size": 64}}))
    assert arms["other"].recipe.last_epoch == arms["trunk"].recipe.last_epoch == 6
    assert trained(arms["other"])[-1] == (2 * EXAMPLES, 6 * EXAMPLES)


def test_a_branch_of_a_branch_and_of_the_beginning() -> None:
    arms = arms_of(
        sweep(
            {
                "trunk": {"batch_size": 16},
                "second": {"from": {"arm": "trunk", "at": 2}, "batch_size": 64},
                "third": {"from": {"arm": "second", "at": 4}, "batch_size": 256, "epochs": 1},
                "none": {"from": {"arm": "trunk", "at": 0}, "batch_size": 64, "epochs": 1},
            }
        )
    )
    assert trained(arms["second"]) == [(0, 2 * EXAMPLES), (2 * EXAMPLES, 4 * EXAMPLES), (4 * EXAMPLES, 6 * EXAMPLES)]
    assert arms["third"].chain[:3] == arms["second"].chain[:3]
    assert [segment.spec.get("batch_size") for segment in arms["third"].chain] == [None, 16, 64, 256]
    assert trained(arms["none"]) == [(0, EXAMPLES)]


def test_a_trunk_of_another_study_is_shared_at_its_snapshots() -> None:
    changes: dict[str, Any] = {
        "studies__switch__probes": {},
        "studies__switch__snapshots": [3],
        "studies__switch__arms": {
            "trunk": {"from": {"arm": "sizes.fixed-b16", "at": 3}, "batch_size": 64},
            "early": {"from": {"arm": "sizes.fixed-b16", "at": 2}, "batch_size": 64},
        },
    }
    apart = planned(**changes)
    assert arms_of(apart)["fixed-b16"].chain == arms_of(planned())["fixed-b16"].chain
    together = planned(**changes, studies__sizes__snapshots=[3])
    fixed = arms_of(together)["fixed-b16"].chain
    assert arms_of(together, "switch")["trunk"].chain[:2] == fixed[:2]
    assert arms_of(together, "switch")["trunk"].description["trunk"] == "sizes.fixed-b16"
    alone = planned(**changes, studies__sizes__snapshots=[3], run=["switch"])
    assert arms_of(alone, "switch")["trunk"].chain == arms_of(together, "switch")["trunk"].chain


def test_a_schedule_of_the_trunk_keeps_its_length_before_the_branch() -> None:
    trunk = {"batch_size": 16, "schedule": {"name": "cosine"}}
    branch = {"from": {"arm": "trunk", "at": 2}, "learning_rate": 0.05, "schedule": {"name": "linear"}, "epochs": 1}
    chain = arms_of(sweep({"trunk": trunk, "branch": branch}))["branch"].chain
    first, second = (segment.spec["schedule"] for segment in chain[1:])
    assert (first["name"], first["begin"], first["length"]) == ("cosine", 0, 6 * EXAMPLES)
    assert (second["name"], second["begin"], second["length"]) == ("linear", 2 * EXAMPLES, EXAMPLES)


def test_hyperparameters_that_a_rule_changed_go_on() -> None:
    optimizers = {"sgd": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}}
    trunk = {"batch_size": 32, "other_rules": ["half_life"]}
    same = {"from": {"arm": "trunk", "at": 2}, "epochs": 1}
    chain = arms_of(sweep({"trunk": trunk, "same": same}, optimizers=optimizers))["same"].chain
    assert [segment.spec["optimizer"]["momentum"] for segment in chain[1:]] == [pytest.approx(0.81)] * 2


SCHEDULED = {"batch_size": 16, "schedule": {"name": "cosine"}}


@pytest.mark.parametrize(
    ("branch", "problem", "way_out"),
    [
        ({"from": {"arm": "trunc", "at": 1}}, "unknown arm 'trunc'", "trunk"),
        ({"from": {"arm": "siezs.trunk", "at": 1}}, "unknown study 'siezs'", "sizes"),
        ({"from": {"arm": "grid", "at": 1}}, "unknown arm 'grid'", "grid-b16"),
        ({"from": {"arm": "branch", "at": 1}}, "branches off this arm", "name another"),
        ({"from": {"arm": "trunk", "at": 7}}, "from.at: trunk ends after 6 epochs", "earlier snapshot"),
        ({"from": {"arm": "trunk", "at": 500, "unit": "updates"}, "updates": 1}, "trunk ends earlier", "earlier"),
        ({"from": {"arm": "trunk", "at": 5, "unit": "updates"}}, "how long it goes on", "epochs or updates"),
        ({"from": {"arm": "trunk", "at": 5, "unit": "updates"}, "epochs": 1}, "within an epoch", "give updates"),
        ({"from": {"arm": "trunk", "at": 6}}, "how long it goes on", "epochs or updates"),
        (
            {"from": {"arm": "trunk", "at": 1}, "optimizer": "adam"},
            "branch.optimizer: a branch goes on with that",
            "take it out",
        ),
        ({"from": {"arm": "scheduled", "at": 1}}, "scheduled follows a schedule", "learning_rate"),
        ({"from": {"arm": "trunk"}}, "'at' is missing", "config/README.md"),
        ({"from": {"arm": "trunk", "at": -1}}, "from.at: -1", "0 or more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes_are_one_line(branch: dict[str, Any], problem: str, way_out: str) -> None:
    arms = {"trunk": {"batch_size": 16}, "grid": {"batch_size": [16, 64]}, "scheduled": SCHEDULED, "branch": branch}
    with pytest.raises(BatchlabError) as caught:
        sweep(arms)
    message = str(caught.value)
    assert "\n" not in message
    assert problem in message and way_out in message
