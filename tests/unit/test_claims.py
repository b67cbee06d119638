"""Verdicts on claims: every test, every verdict, and one line for every mistake."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from batchlab.errors import BatchlabError
from batchlab.tables import intervals
from batchlab.tables.base import CLAIMS, known_columns
from batchlab.tables.claims import judge, tables_needed
from batchlab.tables.findings import LONGEST
from batchlab.tables.intervals import mean_interval, paired_comparison, ratio_of_means
from batchlab.tables.regions import Region

SIZES = (16, 64, 256)
SEEDS = (0, 1, 2, 3)
NOISE = (0.002, -0.001, 0.0005, -0.0015)


def history() -> pd.DataFrame:
    """Return four seeds of three arms at two epochs; accuracy falls by 1 pp for every fourfold batch size."""
    rows = []
    for step, size in enumerate(SIZES):
        for seed in SEEDS:
            for epoch in (1.0, 2.0):
                accuracy = 0.90 + 0.04 * epoch - 0.01 * step + NOISE[seed] * (1 + 0.1 * step)
                rows.append(
                    {
                        "arm": f"fixed-b{size}",
                        "recipe": "fixed",
                        "batch_size": size,
                        "seed": seed,
                        "epoch": epoch,
                        "status": "ok",
                        "updates": int(epoch * 1024) // size,
                        "train_accuracy": accuracy + 0.01,
                        "test_accuracy": accuracy,
                        "validation_loss": 3 - epoch,
                    }
                )
    return pd.DataFrame(rows)


def claim(**changes: Any) -> dict[str, Any]:
    return {
        "statement": "Larger is worse.",
        "source": "Shen 2018",
        "published": "96 % at 1024",
        "test": "difference",
        "table": "history",
        "value": "test_accuracy",
        "expect": "less",
        "of": {"batch_size": 256, "epoch": "last"},
        "minus": {"batch_size": 16, "epoch": "last"},
        **changes,
    }


def verdict(tables: dict[str, pd.DataFrame] | None = None, **changes: Any) -> pd.Series:
    return judge(spec_of({"larger_is_worse": claim(**changes)}), tables or {"history": history()}).iloc[0]


def spec_of(claims: dict[str, Any], looks: int = 1) -> dict[str, Any]:
    """Return the settings of a study's verdicts; every derived column is known."""
    return {
        "looks": looks,
        "study": "demo",
        "claims": claims,
        "order": list(claims),
        "columns": list(CLAIMS.names),
        "tables": {name: {"text": [], "keys": ["seed"]} for name in ("history", "weight_drift", "norms", "t")},
        "derived": {column.name: column.formula for column in known_columns() if column.formula},
        "cells": {"batch_size": {"sign": "B = "}, "epoch": {"sign": "epoch "}},
        "one_example": {"test_accuracy": 1 / 500},
        "values": {"test_accuracy": {"title": "test accuracy", "unit": "%", "factor": 100, "bounds": [0, 1]}},
    }


def two_arms(first: list[float], second: list[float]) -> dict[str, pd.DataFrame]:
    """Return the table in which B = 256 and B = 16 end with these accuracies, one for each seed."""
    frame = history()
    for size, values in ((256, first), (16, second)):
        rows = frame["batch_size"] == size
        frame.loc[rows, "test_accuracy"] = frame.loc[rows, "seed"].map(dict(enumerate(values)))
    return {"history": frame}


def numbers(text: str) -> list[float]:
    """Return the numbers of a sentence."""
    return [float(each.replace("−", "-")) for each in re.findall(r"−?\d+(?:\.\d+)?", text)]


def words(text: str) -> str:
    """Return a sentence without its numbers."""
    return re.sub(r"−?\d+(?:\.\d+)?", "#", text)


def accuracies(size: int) -> np.ndarray:
    frame = history()
    return frame[(frame["batch_size"] == size) & (frame["epoch"] == 2)]["test_accuracy"].to_numpy()


# Looks


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_an_interval_at_one_of_several_looks_is_wider_and_decides(looks: int) -> None:
    """The means of the differences is −0.01, and a 95 % interval of four seeds ends just below 0, a wider one above."""
    spread = 0.01 / (stats.t.ppf(0.975, 3) / 2) * 0.98
    first = [0.9 + 0.01 * step for step in (0, 1, -1, 2)]
    second = [value + 0.01 + spread * step for value, step in zip(first, (-1, 1, -1, 1), strict=True)]
    spread_of_differences = spread * math.sqrt(4 / 3)
    row = judge(spec_of({"c": claim()}, looks), two_arms(first, second)).iloc[0]
    half = stats.t.ppf(1 - 0.025 / looks, 3) * spread_of_differences / 2
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((-0.01 - half, -0.01 + half))
    assert row["confidence"] == pytest.approx(1 - 0.05 / looks)
    assert row["verdict"] == ("supported" if half < 0.01 else "undetermined")


