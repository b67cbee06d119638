"""Learning rates tuned for each batch size, on tables whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest
from unit.campaigns import planned

from batchlab.errors import BatchlabError
from batchlab.tables.derivations.critical_batch.derive import derive as critical_batch
from batchlab.tables.derivations.good_settings.derive import derive as good_settings
from batchlab.tables.derivations.rate_range.derive import derive as rate_range
from batchlab.tables.derivations.scaling_rules.derive import derive as scaling_rules
from batchlab.tables.derivations.scaling_rules.derive import nearest
from batchlab.tables.derivations.tuned_runs.derive import derive as tuned_runs

TO_TARGET = {"metric": "validation_accuracy", "better": "higher", "target": 0.9, "interpolate": False}
AT_END = {"metric": "validation_accuracy", "better": "higher", "interpolate": False}
NEVER = 99


def history(runs: Mapping[tuple[int, float], Sequence[Sequence[float]]]) -> pd.DataFrame:
    """Return history: (B, rate) → for each seed its accuracy after 0, 1, … epochs of 256 examples."""
    rows = []
    for (size, rate), seeds in runs.items():
        for seed, values in enumerate(seeds):
            for epoch, value in enumerate(values):
                row: dict[str, Any] = {"study": "tuning", "arm": f"b{size}-lr{rate}", "seed": seed}
                row |= {"dataset": "digits", "model": "mlp", "optimizer": "sgd", "precision": "float32"}
                row |= {"accumulation": 1, "batch_size": size, "learning_rate": rate, "status": "ok", "label": "l"}
                row |= {"recipe": "r", "epoch": epoch, "updates": epoch * 256 // size, "examples": epoch * 256}
                rows.append(
                    {**row, "seconds": 0.1 * epoch, "validation_accuracy": value, "test_accuracy": value - 0.01}
                )
    return pd.DataFrame(rows)


def reaching(*epochs: int, length: int = 12) -> list[list[float]]:
    """Return one run for each seed that reaches 0.9 after so many epochs."""
    return [[0.95 if epoch >= first else 0.1 for epoch in range(length + 1)] for first in epochs]


def test_each_seed_has_the_rate_that_the_others_choose() -> None:
    """Seed 0 alone would take 0.2 (1 epoch against 3); the others need 3 and 3 at 0.1, but 12 and 12 at 0.2."""
    table = tuned_runs({"history": history({(16, 0.1): reaching(3, 3, 3), (16, 0.2): reaching(1, 12, 12)})}, TO_TARGET)
    assert table["learning_rate"].tolist() == [0.1, 0.1, 0.1]
    assert table["epoch"].tolist() == [3, 3, 3] and table["updates"].tolist() == [48, 48, 48]
    # Seed 1 is judged by seeds 0 and 2: √(1 · 2) epochs at 0.2 beat 3 at 0.1, though seed 1 itself needs 12.
    table = tuned_runs({"history": history({(16, 0.1): reaching(3, 3, 3), (16, 0.2): reaching(1, 12, 2)})}, TO_TARGET)
    assert table.set_index("seed")["learning_rate"].to_dict() == {0: 0.1, 1: 0.2, 2: 0.1}
    assert table.set_index("seed")["epoch"].to_dict() == {0: 3, 1: 12, 2: 3}


def test_a_rate_that_fails_one_of_the_others_is_infeasible() -> None:
    runs = {(16, 0.1): reaching(6, 6, 6), (16, 0.2): reaching(2, 2, NEVER)}
    table = tuned_runs({"history": history(runs)}, TO_TARGET).set_index("seed")
    # Without seed 2 both rates serve all, and the faster one is taken, with which seed 2 never arrives.
    assert table["learning_rate"].to_dict() == {0: 0.1, 1: 0.1, 2: 0.2}
    assert table["reached"].to_dict() == {0: 1, 1: 1, 2: 0}
    assert set(table["rates"]) == {2} and set(table["feasible"]) == {1}
    assert table.loc[2, "epoch"] == 12 and table.loc[2, "value"] == 0.1


def test_where_no_rate_serves_all_the_one_that_serves_most_is_told() -> None:
    runs = {(16, 0.1): reaching(NEVER, NEVER, NEVER), (16, 0.2): reaching(NEVER, 2, NEVER)}
    table = tuned_runs({"history": history(runs)}, TO_TARGET).set_index("seed")
    assert table["learning_rate"].to_dict() == {0: 0.2, 1: 0.1, 2: 0.2} and set(table["feasible"]) == {0}


def test_perfect_scaling_starts_at_the_smallest_size_that_reaches_the_target() -> None:
    runs = {(8, 0.1): reaching(NEVER), (16, 0.1): reaching(3), (32, 0.1): reaching(3), (64, 0.1): reaching(9)}
    table = tuned_runs({"history": history(runs)}, TO_TARGET).set_index("batch_size")
    assert table["updates"].to_dict() == {8: 384, 16: 48, 32: 24, 64: 36}
    assert table["perfect"].to_dict() == {8: 96, 16: 48, 32: 24, 64: 12}
    assert table["of_perfect"].to_dict() == {8: 4, 16: 1, 32: 1, 64: 3}


def test_without_a_target_the_last_value_counts() -> None:
    runs = {(16, 0.1): [[0.1, 0.6], [0.1, 0.8]], (16, 0.2): [[0.1, 0.9], [0.1, 0.7]]}
    table = tuned_runs({"history": history(runs)}, AT_END).set_index("seed")
    assert table["learning_rate"].to_dict() == {0: 0.1, 1: 0.2}
    assert table["value"].to_dict() == {0: 0.6, 1: 0.7} and table["arm"].to_dict() == {0: "b16-lr0.1", 1: "b16-lr0.2"}
    lower = {**AT_END, "better": "lower"}
    assert tuned_runs({"history": history(runs)}, lower).set_index("seed")["learning_rate"].to_dict() == {
        0: 0.2,
        1: 0.1,
    }


def test_a_diverged_rate_is_never_chosen() -> None:
    runs = {(16, 0.1): [[0.1, 0.6], [0.1, 0.6], [0.1, 0.6]], (16, 0.2): [[0.1, 0.9], [0.1, math.nan], [0.1, 0.9]]}
    table = tuned_runs({"history": history(runs)}, AT_END).set_index("seed")
    assert table["learning_rate"].to_dict() == {0: 0.1, 1: 0.2, 2: 0.1}
    assert table["reached"].to_dict() == {0: 1, 1: 0, 2: 1}


def test_two_arms_with_one_rate_are_refused() -> None:
    table = history({(16, 0.1): reaching(3)})
    twice = pd.concat([table, table.assign(arm="other")])
    with pytest.raises(BatchlabError, match="arm other has the batch size and learning rate of another one"):
        tuned_runs({"history": twice}, TO_TARGET)


def test_rules_take_the_run_of_the_nearest_rate() -> None:
    rates = (0.1, 0.2, 0.4, 0.8)
    quick = {16: 0.1, 64: 0.2, 256: 0.2}  # the rate with which a batch size needs 2 epochs in place of 5
    runs = {(size, rate): reaching(*[2 if rate == best else 5] * 2) for size, best in quick.items() for rate in rates}
    options = {**TO_TARGET, "rules": ["tuned", "constant", "sqrt", "linear"], "anchor": 16}
    table = scaling_rules({"history": history(runs)}, options)
    first = table[table["seed"] == 0].set_index(["rule", "batch_size"])
    assert first["learning_rate"].to_dict() == {
        **{("tuned", size): rate for size, rate in quick.items()},
        **{("constant", size): 0.1 for size in quick},
        **{("sqrt", size): rate for size, rate in ((16, 0.1), (64, 0.2), (256, 0.4))},
        # 1.6 is twice the largest rate: no run has it.
        **{("linear", size): rate for size, rate in ((16, 0.1), (64, 0.4), (256, pytest.approx(1.6)))},
    }
    assert first.loc[("sqrt", 64), "epoch"] == 2 and first.loc[("sqrt", 256), "epoch"] == 5
    assert math.isnan(first.loc[("linear", 256), "updates"]) and first.loc[("linear", 256), "reached"] == 0
    # Each rule has its own perfect scaling.
    assert first.loc[("constant", 64), "of_perfect"] == 5 / 2


def test_a_tuned_rate_at_an_end_of_the_grid_is_marked() -> None:
    quick = {16: 0.1, 64: 0.2, 256: 0.4}
    runs = {
        (s, rate): reaching(*[2 if rate == best else 5] * 2) for s, best in quick.items() for rate in quick.values()
    }
    runs[1024, 0.4] = reaching(2, 2)
    table = tuned_runs({"history": history(runs)}, TO_TARGET)
    first = table[table["seed"] == 0].set_index("batch_size")
    assert first["grid_end"].to_dict() == {16: "low", 64: "", 256: "high", 1024: "both"}
    # Perfect scaling starts at B = 16, whose updates a lower rate could lower.
    assert first["perfect_end"].to_dict() == {16: "", 64: "low", 256: "low", 1024: "low"}
    del runs[1024, 0.4]
    options = {**TO_TARGET, "rules": ["tuned", "constant"], "anchor": 16}
    ruled = scaling_rules({"history": history(runs)}, options)
    ruled = ruled[ruled["seed"] == 0].set_index(["rule", "batch_size"])
    assert ruled.loc["tuned", "grid_end"].to_dict() == {16: "low", 64: "", 256: "high"}
    assert ruled.loc["constant", "anchor_end"].tolist() == ["low"] * 3
    assert set(ruled.loc["tuned", "anchor_end"]) == set(ruled.loc["constant", "grid_end"]) == {""}


def test_the_surge_rule_falls_beyond_its_peak() -> None:
    runs = {(size, rate): reaching(2) for size in (16, 64, 256) for rate in (0.1, 0.2)}
    options = {**TO_TARGET, "rules": ["surge"], "anchor": 16, "peak": 64}
    table = scaling_rules({"history": history(runs)}, options).set_index("batch_size")
    # 2 / (√(64/B) + √(B/64)): 0.8 at 16 and 256, 1 at 64; 0.1 · 1 / 0.8 = 0.125 is nearest to 0.1.
    assert table["learning_rate"].to_dict() == {16: 0.1, 64: 0.1, 256: 0.1}
    with pytest.raises(BatchlabError, match="surge needs `peak`"):
        scaling_rules({"history": history(runs)}, {**options, "peak": None})
    with pytest.raises(BatchlabError, match="anchor: no arm has B = 8; there are 16, 64, 256"):
        scaling_rules({"history": history(runs)}, {**options, "anchor": 8})


@pytest.mark.parametrize(
    ("wanted", "found"), [(0.1, 0.1), (0.13, 0.1), (0.15, 0.2), (0.08, 0.1), (0.07, 0.07), (0.56, 0.4), (0.6, 0.6)]
)
def test_the_nearest_rate_lies_within_half_a_step(wanted: float, found: float) -> None:
    assert nearest(wanted, [0.1, 0.2, 0.4]) == found


def test_the_range_of_good_rates_has_no_gap() -> None:
    values = {0.1: 0.90, 0.2: 0.95, 0.4: 0.96, 0.8: 0.955, 1.6: math.nan, 3.2: 0.96}
    table = history({(16, rate): [[0.1, value]] for rate, value in values.items()})
    [row] = rate_range(
        {"history": table}, {"metric": "validation_accuracy", "better": "higher", "within": 0.01}
    ).to_dict("records")
    assert (row["best_rate"], row["best"], row["lowest"], row["highest"]) == (0.4, 0.96, 0.2, 0.8)
    assert row["octaves"] == pytest.approx(2) and row["beyond"] == "" and row["rates"] == 6 and row["grid_end"] == ""
    best_last = table[table["learning_rate"] <= 0.4]
    assert rate_range({"history": best_last}, {**AT_END, "within": 0.01})["grid_end"].tolist() == ["high"]
    wide = {"metric": "validation_accuracy", "better": "higher", "within": 0.06}
    assert rate_range({"history": table}, wide)["beyond"].tolist() == ["low"]
    with pytest.raises(BatchlabError, match="no run was evaluated at epoch 7"):
        rate_range({"history": table}, {**wide, "epoch": 7})


# What planning makes of tables in which the data choose an arm


def _claim(**own: Any) -> dict[str, Any]:
    claim: dict[str, Any] = dict.fromkeys(("statement", "source", "published"), "")
    return {**claim, "test": "level", "expect": {"min": 0}, **own}


def tuning(**claims: dict[str, Any]) -> dict[str, Any]:
    return {
        "studies__sizes__arms": {"grid": {"batch_size": ["small", "large"], "learning_rate_factor": [1, 2, 4]}},
        "studies__sizes__tables": {
            "tuned": {"derivation": "tuned_runs", "target": 0.9},
            "ruled": {"derivation": "scaling_rules", "anchor": "small"},
        },
        "studies__sizes__figures": {},
        "studies__sizes__claims": claims,
    }


def test_one_row_of_a_chosen_arm_is_one_row() -> None:
    plan = planned(
        **tuning(
            alone=_claim(table="tuned", value="updates", of={"batch_size": "large"}),
            joined=_claim(
                table=["tuned", "history"], value="test_accuracy", of={"batch_size": "large", "epoch": "last"}
            ),
            other=_claim(
                table=["history", "tuned"], value="test_accuracy", of={"batch_size": "large", "epoch": "last"}
            ),
        )
    )
    assert plan.studies["sizes"].derived["ruled"].options["anchor"] == plan.config["batch_sizes"]["small"]


def test_claims_that_need_an_aggregate_are_still_refused() -> None:
    for table, of in (("tuned", {"recipe": "grid"}), ("history", {"batch_size": "large", "epoch": "last"})):
        column = "updates" if table == "history" else "of_perfect"
        with pytest.raises(BatchlabError):
            planned(**tuning(many=_claim(table=table, value=column, of=of)))


def test_an_unknown_anchor_is_named() -> None:
    changes = tuning()
    changes["studies__sizes__tables"]["ruled"]["anchor"] = "smal"
    with pytest.raises(BatchlabError, match=r"studies\.sizes\.tables\.ruled\.anchor: unknown batch size 'smal'"):
        planned(**changes)


def test_recipes_say_which_runs_are_read() -> None:
    """A branch at the batch size and rate of another arm is none of the grid, and its name is checked beforehand."""
    grid, branch = history({(16, 0.1): reaching(3), (64, 0.1): reaching(6)}), history({(16, 0.1): reaching(1)})
    both = pd.concat([grid, branch.assign(arm="branch", recipe="branch")])
    with pytest.raises(BatchlabError, match="has the batch size and learning rate of another one"):
        tuned_runs({"history": both}, TO_TARGET)
    table = tuned_runs({"history": both}, {**TO_TARGET, "recipes": ["r"]})
    assert table["epoch"].tolist() == [3, 6]
    tables = {"studies__sizes__tables": {"tuned": {"derivation": "tuned_runs", "recipes": ["gird"]}}}
    with pytest.raises(BatchlabError, match=r"sizes\.tables\.tuned\.recipes: unknown recipe 'gird'.*'grid'"):
        planned(**{**tuning(), **tables})


# Settings that serve, and where larger batches stop paying


def test_good_settings_are_counted_over_all_arms_of_a_size_and_an_optimizer() -> None:
    rates = {0.1: 0.80, 0.2: 0.90, 0.4: 0.89, 0.8: math.nan}
    table = history({(16, rate): [[0.1, end], [0.1, 0.9]] for rate, end in rates.items()})
    other = history({(16, 0.3): [[0.1, 0.99], [0.1, 0.5]]}).assign(optimizer="adam")
    options = {"metric": "validation_accuracy", "better": "higher", "within": 0.01}
    found = good_settings({"history": pd.concat([table, other])}, options).set_index(["optimizer", "seed"])
    first = found.loc[("sgd", 0)]
    # 0.90 and 0.89 of four: a run without a finite end counts, and is not good.
    assert (first["settings"], first["good"], first["share"]) == (4, 2, 0.5)
    assert (first["best"], first["best_rate"]) == (0.9, 0.2)
    assert found.loc[("sgd", 1), "share"] == 1 and found.loc[("adam", 0), "share"] == 1
    lower = good_settings({"history": table}, {**options, "better": "lower"}).set_index("seed")
    assert (lower.loc[0, "good"], lower.loc[0, "best"], lower.loc[0, "best_rate"]) == (1, 0.8, 0.1)


def test_good_settings_need_a_run_that_ends() -> None:
    options = {"metric": "validation_accuracy", "better": "higher", "within": 0.01}
    with pytest.raises(BatchlabError, match="no run ended with finite values"):
        good_settings({"history": history({(16, 0.1): [[0.1, math.nan]]})}, options)


def test_the_critical_batch_lies_on_the_line_between_logarithms() -> None:
    """Updates 48, 24, 24 and 24 at 8, 16, 32 and 64 are 1, 1, 2 and 4 times perfect scaling: √2 falls at 16 √2."""
    runs = {(8, 0.1): reaching(2), (16, 0.1): reaching(2), (32, 0.1): reaching(4), (64, 0.1): reaching(8)}
    tuned = tuned_runs({"history": history(runs)}, TO_TARGET)
    assert tuned["of_perfect"].tolist() == [1, 1, 2, 4]
    [row] = critical_batch({"tuned_runs": tuned}, {"excess": math.sqrt(2) - 1}).to_dict("records")
    assert row["critical"] == pytest.approx(16 * math.sqrt(2)) and row["reached"] == 1 and row["sizes"] == 4


def test_a_critical_batch_beyond_the_sizes_that_were_tried_is_marked() -> None:
    runs = {(8, 0.1): reaching(2), (16, 0.1): reaching(2), (32, 0.1): reaching(NEVER)}
    [row] = critical_batch({"tuned_runs": tuned_runs({"history": history(runs)}, TO_TARGET)}, {"excess": 0.2}).to_dict(
        "records"
    )
    assert (row["critical"], row["reached"], row["sizes"]) == (16, 0, 2)
    with pytest.raises(BatchlabError, match="no run has reached the target"):
        none = tuned_runs({"history": history({(8, 0.1): reaching(NEVER)})}, TO_TARGET)
        critical_batch({"tuned_runs": none}, {"excess": 0.2})
