"""What planning foresees of the tables, against rows that are written out here and against the selection of rows."""

from __future__ import annotations

import copy
import itertools
import random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.campaigns import RAW, planned

from batchlab.configuration.campaign import load
from batchlab.errors import BatchlabError
from batchlab.planning import plan
from batchlab.planning.foreseen_rows import _holds
from batchlab.tables.conditions import close, within
from batchlab.tables.selection import select

SEEDS = (0, 1)
# Arm → its settings and the (batch size, accumulation, learning rate) at each epoch; 6 epochs, or a course of updates.
ARMS: dict[str, dict[str, Any]] = {
    "constant": {"recipe": "constant", "optimizer": "sgd", "course": [(16, 1, 0.1)] * 7},
    "grid-sgd-b16": {"recipe": "grid", "optimizer": "sgd", "course": [(16, 1, 0.1)] * 7},
    "grid-sgd-b256": {"recipe": "grid", "optimizer": "sgd", "course": [(256, 1, 0.1)] * 7},
    "grid-adam-b16": {"recipe": "grid", "optimizer": "adam", "course": [(16, 1, 0.001)] * 7},
    "grid-adam-b256": {"recipe": "grid", "optimizer": "adam", "course": [(256, 1, 0.001)] * 7},
    "switched": {"recipe": "switched", "optimizer": "sgd", "course": [(256, 4, 0.1)] * 3 + [(16, 1, 0.2)] * 4},
}
STUDY: dict[str, Any] = {
    "title": "All",
    "question": "?",
    "arms": {
        "constant": {"batch_size": "small"},
        "grid": {"optimizer": ["sgd", "adam"], "batch_size": ["small", "large"]},
        "switched": {
            "phases": [
                {"epochs": 2, "batch_size": "large", "accumulation": 4},
                {"epochs": 4, "batch_size": "small", "learning_rate": 0.2},
            ]
        },
    },
    "probes": {
        "norms": {
            "probe": "gradient_norms",
            "arms": {"recipe": ["constant", "switched"]},
            "epochs": [0, 2],
            "batch_sizes": ["small", 64],
            "methods": ["fixed_weights"],
            "seeds": 1,
        },
        "drift": {
            "probe": "weight_drift",
            "arms": {"arm": "switched"},
            "epochs": [0],
            "updates": 3,
            "accumulations": [8],
        },
        "path": {"probe": "trajectory", "epochs": ["last"], "updates": 2, "batch_sizes": ["large", 128]},
        "statistics": {"probe": "running_statistics", "arms": {"recipe": "grid"}, "epochs": [0, "last"]},
    },
}
SETTINGS = ("arm", "recipe", "dataset", "model", "optimizer", "precision", "batch_size", "accumulation")


def settings(arm: str, at: int) -> dict[str, Any]:
    """Return the settings of an arm in force at an epoch, as its rows state them."""
    size, accumulation, rate = ARMS[arm]["course"][at]
    named = {"arm": arm, "recipe": ARMS[arm]["recipe"], "optimizer": ARMS[arm]["optimizer"]}
    named |= {"dataset": "digits", "model": "mlp", "precision": "float32"}
    return {**named, "batch_size": size, "accumulation": accumulation, "learning_rate": rate}


def table(arms: Any, epochs: Any, seeds: Any, **own: Any) -> pd.DataFrame:
    """Return a row for each combination, with the settings of the arm's end beside the table's own columns."""
    rows = [
        {**settings(arm, -1), "epoch": epoch, "seed": seed, **dict(zip(own, values, strict=True))}
        for arm, epoch, seed, *values in itertools.product(arms, epochs, seeds, *own.values())
    ]
    return pd.DataFrame(rows)


GRID = [arm for arm in ARMS if arm.startswith("grid")]
TABLES = {
    "history": pd.DataFrame(
        [{**settings(arm, e), "epoch": e, "seed": s} for arm in ARMS for e in range(7) for s in SEEDS]
    ),
    "distances": pd.DataFrame(
        [{**settings(arm, e), "epoch": e, "seed": s} for arm in ARMS for e in range(7) for s in SEEDS]
    )[["arm", "recipe", "optimizer", "batch_size", "epoch", "seed"]],
    "arms": pd.DataFrame([settings(arm, -1) for arm in ARMS]),
    "summary": pd.DataFrame([settings(arm, -1) for arm in ARMS]).drop(columns=["dataset", "precision"]),
    "gradient_moments": table(["constant", "switched"], [0, 2], [0]),
    "gradient_norm_summary": table(
        ["constant", "switched"], [0, 2], [0], batch_size=[16, 64], method=["fixed_weights"]
    )[["arm", "recipe", "epoch", "seed", "batch_size", "method"]],
    "weight_drift": table(["switched"], [0], SEEDS, accumulation=[8], updates=[1, 2, 3]),
    "trajectory": table(ARMS, [6], SEEDS, batch_size=[128, 256], updates=[1, 2]),
    "running_statistics": table(GRID, [0, 6], SEEDS),
}