def test_three_looks_miss_no_more_often_than_one() -> None:
    """Seeds are added until an interval misses the truth, 0: of 20,000 such campaigns no more than 5 % come to that."""
    values = np.random.default_rng(5).standard_normal((20_000, 15))

    def missed(looks: int, level: float) -> float:
        out = np.zeros(len(values), bool)
        for count in range(5, 5 * looks + 1, 5):
            seen = values[:, :count]
            error = seen.std(axis=1, ddof=1) / math.sqrt(count)
            out |= abs(seen.mean(axis=1)) > intervals.t_quantile(count, level) * error
        return float(out.mean())

    one_of_three = judge(spec_of({"c": claim()}, 3), {"history": history()}).iloc[0]["confidence"]
    assert missed(3, 0.95) > 0.1
    assert missed(3, one_of_three) < 0.05


# Estimates


def test_difference_is_paired_and_shown_in_the_unit_of_the_claim() -> None:
    row = verdict(unit="pp", figure="accuracy")
    expected = paired_comparison(accuracies(256), accuracies(16))
    assert row["measured"] == pytest.approx(100 * expected.difference)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((100 * expected.ci_low, 100 * expected.ci_high))
    assert (row["n"], row["verdict"], row["unit"], row["expected"]) == (4, "supported", "pp", "< 0 pp")
    assert (row["published"], row["figure"], row["study"]) == ("96 % at 1024", "accuracy", "demo")


def test_columns_and_order() -> None:
    claims = {name: claim() for name in ("zeta", "alpha")}
    judged = judge(spec_of(claims), {"history": history()})
    assert tuple(judged.columns) == CLAIMS.names
    assert judged["claim"].tolist() == ["zeta", "alpha"]
    assert judge(spec_of({}), {}).empty


def test_pairing_is_by_seed_and_not_by_order() -> None:
    shuffled = history().iloc[::-1]
    assert verdict({"history": shuffled})["ci_low"] == pytest.approx(verdict()["ci_low"])


def test_level() -> None:
    row = verdict(test="level", of={"batch_size": 16, "epoch": "last"}, minus=None, expect={"min": 0.9})
    estimate = mean_interval(accuracies(16))
    assert (row["measured"], row["ci_low"]) == pytest.approx((estimate.mean, estimate.ci_low))
    assert (row["verdict"], row["expected"]) == ("supported", "≥ 0.9")


def test_a_level_of_a_positive_quantity_is_judged_on_the_logarithmic_scale() -> None:
    values = np.array([1.2, 30.0, 4.0, 9.0])
    spec = spec_of({"c": claim(test="level", table="t", value="scale", of={}, minus=None, expect={"min": 1})})
    spec["values"]["scale"] = {"positive": True, "title": "noise scale"}
    frame = pd.DataFrame({"seed": SEEDS, "scale": values})
    row = judge(spec, {"t": frame}).iloc[0]
    low, high = np.exp(stats.t.interval(0.95, 3, np.log(values).mean(), stats.sem(np.log(values))))
    assert (row["measured"], row["ci_low"], row["ci_high"]) == pytest.approx((stats.gmean(values), low, high))
    assert numbers(row["finding"]) == pytest.approx([stats.gmean(values), low, high, 4], rel=0.01)
    # The interval of the values themselves reaches below 0, which such a quantity cannot.
    assert mean_interval(values).ci_low < 0 < low and row["verdict"] == "undetermined"
    spec["claims"]["c"]["expect"] = {"min": low}
    assert judge(spec, {"t": frame}).iloc[0]["verdict"] == "supported"
    # A value of exactly 0 has no logarithm.
    with_zero = judge(spec, {"t": frame.assign(scale=[0.0, 1.0, 2.0, 3.0])}).iloc[0]
    assert with_zero["measured"] == pytest.approx(1.5)


def test_ratio() -> None:
    row = verdict(test="ratio", expect={"min": 0.97, "max": 0.99})
    estimate = ratio_of_means(accuracies(256), accuracies(16))
    assert (row["measured"], row["ci_high"]) == pytest.approx((estimate.mean, estimate.ci_high))
    assert (row["verdict"], row["expected"]) == ("supported", "0.97 to 0.99")


def test_trend_is_per_doubling() -> None:
    row = verdict(test="trend", of={"epoch": "last"}, minus=None, unit="pp")
    assert row["measured"] == pytest.approx(-0.5, abs=0.01)
    assert (row["n"], row["verdict"]) == (4, "supported")


@pytest.mark.parametrize(("margin", "expected"), [(0.025, "supported"), (0.01, "contradicted"), (0.02, "undetermined")])
def test_equal_is_a_test_of_equivalence(margin: float, expected: str) -> None:
    assert verdict(test="equal", expect="equal", margin=margin)["verdict"] == expected


def test_no_difference_found_is_not_equality() -> None:
    noisy = history()
    noisy["test_accuracy"] += np.tile([0.1, -0.1, -0.1, 0.1, 0.0, 0.1], 4)
    assert verdict({"history": noisy}, test="equal", expect="equal", margin=0.03)["verdict"] == "undetermined"
    assert verdict({"history": noisy})["verdict"] == "undetermined"


