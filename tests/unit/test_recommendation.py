"""The recommended batch size and learning rate, on tables whose answer is known."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from batchlab.errors import BatchlabError
from batchlab.tables.derivations.recommendation.derive import derive

OPTIONS = {
    "choose": "validation_accuracy",
    "tell": "test_accuracy",
    "columns": {
        "validation_accuracy": {"better": "higher"},
        "test_accuracy": {"title": "test accuracy", "unit": "%", "factor": 100, "bounds": [0, 1], "better": "higher"},
    },
}


def history(values: dict[tuple[int, float], list[tuple[float, float]]]) -> pd.DataFrame:
    """Return history of two epochs: (B, rate) → (validation, test) of each seed at the end."""
    rows = []
    for (size, rate), ends in values.items():
        for seed, (validation, test) in enumerate(ends):
            common = {"study": "choice", "arm": f"a-b{size}-lr{rate}", "seed": seed, "batch_size": size}
            common["learning_rate"] = rate
            for epoch, factor in ((1, 0.5), (2, 1.0)):
                rows.append(
                    {
                        **common,
                        "epoch": epoch,
                        "updates": epoch * 64 // size,
                        "validation_accuracy": validation * factor,
                        "test_accuracy": test * factor,
                    }
                )
    return pd.DataFrame(rows)


def test_the_rate_of_each_seed_is_chosen_by_the_others() -> None:
    """Rate 0.1 is best on average (0.9 against 0.8), but without seed 0 it is 0.85 and 0.9 wins for that seed."""
    table = derive(
        {
            "history": history(
                {
                    (16, 0.1): [(1.0, 0.99), (0.85, 0.80), (0.85, 0.81)],
                    (16, 0.2): [(0.60, 0.50), (0.90, 0.70), (0.90, 0.71)],
                }
            )
        },
        OPTIONS,
    )
    [row] = table.to_dict("records")
    assert row["learning_rate"] == 0.1 and row["chosen"] == pytest.approx(0.9)
    # Seed 0: the others' means are 0.85 and 0.90, so rate 0.2 (test 0.50). Seeds 1, 2: 0.925 and 0.75, so rate 0.1.
    assert row["mean"] == pytest.approx((0.50 + 0.80 + 0.81) / 3)


def test_the_best_size_is_recommended_and_others_are_told_apart_or_not() -> None:
    table = derive(
        {
            "history": history(
                {
                    (8, 0.1): [(0.95, 0.94), (0.96, 0.95), (0.95, 0.96)],
                    (8, 0.3): [(0.90, 0.90), (0.90, 0.90), (0.90, 0.90)],
                    (8, 0.01): [(0.80, 0.90), (0.80, 0.90), (0.80, 0.90)],
                    (16, 0.1): [(0.94, 0.95), (0.95, 0.94), (0.94, 0.96)],
                    (32, 0.1): [(0.70, 0.70), (0.71, 0.71), (0.70, 0.70)],
                }
            )
        },
        OPTIONS,
    ).set_index("batch_size")
    assert list(table["recommended"]) == [1, 0, 0]
    assert table.loc[32, "below_low"] > 0 > table.loc[16, "below_low"]
    advice = table.loc[8, "advice"]
    assert advice.startswith("Take B = 8 with learning rate 0.1: test accuracy 95.0 % [92.5, 97.5], 3 seeds.")
    assert "B = 16, at its best rate, cannot be told apart from it; B = 16 makes 8 updates instead of 16." in advice
    assert "B = 32 ends lower." in advice and "of the grid" not in advice
    assert list(table.loc[[16, 32], "advice"]) == ["", ""]


def test_a_rate_at_the_edge_of_the_grid_and_a_rate_that_diverges() -> None:
    nan = math.nan
    table = derive(
        {"history": history({(8, 0.1): [(0.9, 0.9), (0.9, 0.9)], (8, 1.0): [(0.99, 0.99), (nan, nan)]})}, OPTIONS
    )
    assert table.loc[0, "learning_rate"] == 0.1
    assert "0.1 is the lowest rate of the grid: try lower ones" in table.loc[0, "advice"]
    with pytest.raises(BatchlabError, match="no run ended with finite values"):
        derive({"history": history({(8, 1.0): [(nan, nan)]})}, OPTIONS)


def test_of_equals_a_rate_inside_the_grid_is_taken_and_then_the_larger_size() -> None:
    full = [(1.0, 0.9), (1.0, 0.9)]
    less = [(0.8, 0.9), (0.8, 0.9)]
    values = {(8, 0.1): less, (8, 0.3): full, (8, 1.0): less, (16, 0.3): full, (16, 1.0): less, (32, 1.0): full}
    table = derive({"history": history(values)}, OPTIONS)
    assert list(table.loc[table["recommended"] == 1, "batch_size"]) == [16]


def test_what_is_told_has_a_direction_of_its_own() -> None:
    """The lowest loss chooses, and the accuracy that is told is better if it is higher."""
    rows = [
        {
            "study": "s",
            "arm": f"b{size}",
            "batch_size": size,
            "learning_rate": 0.1,
            "seed": seed,
            "epoch": 1.0,
            "updates": 9,
        }
        | {"validation_loss": loss + 0.01 * seed, "test_accuracy": accuracy + 0.001 * seed}
        for size, loss, accuracy in ((8, 0.2, 0.95), (32, 0.5, 0.7))
        for seed in range(4)
    ]
    columns = {
        "validation_loss": {"better": "lower"},
        "test_accuracy": {"better": "higher", "factor": 100, "unit": "%"},
    }
    options = {"choose": "validation_loss", "tell": "test_accuracy", "columns": columns}
    table = derive({"history": pd.DataFrame(rows)}, options).set_index("batch_size")
    assert table.loc[8, "recommended"] == 1 and table.loc[32, "below_best"] == pytest.approx(0.25)
    assert "B = 32 ends lower" in table.loc[8, "advice"]


def test_of_errors_the_lowest_is_best() -> None:
    runs = {
        (8, 0.1): [(2.0, 2.1), (2.2, 2.3), (2.1, 2.2)],
        (8, 0.2): [(9.0, 9.1), (9.2, 9.3), (9.1, 9.2)],
        (64, 0.1): [(4.0, 4.1), (4.2, 4.4), (4.1, 4.2)],
    }
    errors = history(runs).rename(columns={"validation_accuracy": "validation_rmse", "test_accuracy": "test_rmse"})
    columns = {"validation_rmse": {"better": "lower"}, "test_rmse": {"title": "test RMSE", "better": "lower"}}
    options = {"choose": "validation_rmse", "tell": "test_rmse", "columns": columns}
    table = derive({"history": errors}, options).set_index("batch_size")
    assert table["recommended"].to_dict() == {8: 1, 64: 0} and table.loc[8, "learning_rate"] == 0.1
    assert table.loc[8, "chosen"] == pytest.approx(2.1) and table.loc[64, "below_best"] == pytest.approx(2.1 - 2 / 30)
    assert "test RMSE 2.2 [" in table.loc[8, "advice"] and "B = 64 ends higher." in table.loc[8, "advice"]