def plan_with(table: Any, *filters: dict[str, Any], **more: Any) -> None:
    """Plan the study with a claim for each filter, which makes one value of several rows if nothing else is said."""
    campaign = copy.deepcopy(RAW)
    texts = dict.fromkeys(("statement", "source", "published"), "")
    claim = {**texts, "test": "level", "table": table, "value": "batch_size", "expect": "less"}
    claim |= more or {"aggregate": "mean"}
    claims = {f"row{n}": {**claim, "of": of} for n, of in enumerate(filters)}
    campaign["studies"] = {"all_kinds": {**STUDY, "claims": claims}}
    plan(load(campaign))


@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_foreseen(name: str) -> None:
    rows = TABLES[name].drop_duplicates()
    plan_with(name, *rows.to_dict("records"))


@pytest.mark.parametrize("name", TABLES)
def test_filters_that_select_nothing_are_refused_and_no_others(name: str) -> None:
    rows = TABLES[name]
    everything = pd.DataFrame([{**settings(arm, e), "seed": 0} for arm in ARMS for e in range(7)])
    pairs = [
        {first: one, second: other}
        for first, second in itertools.combinations([column for column in SETTINGS if column in rows], 2)
        for one in everything[first].unique().tolist()
        for other in everything[second].unique().tolist()
    ]
    refused = 0
    for conditions in random.Random(0).sample(pairs, min(len(pairs), 60)):
        # Tables of probes may also state the setting of the arm where the probe has a column of its own.
        if not select(rows, conditions).empty:
            plan_with(name, conditions)
        elif name not in ("gradient_norm_summary", "weight_drift", "trajectory"):
            with pytest.raises(BatchlabError, match=r"claims\.row0\.of"):
                plan_with(name, conditions)
            refused += 1
    assert refused or name in ("gradient_norm_summary", "weight_drift", "trajectory")


@pytest.mark.parametrize(
    ("name", "conditions", "message"),
    [
        ("trajectory", {"updates": 3}, "updates: no row of table trajectory has 3; there will be 1, 2"),
        ("trajectory", {"epoch": 0}, "epoch: no row of table trajectory has 0; there will be 6"),
        ("weight_drift", {"accumulation": 3}, "accumulation: no row of table weight_drift has 3; there will be 1, 8"),
        ("gradient_norms", {"seed": 1}, "seed: no row of table gradient_norms has 1; there will be 0"),
        ("gradient_norms", {"method": "same_samples"}, "method: unknown method 'same_samples'"),
        ("gradient_norm_summary", {"epoch": {"min": 3}}, "epoch: no row of table gradient_norm_summary has"),
        (["trajectory", "history"], {"updates": 3}, "updates: no row of table trajectory and history has 3"),
        (["gradient_moments", "history"], {"epoch": 1}, "epoch: no row of table gradient_moments and history has 1"),
        (["history", "gradient_moments"], {"recipe": "grid"}, "recipe: unknown recipe 'grid'"),
    ],
)
def test_a_row_that_no_probe_writes_is_refused(name: Any, conditions: dict[str, Any], message: str) -> None:
    with pytest.raises(BatchlabError) as caught:
        plan_with(name, conditions)
    assert f"claims.row0.of.{message}" in str(caught.value)


def test_joined_tables_have_the_rows_of_both() -> None:
    plan_with(["trajectory", "history"], {"updates": 2, "batch_size": 128, "recipe": "grid", "seed": 1, "epoch": 6})
    plan_with(["history", "gradient_moments"], {"epoch": 2, "recipe": "switched", "seed": 0})


def test_moments_have_the_batch_size_of_their_arm_whatever_sizes_were_drawn() -> None:
    claim = dict.fromkeys(("statement", "source", "published"), "")
    claim |= {"test": "level", "table": "gradient_moments", "value": "trace", "expect": "less", "aggregate": "max"}
    planned(
        studies__switch__probes__norms__batch_sizes=[64, 256],
        studies__switch__claims={"trace": {**claim, "of": {"batch_size": "small"}}},
    )