def test_derived_values_and_the_best_epoch() -> None:
    level = {"test": "level", "of": {"batch_size": 16, "epoch": "best"}, "minus": None}
    row = verdict(**level, value="generalisation_gap", expect={"min": 0.0099, "max": 0.0101})
    assert row["verdict"] == "supported"


def test_opposite_results_are_contradicted() -> None:
    assert verdict(expect="greater")["verdict"] == "contradicted"
    assert verdict(margin=0.05)["verdict"] == "contradicted"
    assert verdict(margin=0.01)["verdict"] == "supported"


# Deterministic quantities


def test_the_number_of_updates_is_decided_exactly() -> None:
    half = {"of": {"batch_size": 64, "epoch": "last"}, "value": "updates"}
    row = verdict(**half, test="ratio", expect={"min": 0.25, "max": 0.25})
    assert (row["verdict"], row["measured"], row["note"]) == (
        "supported",
        pytest.approx(0.25),
        "the same in every seed",
    )
    assert verdict(**half, test="ratio", expect={"min": 0.5, "max": 0.5})["verdict"] == "contradicted"
    assert verdict(**half, test="level", expect={"min": 32, "max": 32})["verdict"] == "supported"


@pytest.mark.parametrize("expect", ["less", "greater"])
@pytest.mark.parametrize("test", ["difference", "ratio"])
def test_equal_numbers_are_neither_less_nor_greater(test: str, expect: str) -> None:
    same = {"batch_size": 64, "epoch": "last"}
    assert verdict(test=test, of=same, minus=same, value="updates", expect=expect)["verdict"] == "contradicted"


def test_equality_to_rounding_is_a_level() -> None:
    drift = pd.DataFrame({"seed": [0, 0, 1, 1], "relative_difference": [1e-16, 3e-13, 2e-16, 5e-13]})
    level = {"test": "level", "table": "weight_drift", "value": "relative_difference", "of": {}, "aggregate": "max"}
    row = verdict({"weight_drift": drift}, **level, expect={"max": 1e-10})
    assert (row["verdict"], row["measured"]) == ("supported", pytest.approx(4e-13))
    assert verdict({"weight_drift": drift}, **level, expect={"max": 1e-14})["verdict"] != "supported"


@pytest.mark.parametrize(
    ("how", "values"),
    [
        ("mean", [2, 5]),
        ("max", [3, 9]),
        ("min", [1, 1]),
        ("median", [2, 5]),
        ("std", [math.sqrt(2), math.sqrt(32)]),
        ("rms", [math.sqrt(5), math.sqrt(41)]),
    ],
)
def test_aggregates(how: str, values: list[float]) -> None:
    trials = pd.DataFrame({"seed": [0, 0, 1, 1], "norm": [1.0, 3.0, 1.0, 9.0]})
    level = {"test": "level", "table": "norms", "value": "norm", "of": {}, "expect": {"min": 0}}
    row = verdict({"norms": trials}, **level, aggregate=how)
    assert (row["measured"], row["ci_low"]) == pytest.approx((np.mean(values), mean_interval(values).ci_low))


# What leaves a claim open


def test_one_seed_is_undetermined() -> None:
    frame = history()
    row = verdict({"history": frame[frame["seed"] == 0]})
    assert (row["verdict"], row["n"], row["note"]) == ("undetermined", 1, "n = 1: no interval")
    assert row["measured"] == pytest.approx(-0.02, abs=1e-3) and math.isnan(row["ci_low"])


def test_a_diverged_run_is_said_and_leaves_the_claim_open() -> None:
    frame = history()
    gone = (frame["seed"] == 3) & (frame["batch_size"] == 256) & (frame["epoch"] == 2)
    frame.loc[gone, "status"] = "diverged"
    frame.loc[gone, ["test_accuracy", "train_accuracy"]] = math.nan
    row = verdict({"history": frame})
    assert (row["verdict"], row["n"], row["note"]) == (
        "undetermined",
        3,
        "diverged runs in `of`: 1 (seed 3); single seeds: −0.0196, −0.0202, −0.0199",
    )


def test_a_missing_value_is_said() -> None:
    frame = history()
    frame.loc[frame["seed"] == 2, "test_accuracy"] = math.nan
    row = verdict({"history": frame})
    assert row["verdict"] == "undetermined" and "runs without a finite test_accuracy in `minus`: 1" in row["note"]


def test_seeds_without_a_partner_are_left_out_and_said() -> None:
    frame = history()
    row = verdict({"history": frame[(frame["batch_size"] == 16) | (frame["seed"] < 3)]})
    assert (row["n"], row["note"]) == (3, "seeds in one selection only: 1")
    assert row["verdict"] == "supported"


def test_a_table_without_seeds_has_no_interval() -> None:
    table = pd.DataFrame({"examples": [5.0]})
    row = verdict({"t": table}, test="level", table="t", value="examples", of={}, expect={"min": 1})
    assert (row["verdict"], row["n"]) == ("undetermined", 1)


# What a verdict says beside itself


