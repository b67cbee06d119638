"""Evaluation and ends of arms, planned: what training is told, what is refused, and what stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
from unit.campaigns import planned

from batchlab.errors import BatchlabError
from batchlab.planning.foreseen_rows import of_training

EXAMPLES = 1297
TARGET = {"metric": "validation_accuracy", "at": 0.9}
PATIENT = {"stops_improving": "validation_loss", "patience": 3, "restore_best": True}


def specs(arms: dict[str, Any], **study: Any) -> dict[str, list[dict[str, Any]]]:
    """Return arm → the settings of its trained segments."""
    changes = {f"studies__sizes__{key}": value for key, value in study.items()}
    plan = planned(
        studies__sizes__arms=arms,
        studies__sizes__claims={},
        studies__sizes__reference={"recipe": "a"},
        run=["sizes"],
        **changes,
    )
    return {arm.recipe.arm: [segment.spec for segment in arm.chain[1:]] for arm in plan.studies["sizes"].arms}


def test_training_is_told_rule_and_end_and_an_arm_goes_before_its_study() -> None:
    found = specs(
        {"a": {"batch_size": 16}, "b": {"batch_size": 64, "evaluate": {"at": [5, 2]}, "until": PATIENT}},
        evaluate={"per_decade": 4, "unit": "updates", "subset": 100},
        until=TARGET,
    )
    [a], [b] = found["a"], found["b"]
    assert a["evaluate"] == {"per_decade": 4, "unit": "updates", "subset": 100, "begin": 0}
    assert a["until"] == {"metric": "validation_accuracy", "better": "higher", "at": 0.9}
    assert b["evaluate"] == {"at": [2, 5], "unit": "epochs", "begin": 0}
    assert b["until"] == {
        "metric": "validation_loss",
        "better": "lower",
        "patience": 3,
        "restore_best": True,
        "cap": 6 * EXAMPLES,
    }


def test_evaluating_each_epoch_is_the_default() -> None:
    plain = specs({"a": {"batch_size": 16}})
    assert specs({"a": {"batch_size": 16, "evaluate": {"every": 1}}}) == plain
    assert "evaluate" not in plain["a"][0] and "until" not in plain["a"][0]


def test_a_branch_counts_its_evaluations_from_where_it_begins() -> None:
    grid = {"per_decade": 2, "unit": "updates"}
    branch = {"from": {"arm": "a", "at": 2}, "batch_size": 64, "evaluate": grid}
    chain = specs({"a": {"batch_size": 16}, "b": branch})["b"]
    assert "evaluate" not in chain[0]
    assert chain[1]["evaluate"] == {**grid, "begin": 2 * 82}
    late = {**branch, "evaluate": {"every": 2}}
    assert specs({"a": {"batch_size": 16}, "b": late})["b"][1]["evaluate"] == {"every": 2, "unit": "epochs", "begin": 2}


def test_what_the_data_decide_is_not_foreseen() -> None:
    arms = {"a": {"batch_size": 16}, "some": {"evaluate": {"at": [3]}}, "open": {"until": TARGET}}
    plan = planned(studies__sizes__arms=arms, studies__sizes__claims={}, studies__sizes__reference={"recipe": "a"})
    recipes = {arm.recipe.arm: arm.recipe for arm in plan.studies["sizes"].arms}
    assert list(of_training(recipes["a"], range(2))["epoch"]) == list(range(7))
    assert "epoch" not in of_training(recipes["some"], range(2))
    assert "epoch" not in of_training(recipes["open"], range(2))
    texts = {arm.recipe.arm: arm.description["phases"] for arm in plan.studies["sizes"].arms}
    assert texts["open"] == "6 epochs, B = 16, lr = 0.1, until validation_accuracy ≥ 0.9"


def test_a_probe_at_the_end_measures_where_each_replica_ended() -> None:
    probes = {"norms": {"probe": "gradient_norms", "epochs": [0, "last"]}}
    changes: dict[str, Any] = {"studies__switch__arms": {"a": {"until": TARGET}}, "studies__switch__probes": probes}
    assert [epoch for _, epoch, _ in planned(**changes).studies["switch"].probes] == [0, None]
    probes["norms"]["epochs"] = [2]
    with pytest.raises(BatchlabError, match="may end before epoch 2, by its `until`; name 0 or last"):
        planned(**changes)


@pytest.mark.parametrize(
    ("recipe", "problem", "way_out"),
    [
        ({"until": {"metric": "validation_acuracy", "at": 0.9}}, "unknown metric", "validation_accuracy"),
        ({"until": {"metric": "validation_accuracy"}}, "arms.b.until", "at"),
        ({"until": {**TARGET, **PATIENT}}, "arms.b.until", "patience"),
        ({"evaluate": {"subset": 5}}, "arms.b.evaluate", "per_decade"),
        ({"evaluate": {"every": 0}}, "evaluate.every: 0", "1 or more"),
        ({"from": {"arm": "ends", "at": 2}}, "ends may end before, by its `until`", "name an arm"),
    ],
)
def test_mistakes_are_one_line(recipe: dict[str, Any], problem: str, way_out: str) -> None:
    with pytest.raises(BatchlabError) as caught:
        specs({"a": {"batch_size": 16}, "ends": {"until": TARGET}, "b": recipe})
    message = str(caught.value)
    assert "\n" not in message
    assert problem in message and way_out in message