def test_what_is_not_foreseen_is_left_to_the_table() -> None:
    plan_with("history", {"test_loss": {"max": -1}}, {"updates": 10**9}, {"epoch": "best", "seed": [0, 99]})


# Several rows of one seed


@pytest.mark.parametrize("name", ["history", "distances", "running_statistics", "gradient_norm_summary", "trajectory"])
def test_a_claim_that_selects_several_rows_of_a_seed_is_refused_and_no_other(name: str) -> None:
    rows = TABLES[name].assign(study="s")
    columns = [column for column in ("arm", "recipe", "optimizer", "epoch", "updates", "batch_size") if column in rows]
    draw = random.Random(1)
    refused = taken = 0
    for _ in range(60):
        row = rows.iloc[draw.randrange(len(rows))].to_dict()
        conditions = {column: row[column] for column in columns if draw.random() < 0.7} or {"arm": row["arm"]}
        if "epoch" in conditions and draw.random() < 0.5:
            conditions["epoch"] = "last"
        selected = select(rows, conditions)
        if selected.empty:
            continue
        if int(selected.groupby("seed").size().max()) <= 1:
            plan_with(name, conditions, test="level")
            taken += 1
        elif "batch_size" not in conditions or name in ("gradient_norm_summary", "trajectory"):
            # Which phase of an arm a row belongs to is not foreseen.
            with pytest.raises(BatchlabError, match=r"row0\.of: .* rows of one seed; narrow it"):
                plan_with(name, conditions, test="level")
            refused += 1
    assert refused > 3 and taken > 3


def test_a_condition_that_only_the_table_can_tell_is_not_refused() -> None:
    plan_with("history", {"test_accuracy": {"min": 0.95}}, {"recipe": "grid", "updates": {"max": 3}}, test="level")


def test_batch_sizes_and_cells_are_told_apart() -> None:
    sizes = {"recipe": "grid", "optimizer": "sgd", "epoch": "last"}
    plan_with("history", sizes, test="trend")
    plan_with("history", sizes, test="steps")
    plan_with("history", sizes, test="level", each=["batch_size"])
    plan_with("history", {"recipe": "grid", "epoch": "last"}, test="level", each=["optimizer", "batch_size"])
    with pytest.raises(BatchlabError, match="selects 2 rows of one seed"):
        plan_with("history", {"recipe": "grid", "epoch": "last"}, test="trend")
    with pytest.raises(BatchlabError, match="selects 2 rows of one seed"):
        plan_with("history", {"recipe": "grid", "epoch": "last"}, test="level", each=["batch_size"])


# One meaning of a condition

near = st.sampled_from((0.0, 1e-13, 1e-9, 3e-9, 2e-8, 1e-7, -1e-9, -2e-8))
numbers = st.builds(lambda base, shift: base * (1 + shift) + shift, st.sampled_from((0.0, 0.1, 1.0, 64.0, -3.0)), near)


@given(numbers, numbers, numbers)
def test_planning_and_selection_agree_on_numbers(value: float, low: float, high: float) -> None:
    frame = pd.DataFrame({"c": [value]})
    conditions: tuple[Any, ...] = (low, {"min": low}, {"max": high}, {"min": low, "max": high})
    for condition in conditions:
        assert _holds(condition, value) == (len(select(frame, {"c": condition})) == 1), condition


@given(st.sampled_from(["64", "0.1", "none", "a"]), st.sampled_from([64, 0.1, "none", "a", "64"]))
def test_planning_and_selection_agree_on_texts(value: str, condition: Any) -> None:
    frame = pd.DataFrame({"c": pd.Series([value], dtype="str")})
    assert _holds(condition, value) == (len(select(frame, {"c": condition})) == 1)


@given(st.lists(numbers, min_size=1), numbers)
def test_a_column_is_judged_value_by_value(values: list[float], wanted: float) -> None:
    column = np.array(values)
    assert close(column, wanted).tolist() == [close(value, wanted) for value in values]
    assert within(column, {"min": wanted}).tolist() == [within(value, {"min": wanted}) for value in values]


def test_equal_means_equal_in_the_digits_of_tables() -> None:
    assert close(0.1 + 0.2, 0.3) and close(1.000000001, 1.0) and not close(1.0000001, 1.0)
    assert close(float("inf"), float("inf")) and not close(float("nan"), 1.0)
    assert within(0.99999999999, {"min": 1}) and not within(0.9999, {"min": 1}) and within(5, {})