@pytest.mark.parametrize(
    ("shift", "spread", "expected"),
    [(-0.02, 0.001, "lower"), (0.02, 0.001, "higher"), (0.0, 0.001, "equal"), (-0.02, 0.05, "open")],
)
def test_direction_is_told_apart_from_size(shift: float, spread: float, expected: str) -> None:
    frame = two_arms([0.9 + shift + spread * step for step in (-1, 1, -1, 1)], [0.9] * 4)
    row = verdict(frame, test="equal", expect="equal", margin=0.005, published_value={"min": -0.03, "max": -0.01})
    assert row["direction"] == expected
    assert row["size"] == {"lower": "reproduced", "open": "open"}.get(expected, "other")


def test_lower_with_open_size_is_more_than_undetermined() -> None:
    # Half of a percentage point below, margin 0.3 pp: the interval leaves the margin open but excludes 0.
    frame = two_arms([0.894, 0.896, 0.8945, 0.8975], [0.9] * 4)
    row = verdict(frame, test="equal", expect="equal", margin=0.003, unit="pp")
    assert (row["verdict"], row["direction"]) == ("undetermined", "lower")


def test_a_level_has_no_direction_and_an_unpublished_number_no_size() -> None:
    row = verdict(test="level", of={"batch_size": 16, "epoch": "last"}, minus=None, expect={"min": 0.9})
    assert (row["direction"], row["size"]) == ("", "")


def test_what_cannot_be_compared_is_shown_and_not_judged() -> None:
    shown = {"standing": "not comparable", "because": "the model is lost", "published_value": {"min": -1, "max": 1}}
    row = verdict(**shown)
    assert (row["verdict"], row["size"], row["because"]) == ("not judged", "", "the model is lost")
    assert row["measured"] == pytest.approx(verdict()["measured"])


def test_a_published_number_is_within_the_margin_or_a_range() -> None:
    assert verdict(published_value=-0.02, margin=0.001)["size"] == "reproduced"
    with pytest.raises(BatchlabError, match="published_value needs a margin"):
        verdict(published_value=-0.02)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"unit": "pp"}, "B = 256 ends 2.02 pp below B = 16 in test accuracy [1.98, 2.06], 4 seeds"),
        (
            {"test": "equal", "expect": "equal", "margin": 0.03, "unit": "pp"},
            "B = 256 and B = 16 end within 3 pp of each other in test accuracy: −2.02 pp [−2.06, −1.98], 4 seeds",
        ),
        (
            {"test": "level", "of": {"batch_size": 16, "epoch": "last"}, "expect": {"min": 0}, "unit": "%"},
            "B = 16 reaches 98.0 % test accuracy [97.7, 98.3], 4 seeds",
        ),
        (
            {"test": "trend", "of": {"epoch": "last"}, "unit": "pp"},
            "Test accuracy falls by 0.505 pp per doubling of B [0.495, 0.515], 4 seeds",
        ),
        (
            {"test": "steps", "of": {"epoch": "last"}, "unit": "pp"},
            "Test accuracy falls by 1.00 pp from B = 16 to 64 [0.98, 1.03], the worst of 2 steps, 4 seeds",
        ),
    ],
)
def test_findings(changes: dict[str, Any], expected: str) -> None:
    frame = history()
    frame["test_accuracy"] = frame["batch_size"].map({16: 0.98, 64: 0.97, 256: 0.96}) + frame["seed"].map(
        dict(enumerate((0.002, -0.001, 0.0005, -0.0015)))
    ) * frame["batch_size"].map({16: 1.0, 64: 1.1, 256: 1.2})
    told = {"words": {"of": f"B = {changes.get('of', {}).get('batch_size', 256)}", "minus": "B = 16"}}
    found = verdict({"history": frame}, **told, **changes)["finding"]
    # Numbers by SciPy; the sentence as promised.
    assert numbers(found) == pytest.approx(numbers(expected), abs=0.05) and words(found) == words(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"expect": "greater", "unit": "pp"},
            "B = 256 and B = 16 end equal in test accuracy: 0 pp in every run, 4 seeds",
        ),
        (
            {"test": "ratio", "expect": {"min": 1}},
            "Test accuracy: B = 256 and B = 16 are equal, ratio 1 in every run, 4 seeds",
        ),
        (
            {"test": "trend", "of": {"epoch": "last"}, "unit": "pp"},
            "Test accuracy neither rises nor falls with B: 0 pp in every run, 4 seeds",
        ),
    ],
)
def test_a_finding_on_equal_numbers_names_no_range(changes: dict[str, Any], expected: str) -> None:
    frame = history().assign(test_accuracy=0.5)
    told = {"words": {"of": "B = 256", "minus": "B = 16"}}
    assert verdict({"history": frame}, **told, **changes)["finding"] == expected


def test_a_finding_fits_a_title_and_has_true_minus_signs() -> None:
    long = {"of": "a run that has " + "very " * 30 + "long words", "minus": "another", "value": "test accuracy"}
    assert len(verdict(words=long)["finding"]) <= LONGEST
    noisy = history()
    noisy["test_accuracy"] += np.tile([0.1, -0.1, -0.1, 0.1, 0.0, 0.1], 4)
    found = verdict({"history": noisy}, unit="pp")["finding"]
    assert "cannot be told apart" in found and "−" in found and "-" not in found and not found.endswith(".")


def test_an_end_that_is_not_zero_is_not_told_as_zero() -> None:
    frame = two_arms([0.9 - 0.0126 + 0.0157 * step for step in (-1.1, 0.2, 0.9, 0.0)], [0.9] * 4)
    row = verdict(frame, unit="pp")
    low = stats.ttest_1samp([-0.0126 + 0.0157 * step for step in (-1.1, 0.2, 0.9, 0.0)], 0).confidence_interval()
    assert row["ci_high"] == pytest.approx(100 * low.high)


# Runs that failed, budgets, clocks


def test_a_collapsed_run_is_listed_and_kept_out_of_the_interval() -> None:
    frame = two_arms([0.94, 0.95, 0.10, 0.96], [0.98, 0.98, 0.98, 0.985])
    arms = pd.DataFrame({"arm": ["fixed-b256", "fixed-b16"], "collapsed": ["2", None]})
    row = verdict({**frame, "arms": arms}, unit="pp")
    kept = 100 * np.array([0.94 - 0.98, 0.95 - 0.98, 0.96 - 0.985])
    low, high = stats.t.interval(0.95, 2, kept.mean(), stats.sem(kept))
    assert (row["measured"], row["ci_low"], row["ci_high"]) == pytest.approx((kept.mean(), low, high))
    assert (row["n"], row["excluded"], row["verdict"]) == (3, 1, "undetermined")
    assert row["note"].startswith("runs at chance level in `of`: 1 (seed 2); single seeds: −4, −3, −2.5")
    # What is counted exactly, a collapsed run has as well.
    spec = spec_of({"c": claim(value="updates")})
    spec["values"]["updates"] = {"exact": True}
    assert judge(spec, {**frame, "arms": arms})["n"].item() == 4


def test_an_interval_does_not_leave_the_range_of_the_quantity() -> None:
    frame = two_arms([0.935, 0.951, 0.10, 0.94], [0.98] * 4)
    level = {"test": "level", "of": {"batch_size": 256, "epoch": "last"}, "minus": None, "expect": {"min": 0.9}}
    row = verdict(frame, **level, unit="%")
    whole = mean_interval([0.935, 0.951, 0.10, 0.94])
    assert whole.ci_high > 1 and (row["ci_low"], row["ci_high"]) == (pytest.approx(100 * whole.ci_low), 100)
    assert "interval cut at the bounds" in row["note"] and "single seeds: 93.5, 95.1, 10, 94" in row["note"]


def test_unequal_budgets_are_said() -> None:
    frame = history()
    frame = frame[(frame["batch_size"] == 16) | (frame["epoch"] == 1)]
    assert "unequal budgets: 1 against 2 epochs" in verdict({"history": frame})["note"]
    assert "unequal" not in verdict()["note"]


def test_seeds_do_not_replicate_a_clock() -> None:
    spec = spec_of({"c": claim(value="seconds", test="ratio")})
    spec["values"]["seconds"] = {"clock": True, "positive": True}
    frame = history().assign(seconds=lambda f: 1.0 + f["seed"] / 10 + (f["batch_size"] == 16))
    row = judge(spec, {"history": frame}).iloc[0]
    assert (row["verdict"], row["direction"]) == ("undetermined", "open") and math.isnan(row["ci_low"])
    ratios = [(1 + seed / 10) / (2 + seed / 10) for seed in SEEDS]
    assert row["measured"] == pytest.approx(stats.gmean(ratios)) and "one machine" in row["note"]


def test_a_best_epoch_that_is_the_last_is_censored() -> None:
    best = {"of": {"batch_size": 256, "epoch": "best"}, "minus": {"batch_size": 16, "epoch": "best"}, "value": "epoch"}
    row = verdict(**best, expect={"min": 0})
    assert "best at the last epoch in `of`: 4 of 4 runs" in row["note"] and row["verdict"] == "undetermined"
    earlier = history()
    earlier["validation_loss"] = earlier["epoch"]
    assert "best at" not in verdict({"history": earlier}, **best, expect={"min": 0})["note"]


def early(of: int = 0, minus: int = 0, up: float = 1.0) -> dict[str, Any]:
    """Return a claim on updates to a target, so many seeds of each side having ended before it, and its table."""
    rows = [
        {"side": side, "seed": seed, "updates": base * (1 + 0.01 * seed), "reached": int(seed >= ended)}
        for side, base, ended in (("of", 200.0 * up, of), ("minus", 180.0, minus))
        for seed in SEEDS
    ]
    spec = spec_of({"c": claim(value="updates", test="ratio", table="t", of={"side": "of"}, minus={"side": "minus"})})
    spec["values"]["updates"] = {"positive": True, "censored": True}
    return {"spec": spec, "tables": {"t": pd.DataFrame(rows)}}


@pytest.mark.parametrize(
    ("ended", "expect", "verdict", "says"),
    [
        ({}, {"max": 1.2}, "supported", ""),
        # 1.11 or more: not that it is at most 1.2, but that it is at least 1, and not at most 1.05.
        ({"of": 4}, {"max": 1.2}, "undetermined", "at least"),
        ({"of": 1}, {"max": 1.2}, "undetermined", "at least"),
        ({"of": 4}, {"min": 1}, "supported", "at least"),
        ({"of": 4}, {"max": 1.05}, "contradicted", "at least"),
        # 1.11 or less.
        ({"minus": 4}, {"max": 1.2}, "supported", "at most"),
        ({"minus": 4}, {"min": 1}, "undetermined", "at most"),
        ({"minus": 4}, {"min": 1.2}, "contradicted", "at most"),
        ({"of": 1, "minus": 1}, {"max": 1.2}, "undetermined", "no interval"),
    ],
)
def test_a_run_that_ends_before_its_target_is_a_bound(
    ended: dict[str, int], expect: dict[str, float], verdict: str, says: str
) -> None:
    made = early(**ended)
    made["spec"]["claims"]["c"]["expect"] = expect
    row = judge(made["spec"], made["tables"]).iloc[0]
    assert row["verdict"] == verdict and says in row["finding"]
    assert row["measured"] == pytest.approx(200 / 180)
    for side, count in ended.items():
        assert f"only a lower bound in `{side}`: {count} of 4 values" in row["note"]


def at_ends(of: Sequence[str] = (), minus: Sequence[str] = (), **column: Any) -> dict[str, Any]:
    """Return a claim on a value at tuned rates, and where in their grids the rates of each seed's two runs lie."""
    rows = [
        {"side": side, "seed": seed, "score": base * (1 + 0.01 * seed), "grid_end": dict(enumerate(ends)).get(seed, "")}
        for side, base, ends in (("of", 200.0, of), ("minus", 180.0, minus))
        for seed in SEEDS
    ]
    spec = spec_of({"c": claim(value="score", test="ratio", table="t", of={"side": "of"}, minus={"side": "minus"})})
    spec["values"]["score"] = {"positive": True, **column}
    return {"spec": spec, "tables": {"t": pd.DataFrame(rows)}}


LOSS, SCORE = {"better": "lower"}, {"better": "higher"}
BEST_RATE = {"exact": True, "open_at": {"grid_end": "beyond"}}


@pytest.mark.parametrize(
    ("made", "expect", "verdict", "says"),
    [
        # 1.11 times the loss; with a better rate for the first, less: it is not known to be more than 1.
        (at_ends(["high"], **LOSS), {"min": 1}, "undetermined", "at most"),
        (at_ends(["high"], **LOSS), {"max": 1.2}, "supported", "at most"),
        # With a better rate for the second, the first has still more.
        (at_ends(minus=["low"], **LOSS), {"min": 1}, "supported", "at least"),
        (at_ends(minus=["low"], **LOSS), {"max": 1.2}, "undetermined", "at least"),
        (at_ends(minus=["low"], **LOSS), {"max": 1.05}, "contradicted", "at least"),
        # Of an accuracy, a better rate finds more.
        (at_ends(["high"], **SCORE), {"min": 1}, "supported", "at least"),
        (at_ends(minus=["high"], **SCORE), {"min": 1}, "undetermined", "at most"),
        # Both could be better, or nobody knows which side is.
        (at_ends(["high"], ["low"], **LOSS), {"min": 1}, "undetermined", "no interval"),
        (at_ends(["high"]), {"min": 1}, "undetermined", "no interval"),
        # The best rate itself lies on the side of the end that it is at.
        (at_ends(["high"], **BEST_RATE), {"min": 1}, "supported", "at least"),
        (at_ends(["low"], **BEST_RATE), {"min": 1}, "undetermined", "at most"),
        (at_ends(["both"], **BEST_RATE), {"min": 1}, "undetermined", "no interval"),
        # What does not depend on the rate, and rates inside of the grid.
        (at_ends(["high"], exact=True), {"min": 1}, "supported", ""),
        (at_ends(**LOSS), {"min": 1}, "supported", ""),
    ],
)
def test_a_rate_at_an_end_of_the_grid_is_a_bound(
    made: dict[str, Any], expect: dict[str, float], verdict: str, says: str
) -> None:
    made["spec"]["claims"]["c"]["expect"] = expect
    row = judge(made["spec"], made["tables"]).iloc[0]
    assert (row["verdict"], row["measured"]) == (verdict, pytest.approx(200 / 180)) and says in row["finding"]
    assert ("at an end of the rates that were tried" in row["note"]) is bool(says)


def test_a_range_that_reaches_the_end_of_the_grid_tells_no_slope() -> None:
    table = pd.DataFrame(
        [
            {"seed": seed, "batch_size": size, "octaves": 8.0 - k + 0.1 * seed, "beyond": "high" if size > 64 else ""}
            for seed in SEEDS
            for k, size in enumerate((16, 64, 256))
        ]
    )
    spec = spec_of({"c": claim(value="octaves", test="trend", table="t", of={}, expect="less")})
    spec["values"]["octaves"] = {"open_at": {"beyond": "above"}}
    row = judge(spec, {"t": table}).iloc[0]
    assert row["verdict"] == "undetermined" and "in `of`: 4 of 12 values" in row["note"]
    assert judge(spec, {"t": table.assign(beyond="")}).iloc[0]["verdict"] == "supported"


def test_a_row_of_no_run_is_no_bound() -> None:
    made = early(of=4)
    table = made["tables"]["t"]
    table.loc[table["side"] == "of", "updates"] = float("nan")
    row = judge(made["spec"], made["tables"]).iloc[0]
    assert row["verdict"] == "undetermined" and "lower bound" not in row["note"]
    assert "runs without a finite updates in `of`: 4" in row["note"]


def test_what_is_not_a_way_to_the_target_is_no_bound() -> None:
    made = early(of=4)
    del made["spec"]["values"]["updates"]["censored"]
    made["spec"]["claims"]["c"]["expect"] = {"max": 1.2}
    assert judge(made["spec"], made["tables"]).iloc[0]["verdict"] == "supported"


def test_a_diverged_run_with_a_finite_value_is_not_averaged() -> None:
    """Its clock stopped early: 20, 20, 20 and 4 seconds against 10 are twice as long, not 1.3 times."""
    rows = [
        {"side": side, "seed": seed, "seconds": value, "status": "diverged" if value == 4 else "ok"}
        for side, values in (("of", (20, 20.2, 19.8, 4)), ("minus", (10, 10, 10, 10)))
        for seed, value in enumerate(values)
    ]
    spec = spec_of({"c": claim(value="seconds", test="ratio", table="t", of={"side": "of"}, minus={"side": "minus"})})
    spec["values"]["seconds"] = {"positive": True}
    row = judge(spec, {"t": pd.DataFrame(rows)}).iloc[0]
    assert row["measured"] == pytest.approx(2, rel=1e-3) and (row["n"], row["excluded"]) == (3, 1)
    assert row["verdict"] == "undetermined"


def test_a_margin_below_one_example_is_said() -> None:
    fine = verdict(test="equal", expect="equal", margin=0.001)["note"]
    assert fine == "the margin of 0.1 pp is below one example, 0.2 pp"
    assert verdict(test="equal", expect="equal", margin=0.002)["note"] == ""


# Several cells


def cells(*shifts: float) -> dict[str, pd.DataFrame]:
    """Return values near 1 of five seeds in cells (epoch), one shift each."""
    scatter = np.array([-0.002, -0.001, 0.0, 0.001, 0.002])
    rows = [
        {"seed": seed, "epoch": epoch, "ratio": 1 + shift + scatter[seed]}
        for epoch, shift in enumerate(shifts)
        for seed in range(5)
    ]
    return {"t": pd.DataFrame(rows)}


EACH = {"test": "level", "table": "t", "value": "ratio", "of": {}, "minus": None, "each": ["epoch"]}


def test_errors_of_opposite_sign_do_not_cancel() -> None:
    expect = {"min": 0.97, "max": 1.03}
    assert (
        verdict(cells(0.05, -0.05, 0.0), **{**EACH, "each": None, "aggregate": "mean"}, expect=expect)["verdict"]
        == "supported"
    )
    row = verdict(cells(0.04, -0.05, 0.0), **EACH, expect=expect)
    assert (row["verdict"], row["measured"]) == ("contradicted", pytest.approx(0.95))
    assert "the worst of 3 cells" in row["note"]
    assert "at epoch 1 [" in row["finding"] and ", the worst of 3 cells" in row["finding"]
    assert verdict(cells(0.02, -0.02, 0.0), **EACH, expect=expect)["verdict"] == "supported"


def test_one_of_many_cells_contradicts_at_the_level_of_all() -> None:
    # The interval of the first cell lies just outside; with twenty cells that is no evidence any more.
    half = intervals.t_quantile(5) * np.std([-0.002, -0.001, 0.0, 0.001, 0.002], ddof=1) / math.sqrt(5)
    just_outside = 0.03 + 1.05 * half
    expect = {"min": 0.97, "max": 1.03}
    assert verdict(cells(just_outside), **EACH, expect=expect)["verdict"] == "contradicted"
    assert verdict(cells(just_outside, *[0.0] * 19), **EACH, expect=expect)["verdict"] == "undetermined"


def test_a_positive_slope_is_not_growth_at_every_step() -> None:
    values = {2: 240.0, 4: 200.0, 8: 220.0, 16: 300.0, 32: 470.0}
    rows = [
        {"seed": seed, "batch_size": size, "mean": value + seed * (1 + size / 100)}
        for size, value in values.items()
        for seed in range(5)
    ]
    frame = {"t": pd.DataFrame(rows)}
    told = {"table": "t", "value": "mean", "of": {}, "minus": None, "expect": "greater"}
    assert verdict(frame, test="trend", **told)["verdict"] == "supported"
    row = verdict(frame, test="steps", **told)
    assert (row["verdict"], row["direction"]) == ("contradicted", "lower")
    assert row["measured"] == pytest.approx(-40 + 2 * 0.02) and "from B = 2 to 4" in row["finding"]


def test_range_is_the_spread_over_the_rows_of_a_seed() -> None:
    trials = pd.DataFrame({"seed": [0, 0, 0, 1, 1, 1], "norm": [1.0, 4.0, 2.0, 5.0, 5.5, 7.0]})
    level = {"test": "level", "table": "norms", "value": "norm", "of": {}, "expect": {"min": 0}, "aggregate": "range"}
    assert verdict({"norms": trials}, **level)["measured"] == pytest.approx((3 + 2) / 2)


# Mistakes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"of": {"batch_size": 17}}, r"`of` \{'batch_size': 17\} selects no row of table history"),
        ({"of": {"bach_size": 16}}, "filter bach_size: no such column; did you mean batch_size"),
        ({"value": "test_acuracy"}, "value test_acuracy: no such column; did you mean test_accuracy"),
        ({"table": "sharpness"}, "no table sharpness; the study has history"),
        ({"of": {"batch_size": 16}}, "selects 2 rows for one seed; narrow it"),
        ({"minus": None}, "test difference needs `minus`"),
        ({"test": "sign"}, "test 'sign' is not allowed; write level"),
        ({"expect": "smaller"}, "expect 'smaller' is not allowed with test difference"),
        ({"test": "equal"}, "expect 'less' is not allowed with test equal"),
        ({"test": "equal", "expect": "equal"}, "needs a margin"),
        ({"aggregate": "sum"}, "aggregate 'sum' is not allowed"),
        ({"test": "trend"}, "selects one batch size only"),
    ],
)
def test_a_wrong_claim_is_one_line_that_names_it(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BatchlabError, match=message) as caught:
        verdict(**changes)
    assert str(caught.value).startswith("claim larger_is_worse of study demo: ")
    assert "\n" not in str(caught.value)


def test_tables_needed() -> None:
    claims = {"a": claim(), "b": claim(table=["distances", "history"]), "c": claim(table="arms")}
    assert tables_needed(spec_of(claims)) == ["history", "distances", "arms"]


def test_a_claim_on_two_tables_selects_and_judges_columns_of_both() -> None:
    frame = history()
    walked = frame[["arm", "seed", "epoch", "batch_size"]].assign(from_initial=lambda f: f["epoch"] + f["seed"] / 10)
    spec = spec_of({"far": claim(table=["history", "distances"], value="from_initial", minus=None, test="level")})
    spec["claims"]["far"] |= {"of": {"batch_size": 16, "test_accuracy": {"min": 0.95}}, "expect": {"min": 2}}
    spec["tables"] = {name: {"text": [], "keys": ["arm", "seed", "epoch"]} for name in ("history", "distances")}
    row = judge(spec, {"history": frame, "distances": walked}).iloc[0]
    # Of both epochs only the second has such an accuracy; the mean of 2.0, 2.1, 2.2, 2.3 is 2.15.
    assert (row["measured"], row["n"]) == (pytest.approx(2.15), 4)


# The rule


@given(st.integers(-5, 5), st.integers(1, 4), st.integers(-8, 8), st.integers(0, 6), st.booleans())
def test_the_verdict_is_inclusion_disjointness_or_neither(
    low: int, width: int, ci_low: int, ci_width: int, closed: bool
) -> None:
    # Brute force over the interval in halves: all ends are whole numbers, so that no point of interest is missed.
    points = np.arange(ci_low, ci_low + ci_width + 0.5, 0.5)
    above, below = (np.greater_equal, np.less_equal) if closed else (np.greater, np.less)
    inside = above(points, low) & below(points, low + width)
    expected = "supported" if inside.all() else "undetermined" if inside.any() else "contradicted"
    assert Region(low, low + width, closed).verdict(ci_low, ci_low + ci_width) == expected


def test_inclusion_of_the_interval_is_two_one_sided_tests_at_half_of_five_percent() -> None:
    random = np.random.Generator(np.random.Philox(2))
    for margin in (0.2, 0.5, 1.0, 2.0):
        differences = random.normal(0.1, 0.5, 6)
        upper = stats.ttest_1samp(differences, margin, alternative="less").pvalue
        lower = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
        interval = mean_interval(differences)
        verdict = Region(-margin, margin, closed=True).verdict(interval.ci_low, interval.ci_high)
        assert (verdict == "supported") == (max(upper, lower) <= 0.025)


def test_a_true_claim_is_rarely_contradicted() -> None:
    random = np.random.Generator(np.random.Philox(0))
    verdicts = []
    for _ in range(2000):
        estimate = mean_interval(random.normal(0, 1, 5))
        verdicts.append(Region(-math.inf, 0.0, closed=True).verdict(estimate.ci_low, estimate.ci_high))
    # The truth is on the edge: 2.5 % fall on either side.
    assert abs(verdicts.count("contradicted") / 2000 - 0.025) < 0.015
    assert abs(verdicts.count("supported") / 2000 - 0.025) < 0.015
