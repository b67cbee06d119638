"""Tables of a small synthetic study, checked cell by cell and against brute force."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from batchlab.declarations import find
from batchlab.declarations.columns import Column, Table
from batchlab.declarations.task import chosen
from batchlab.errors import BatchlabError
from batchlab.tables.base import CLAIMS, COMPARISONS, STUDY_TABLES, known_columns
from batchlab.tables.contract import (
    columns_of,
    columns_spec,
    derive_spec,
    reading_spec,
    summary_spec,
    tables_spec,
)
from batchlab.tables.csv_files import merge_tables, read_table, write_csv, write_tables
from batchlab.tables.derivations.gradient_norm_summary.derive import derive as gradient_norm_summary
from batchlab.tables.derivations.gradient_norm_summary.derive import predicted_rms
from batchlab.tables.derivations.ranking.derive import derive as ranking
from batchlab.tables.derivations.steps_to_target.derive import derive as steps_to_target
from batchlab.tables.deriving import derived_table
from batchlab.tables.formulas import evaluate, with_derived
from batchlab.tables.intervals import moments
from batchlab.tables.joining import joined
from batchlab.tables.selection import select
from batchlab.tables.study import study_tables
from batchlab.tasks.classification.constant import levels

SCRIPTS = Path(__file__).parents[2] / "scripts"
EXAMPLES = 100
BLOCKS = ((0, 1), (2,))


def random(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


class Results:
    """Writes folders of segments as the training stage does."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def segment(
        self, name: str, epochs: list[int], phase: tuple[int, int, float] | None, diverged: tuple[int, ...] = ()
    ) -> list[str]:
        folders = []
        for block in BLOCKS:
            rows, distances = [], []
            for seed, epoch in itertools.product(block, epochs):
                rows.append(self.row(seed, epoch, phase, seed in diverged))
                distances.append({"seed": seed, "epoch": epoch, "updates": rows[-1]["updates"]})
                distances[-1] |= {"from_initial": 0.5 * epoch + seed, "from_origin": 10 + epoch}
            folder = self.root / name / f"{block[0]}-{block[-1]}"
            folder.mkdir(parents=True)
            pd.DataFrame(rows).to_csv(folder / "history.csv", index=False)
            pd.DataFrame(distances).to_csv(folder / "distances.csv", index=False)
            folders.append(str(folder))
        return folders

    @staticmethod
    def row(seed: int, epoch: int, phase: tuple[int, int, float] | None, diverged: bool) -> dict[str, Any]:
        batch_size = phase[0] if phase else 1
        metrics = {
            "train_loss": 2 / (1 + epoch),
            "train_accuracy": 0.5 + 0.1 * epoch,
            "validation_loss": abs(epoch - 1.9) + 0.5,
            "validation_accuracy": 0.5,
            "test_loss": 2.5 / (1 + epoch),
            "test_accuracy": 0.4 + 0.1 * epoch + 0.01 * seed * (1 + 1 / batch_size),
        }
        budgets = {"updates": epoch * EXAMPLES // batch_size, "examples": epoch * EXAMPLES, "seconds": 0.25 * epoch}
        settings = dict(zip(("batch_size", "accumulation", "learning_rate"), phase, strict=True)) if phase else {}
        status = "diverged" if diverged else "ok"
        values = dict.fromkeys(metrics) if diverged else metrics
        return {"seed": seed, "epoch": epoch, **budgets, "status": status, **values, **settings}


def arm(name: str, batch_size: int, segments: list[list[str]], **more: Any) -> dict[str, Any]:
    return {
        "arm": name,
        "recipe": name.partition("-")[0],
        "label": f"B = {batch_size}",
        "dataset": "digits",
        "model": "mlp",
        "optimizer": "sgd",
        "batch_size": batch_size,
        "accumulation": 1,
        "learning_rate": 0.1,
        "learning_rate_rule": "none",
        "precision": "float32",
        "phases": f"3 epochs B={batch_size}",
        "budget": "epochs",
        "segments": segments,
        **more,
    }


@pytest.fixture
def spec(tmp_path: Path) -> dict[str, Any]:
    results = Results(tmp_path)
    start = results.segment("start", [0], None)
    large = results.segment("large", [1, 2], (20, 2, 0.1))
    small = results.segment("small", [1, 2, 3], (10, 1, 0.1))
    longer = results.segment("longer", [3], (20, 2, 0.1), diverged=(2,))
    switched = results.segment("switched", [3], (10, 1, 0.2))
    data = str(tmp_path / "data.npz")
    np.savez(data, y_train=np.arange(30) % 10, y_test=np.arange(20) % 10)
    return {
        "study": "demo",
        "reference": {"batch_size": 10, "recipe": "fixed"},
        "arms": [
            arm("fixed-b10", 10, [start, small], data=data),
            arm("fixed-b20", 20, [start, large, longer], data=data, accumulation=2),
            arm("switched-b10", 10, [start, large, switched], data=data, learning_rate=0.2, label="none"),
        ],
        "probes": [],
        "derivations": [],
        "tables": tables_spec(STUDY_TABLES),
        **summary_spec(chosen(find.tasks())),
    }


def measured(spec: dict[str, Any], tables: dict[str, pd.DataFrame], kind: str, folder: Path) -> dict[str, Any]:
    """Return the settings of a study with a probe that has written tables into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    probe = {"probe": kind, "arm": "fixed-b20", "epoch": None, "folder": str(folder), "tables": list(tables)}
    declared = find.probes()[kind]
    derivations = [find.derivations()[name].table for name in declared.derived]
    return {
        **spec,
        "probes": [probe],
        "derivations": list(declared.derived),
        "tables": tables_spec([*STUDY_TABLES, *declared.tables, *derivations]),
    }


def own_columns(table: Table) -> list[str]:
    """Return the columns that a probe writes itself: those that tabulating does not add."""
    added = ("study", "arm", "epoch", "probe", *table.arm_columns)
    own = [column.name for column in table.own]
    return [name for name in table.names if name not in added or name in own]


# Assembly


def test_tables_have_the_declared_columns_in_order(spec: dict[str, Any]) -> None:
    tables = study_tables(spec)
    assert list(tables) == [table.name for table in STUDY_TABLES]
    for table in STUDY_TABLES:
        assert tuple(tables[table.name].columns) == table.names


@pytest.mark.parametrize("kind", sorted(find.probes()))
def test_tables_of_probes_have_the_declared_columns_in_order(kind: str, spec: dict[str, Any], tmp_path: Path) -> None:
    declared = find.probes()[kind]
    written = {}
    for table in declared.tables:
        columns = columns_of([table])
        texts = {name: "a" if columns[name].kind == "text" else 1 for name in own_columns(table)}
        texts |= {"outcome": "measured"} if "outcome" in texts else {}
        # The order in which a probe writes them does not matter.
        written[table.name] = pd.DataFrame([texts])[own_columns(table)[::-1]]
    spec = measured(spec, written, kind, tmp_path / "probe")
    tables = study_tables(spec)
    for table in (*declared.tables, *(find.derivations()[name].table for name in declared.derived)):
        assert tuple(tables[table.name].columns) == table.names, table.name
        write_tables(tmp_path / "out", tables, spec["tables"])
        header = (tmp_path / "out" / f"{table.name}.csv").read_text().partition("\n")[0]
        assert header.split(",") == list(table.names)


def test_columns_on_request_stand_before_the_settings_of_the_arm(spec: dict[str, Any], tmp_path: Path) -> None:
    norms, exact = norm_trials(trials=2)
    norms = norms[["seed", "method", "batch_size", "trial", "norm"]].assign(norm_dense=1 / 3)
    written = {"gradient_norms": norms, "gradient_moments": exact[["seed", "examples", "squared_norm", "trace"]]}
    written["gradient_moments"] = written["gradient_moments"].assign(ratio=1.0)
    spec = measured(spec, written, "gradient_norms", tmp_path / "probe")
    tables = study_tables(spec)
    assert tables["gradient_norms"].columns.tolist()[-5:] == ["norm", "norm_dense", "recipe", "label", "probe"]
    write_tables(tmp_path / "out", tables, spec["tables"])
    # Norms have seven digits, those of layers too.
    assert ",0.3333333," in (tmp_path / "out/gradient_norms.csv").read_text()


@pytest.mark.parametrize(
    ("change", "message"), [("drop", "has no column updates"), ("add", "column loss is not declared")]
)
def test_a_probe_that_writes_other_columns_than_it_declares_is_one_line(
    change: str, message: str, spec: dict[str, Any], tmp_path: Path
) -> None:
    (table,) = find.probes()["weight_drift"].tables
    frame = pd.DataFrame([dict.fromkeys(own_columns(table), 1)])
    frame = frame.drop(columns="updates") if change == "drop" else frame.assign(loss=1)
    with pytest.raises(BatchlabError, match=message):
        study_tables(measured(spec, {"weight_drift": frame}, "weight_drift", tmp_path / "probe"))


def test_every_arm_has_its_whole_chain_in_order(spec: dict[str, Any]) -> None:
    history = study_tables(spec)["history"]
    assert len(history) == 3 * 3 * 4
    for _, run in history.groupby(["arm", "seed"]):
        assert run["epoch"].tolist() == [0, 1, 2, 3]
    assert history["arm"].unique().tolist() == ["fixed-b10", "fixed-b20", "switched-b10"]


def test_the_initial_weights_take_the_settings_of_the_first_phase(spec: dict[str, Any]) -> None:
    tables = study_tables(spec)
    switched = select(tables["history"], {"arm": "switched-b10", "seed": 2})
    assert switched["batch_size"].tolist() == [20, 20, 20, 10]
    assert switched["accumulation"].tolist() == [2, 2, 2, 1]
    assert switched["learning_rate"].tolist() == [0.1, 0.1, 0.1, 0.2]
    assert tables["history"]["batch_size"].dtype == "int64"
    assert select(tables["distances"], {"arm": "switched-b10", "seed": 2})["batch_size"].tolist() == [20, 20, 20, 10]


def test_an_arm_without_training_takes_its_own_settings(spec: dict[str, Any]) -> None:
    spec["arms"] = [arm("fixed-b10", 10, [spec["arms"][0]["segments"][0]], data=spec["arms"][0]["data"])]
    assert study_tables(spec)["history"]["batch_size"].tolist() == [10, 10, 10]


def test_a_missing_folder_is_one_line(spec: dict[str, Any], tmp_path: Path) -> None:
    spec["arms"][0]["segments"].append([str(tmp_path / "gone")])
    with pytest.raises(BatchlabError, match=r"gone/history\.csv: no such table"):
        study_tables(spec)


def test_probe_tables_carry_arm_and_epoch(spec: dict[str, Any], tmp_path: Path) -> None:
    (table,) = find.probes()["weight_drift"].tables
    frame = pd.DataFrame([dict.fromkeys(own_columns(table), 1) | {"accumulation": 4, "updates": n} for n in (1, 2)])
    spec = measured(spec, {"weight_drift": frame}, "weight_drift", tmp_path / "probe")
    spec["probes"].append({**spec["probes"][0], "arm": "switched-b10", "epoch": 2})
    drift = study_tables(spec)["weight_drift"]
    assert drift["epoch"].tolist() == [3, 3, 2, 2]
    assert drift["label"].tolist() == ["B = 20", "B = 20", "none", "none"]
    assert drift["accumulation"].tolist() == [4] * 4 and drift["batch_size"].tolist() == [20, 20, 10, 10]


def test_the_order_of_rows_does_not_depend_on_the_blocks_of_seeds(spec: dict[str, Any], tmp_path: Path) -> None:
    (table,) = find.probes()["weight_drift"].tables
    texts = dict.fromkeys(own_columns(table), 1)
    # A probe goes over the sizes, and for each over its seeds.
    rows = [texts | {"seed": seed, "accumulation": size} for size in (4, 16) for seed in (0, 1, 2)]
    whole = measured(spec, {"weight_drift": pd.DataFrame(rows)}, "weight_drift", tmp_path / "probe/seeds-0-2")
    blocks = []
    for name, seeds in (("seeds-0-1", (0, 1)), ("seeds-2-2", (2,))):
        part = pd.DataFrame([row for row in rows if row["seed"] in seeds])
        blocks += measured(spec, {"weight_drift": part}, "weight_drift", tmp_path / "probe" / name)["probes"]
    one = study_tables(whole)["weight_drift"]
    pd.testing.assert_frame_equal(one, study_tables({**whole, "probes": blocks})["weight_drift"])
    assert one[["seed", "accumulation"]].to_numpy().tolist() == [[s, k] for s in (0, 1, 2) for k in (4, 16)]


def test_a_probe_of_an_unknown_arm_is_one_line(spec: dict[str, Any]) -> None:
    spec["probes"] = [{"probe": "drift", "arm": "fixed-b99", "epoch": 1, "folder": "x", "tables": ["weight_drift"]}]
    with pytest.raises(BatchlabError, match="probe drift: no arm fixed-b99"):
        study_tables(spec)


# Summary and comparisons


def test_summary_is_the_interval_over_seeds_at_the_last_epoch(spec: dict[str, Any]) -> None:
    summary = study_tables(spec)["summary"].set_index(["arm", "metric"])
    row = summary.loc[("fixed-b10", "test_accuracy")]
    values = np.array([0.7, 0.7 + 0.011, 0.7 + 0.022])
    low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    assert (row["mean"], row["ci_low"], row["ci_high"]) == pytest.approx((values.mean(), low, high))
    assert row["n"] == 3 and row["diverged"] == 0
    assert summary.loc[("fixed-b10", "updates"), "mean"] == 30
    assert summary.loc[("fixed-b20", "from_initial"), "mean"] == pytest.approx(2.5)
    assert summary.loc[("fixed-b10", "best_validation_epoch"), "mean"] == 2
    assert summary.loc[("fixed-b10", "test_accuracy_at_best_validation"), "mean"] == pytest.approx(0.6 + 0.011)


def test_an_interval_of_an_accuracy_stays_within_its_range(spec: dict[str, Any]) -> None:
    for block in spec["arms"][0]["segments"][1]:
        history = pd.read_csv(Path(block) / "history.csv")
        # Accuracies of 0.70, 0.86 and 0.97 at the end: the t interval would reach 1.18.
        history["test_accuracy"] = history["seed"].map({0: 0.70, 1: 0.86, 2: 0.97})
        history.to_csv(Path(block) / "history.csv", index=False)
    row = study_tables(spec)["summary"].set_index(["arm", "metric"]).loc[("fixed-b10", "test_accuracy")]
    low, _ = stats.t.interval(0.95, 2, np.mean([0.70, 0.86, 0.97]), stats.sem([0.70, 0.86, 0.97]))
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(low), 1.0)


def test_a_run_at_chance_level_is_listed_and_counted_and_kept_out_of_intervals(spec: dict[str, Any]) -> None:
    for block in spec["arms"][0]["segments"][1]:
        history = pd.read_csv(Path(block) / "history.csv")
        # The largest class has a tenth of the labels; a run that answers with it is right for 10 %.
        history.loc[history["seed"] == 1, "test_accuracy"] = 0.1
        history.to_csv(Path(block) / "history.csv", index=False)
    tables = study_tables(spec)
    assert tables["arms"]["collapsed"].fillna("").tolist() == ["1", "", ""]
    summary = tables["summary"].set_index(["arm", "metric"])
    row = summary.loc[("fixed-b10", "test_accuracy")]
    assert (row["n"], row["collapsed"], row["diverged"]) == (2, 1, 0)
    assert row["mean"] == pytest.approx((0.7 + 0.722) / 2)
    assert summary.loc[("fixed-b10", "from_initial"), "n"] == 2
    assert summary.loc[("fixed-b10", "updates"), "n"] == summary.loc[("fixed-b10", "seconds"), "n"] == 3
    pairs = tables["comparisons"].set_index(["metric", "arm"])
    assert pairs.loc[("test_accuracy", "switched-b10"), "n"] == 2


@pytest.mark.parametrize(("loss", "found"), [(2.31, "1"), (2.29, "")])
def test_a_loss_of_the_best_constant_prediction_is_chance_level(loss: float, found: str, spec: dict[str, Any]) -> None:
    for block in spec["arms"][0]["segments"][1]:
        history = pd.read_csv(Path(block) / "history.csv")
        history.loc[history["seed"] == 1, "train_loss"] = loss  # ten equal classes: ln 10 = 2.3026
        history.to_csv(Path(block) / "history.csv", index=False)
    assert study_tables(spec)["arms"]["collapsed"].fillna("").tolist() == [found, "", ""]


def test_constant_predictions_by_brute_force() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    found = levels({"y_train": labels, "y_test": labels}, {})
    assert found["test_accuracy"].value == max(np.mean(labels == answer) for answer in range(3)) == 0.5
    shares = np.random.default_rng(0).dirichlet(np.ones(3), 20_000)
    losses = -(np.log(shares)[:, labels]).mean(axis=1)
    assert found["train_loss"].value <= losses.min() < found["train_loss"].value + 1e-3


def test_an_arm_with_the_training_of_its_reference_is_not_counted_among_the_comparisons(spec: dict[str, Any]) -> None:
    before = study_tables(spec)["comparisons"]
    same = {**spec["arms"][0], "arm": "other-b10", "recipe": "other", "learning_rate_rule": "sqrt"}
    after = study_tables({**spec, "arms": [*spec["arms"], same]})["comparisons"]
    pd.testing.assert_frame_equal(before, after)


def test_diverged_runs_are_counted_and_left_out_of_the_mean(spec: dict[str, Any]) -> None:
    summary = study_tables(spec)["summary"].set_index(["arm", "metric"])
    row = summary.loc[("fixed-b20", "test_accuracy")]
    assert (row["n"], row["diverged"]) == (2, 1)
    assert row["mean"] == pytest.approx(0.7 + 0.01 * 1.05 / 2)
    assert summary.loc[("fixed-b20", "updates"), "n"] == 3
    assert summary.loc[("fixed-b20", "seconds"), "n"] == 2


def test_comparisons_are_paired_and_adjusted_within_a_metric(spec: dict[str, Any]) -> None:
    comparisons = study_tables(spec)["comparisons"]
    accuracy = comparisons[comparisons["metric"] == "test_accuracy"].set_index("arm")
    assert accuracy.index.tolist() == ["fixed-b20", "switched-b10"]
    assert accuracy["reference"].tolist() == ["fixed-b10"] * 2
    assert accuracy["n"].tolist() == [2, 3]
    assert accuracy.loc["fixed-b20", "difference"] == pytest.approx(0.01 * (1 / 20 - 1 / 10) / 2)
    # The switched arm ends with the batch size of its reference, hence the same accuracies here.
    assert accuracy.loc["switched-b10", ["difference", "p", "p_holm"]].tolist() == [0, 1, 1]
    assert accuracy.loc["fixed-b20", "p_holm"] == pytest.approx(min(1, 2 * accuracy.loc["fixed-b20", "p"]))
    assert set(accuracy["verdict"]) == {"cannot be told apart"}


def test_a_clear_difference_is_told(spec: dict[str, Any], tmp_path: Path) -> None:
    for folder in spec["arms"][1]["segments"][2]:
        path = Path(folder, "history.csv")
        worse = read_table(path).assign(status="ok", test_accuracy=lambda f: 0.3 + 0.001 * f["seed"] ** 2)
        worse.to_csv(path, index=False)
    comparisons = study_tables(spec)["comparisons"].set_index(["metric", "arm"])
    row = comparisons.loc[("test_accuracy", "fixed-b20")]
    assert row["verdict"] == "lower" and row["p_holm"] < 0.01 and row["effect_size"] < -10


def test_without_a_reference_nothing_is_compared(spec: dict[str, Any], tmp_path: Path) -> None:
    comparisons = study_tables({**spec, "reference": None})["comparisons"]
    assert comparisons.empty
    write_csv(tmp_path / "empty.csv", comparisons)
    assert (tmp_path / "empty.csv").read_text() == ",".join(COMPARISONS.names) + "\n"


def test_of_several_references_the_most_similar_is_taken(spec: dict[str, Any]) -> None:
    first, second, third = spec["arms"]
    twins = [{**a, "arm": a["arm"] + "-adam", "optimizer": "adam"} for a in (first, second)]
    spec["arms"] = [first, second, third, *twins]
    comparisons = study_tables(spec)["comparisons"]
    chosen = comparisons[comparisons["metric"] == "test_accuracy"].set_index("arm")["reference"].to_dict()
    assert chosen == {
        "fixed-b20": "fixed-b10",
        "switched-b10": "fixed-b10",
        "fixed-b20-adam": "fixed-b10-adam",
    }


def test_a_reference_that_fits_nothing_is_one_line(spec: dict[str, Any]) -> None:
    with pytest.raises(BatchlabError, match="reference 'fixed-b11': fits no arm"):
        study_tables({**spec, "reference": "fixed-b11"})


# Gradient norms


def norm_trials(sizes: tuple[int, ...] = (1, 4, 12), trials: int = 4000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return trials at fixed weights from twelve real per-example gradients, and their exact moments."""
    gradients = random(1).normal(0.5, 1, (12, 3))
    rows = []
    for size in sizes:
        for trial in range(trials):
            batch = random(size * 10_000 + trial).choice(12, size, replace=False)
            rows.append((size, trial, np.linalg.norm(gradients[batch].sum(axis=0))))
    norms = pd.DataFrame(rows, columns=["batch_size", "trial", "norm"])
    facts = {"study": "s", "arm": "a", "epoch": 2.0, "seed": 0, "probe": "p"}
    norms = norms.assign(**facts, method="fixed_weights", recipe="r", label="l")
    mean = gradients.mean(axis=0)
    trace = ((gradients - mean) ** 2).sum() / 12
    return norms, pd.DataFrame([{**facts, "examples": 12, "squared_norm": mean @ mean, "trace": trace}])


def test_predicted_rms_equals_the_mean_over_all_batches() -> None:
    gradients = random(2).normal(0.3, 1, (7, 3))
    mean = gradients.mean(axis=0)
    trace = ((gradients - mean) ** 2).sum() / 7
    for size in range(1, 8):
        sums = [gradients[list(batch)].sum(axis=0) for batch in itertools.combinations(range(7), size)]
        exact = math.sqrt(np.mean([total @ total for total in sums]))
        assert predicted_rms(size, mean @ mean, trace, 7) == pytest.approx(exact)


def test_large_data_reach_the_published_ratio() -> None:
    b = 50.0
    ratio = predicted_rms(1024, 1, b, 10**12) / predicted_rms(64, 1, b, 10**12)
    assert ratio == pytest.approx(math.sqrt(1024 * (1024 + b) / (64 * (64 + b))), rel=1e-6)


def test_norm_summary_states_moments_and_prediction() -> None:
    norms, exact = norm_trials()
    summary = summarised(norms, exact).set_index("batch_size")
    for size, group in norms.groupby("batch_size"):
        row, shape = summary.loc[size], moments(group["norm"])
        assert row["trials"] == 4000
        assert (row["mean"], row["std"], row["skewness"]) == pytest.approx(
            (shape.mean, shape.std, shape.skewness), nan_ok=True
        )
        assert row["rms"] == pytest.approx(math.sqrt((group["norm"] ** 2).mean()))
    for size in (1, 4):
        assert summary.loc[size, "ratio_low"] < 1 < summary.loc[size, "ratio_high"]
    # All twelve examples: one possible batch, no spread, and the prediction holds to rounding.
    assert summary.loc[12, "ratio_to_prediction"] == pytest.approx(1, abs=1e-12)
    assert summary.loc[12, "largest_over_this_mean"] == 1
    assert summary.loc[1, "largest_over_this_rms"] == pytest.approx(
        summary.loc[1, "largest_over_this_predicted"], rel=0.05
    )


def test_summed_along_a_path_there_is_no_prediction() -> None:
    norms, exact = norm_trials(trials=10)
    both = pd.concat([norms, norms.assign(method="same_samples")], ignore_index=True)
    summary = summarised(both, exact)
    assert summary["method"].tolist() == ["fixed_weights"] * 3 + ["same_samples"] * 3
    assert summary["predicted_rms"].notna().tolist() == [True] * 3 + [False] * 3
    # Of a snapshot without moments nothing is predicted.
    assert summarised(both, exact.assign(seed=9))["ratio_to_prediction"].isna().all()


def test_error_of_the_relative_spread_matches_simulation() -> None:
    samples = random(3).gamma(4, 1, (500, 300))
    frame = pd.DataFrame({"norm": samples.ravel(), "seed": np.repeat(np.arange(500), 300)})
    frame = frame.assign(study="s", arm="a", epoch=1.0, probe="p", method="m", batch_size=1, recipe="r", label="l")
    summary = summarised(frame, norm_trials(trials=1)[1])
    assert summary["relative_std_error"].mean() == pytest.approx(summary["relative_std"].std(), rel=0.1)


def summarised(norms: pd.DataFrame, exact: pd.DataFrame) -> pd.DataFrame:
    tables = {"gradient_norms": norms, "gradient_moments": exact}
    return gradient_norm_summary(tables, {})


# Steps to target


def runs(**changes: Any) -> pd.DataFrame:
    """Return runs of three seeds whose accuracy is 0.2 × (epoch + seed / 2), evaluated at epochs 0 to 3."""
    rows = [
        {
            "study": "s",
            "arm": "a",
            "seed": seed,
            "epoch": epoch,
            "updates": 10 * epoch,
            "examples": 100 * epoch,
            "seconds": 0.5 * epoch,
            "status": "ok",
            "test_accuracy": 0.2 * (epoch + seed / 2),
            "test_loss": 4.0 - epoch,
            "batch_size": 10,
            **changes,
        }
        for seed in range(3)
        for epoch in range(4)
    ]
    return pd.DataFrame(rows)


def steps(history: pd.DataFrame, **options: Any) -> list[tuple[float, ...]]:
    known = {"metric": "test_accuracy", "better": "higher", "interpolate": False, **options}
    made = steps_to_target({"history": history}, known)
    columns = ["reached", "value", "epoch", "updates", "examples", "seconds"]
    return [tuple(row) for row in made[columns].to_numpy(float)]


def test_the_first_evaluation_that_reaches_the_target_counts() -> None:
    # Seed 0 has 0.6 at epoch 3, seed 1 has 0.5 at epoch 2, seed 2 has 0.6 at epoch 2.
    assert steps(runs(), target=0.5) == [
        pytest.approx((1, 0.6, 3, 30, 300, 1.5)),
        pytest.approx((1, 0.5, 2, 20, 200, 1.0)),
        pytest.approx((1, 0.6, 2, 20, 200, 1.0)),
    ]
    shuffled = runs().sample(frac=1, random_state=0).sort_values("seed", kind="stable")
    assert steps(shuffled, target=0.5) == [pytest.approx(row) for row in steps(runs(), target=0.5)]


def test_a_run_that_never_reaches_the_target_is_kept_with_its_end_and_its_best_value() -> None:
    history = runs()
    history.loc[(history["seed"] == 0) & (history["epoch"] == 3), ["test_accuracy", "status"]] = [math.nan, "diverged"]
    first, second, third = steps(history, target=0.75)
    assert first == pytest.approx((0, 0.4, 3, 30, 300, 1.5))
    assert second == pytest.approx((0, 0.7, 3, 30, 300, 1.5))
    assert third == pytest.approx((1, 0.8, 3, 30, 300, 1.5))


def test_lower_is_better_where_it_is_said() -> None:
    assert steps(runs(), metric="test_loss", target=2.0, better="lower")[0] == pytest.approx((1, 2, 2, 20, 200, 1))
    assert steps(runs(), metric="test_loss", target=0.5, better="lower")[0] == pytest.approx((0, 1, 3, 30, 300, 1.5))


def test_between_evaluations_the_crossing_is_on_a_line_where_that_is_asked_for() -> None:
    first, second, third = steps(runs(), target=0.5, interpolate=True)
    assert first == pytest.approx((1, 0.5, 2.5, 25, 250, 1.25))
    assert second == pytest.approx((1, 0.5, 2, 20, 200, 1.0))
    assert third == pytest.approx((1, 0.5, 1.5, 15, 150, 0.75))
    # Reached before training: there is nothing to interpolate from.
    assert steps(runs(), target=0.0, interpolate=True)[0] == pytest.approx((1, 0, 0, 0, 0, 0))


def ranked(values: dict[str, list[float]], **options: Any) -> pd.DataFrame:
    """Rank arms with these values at the last epoch, one for each seed; before it, all have 0.99."""
    rows = [
        {
            "study": "s",
            "arm": arm,
            "seed": seed,
            "epoch": epoch,
            "dataset": "d",
            "model": arm[0],
            "recipe": "r",
            "m": value,
        }
        for arm, own in values.items()
        for seed, last in enumerate(own)
        for epoch, value in ((1, 0.99), (2, last))
    ]
    return ranking({"history": pd.DataFrame(rows)}, {"metric": "m", "better": "higher", **options})


def test_a_ranking_compares_with_the_best_arm_of_the_same_data_set_and_model() -> None:
    good, close, bad = [0.90, 0.92, 0.94], [0.91, 0.90, 0.94], [0.80, 0.825, 0.84]
    found = ranked({"a-bad": bad, "a-close": close, "a-good": good, "b-only": [0.1, 0.2, 0.3]})
    assert found["arm"].tolist() == ["a-good", "a-close", "a-bad", "b-only"]
    assert found["verdict"].tolist() == ["best", "cannot be told apart", "worse", "best"]
    assert found["mean"].tolist() == pytest.approx([0.92, 0.91666667, 0.82166667, 0.2])
    test = stats.ttest_rel(bad, good)
    interval = test.confidence_interval()
    row = found.iloc[2]
    assert row["difference"] == pytest.approx(np.mean(bad) - np.mean(good))
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((interval.low, interval.high))
    assert row["p_holm"] == pytest.approx(2 * test.pvalue)
    assert found["last_epoch"].tolist() == [2] * 4


def test_lower_is_better_in_a_ranking_where_it_is_said() -> None:
    found = ranked({"a-low": [0.1, 0.2, 0.3], "a-high": [0.5, 0.61, 0.7]}, better="lower")
    assert found["arm"].tolist() == ["a-low", "a-high"] and found["verdict"].tolist() == ["best", "worse"]


def test_an_arm_with_a_failed_run_is_not_the_best_if_another_has_none() -> None:
    found = ranked({"a-failed": [0.99, math.nan, 0.99], "a-whole": [0.5, 0.6, 0.7]})
    assert found["arm"].tolist() == ["a-whole", "a-failed"]
    assert found[["n", "runs"]].to_numpy().tolist() == [[3, 3], [2, 3]]
    assert ranked({"a": [math.nan, math.nan]}).empty


def test_a_ranking_of_a_recipe_that_no_arm_has_is_one_line() -> None:
    with pytest.raises(BatchlabError, match="recipe 'fast': no arm has it"):
        ranked({"a": [0.1, 0.2]}, recipe="fast")


def test_settings_of_derived_tables_follow_the_column_that_is_named() -> None:
    tables = {table.name: table for table in STUDY_TABLES}
    spec = derive_spec("s", "reached", "steps_to_target", {"target": 0.1, "metric": "test_error"}, tables)
    assert spec["options"] == {"metric": "test_error", "target": 0.1, "better": "lower", "interpolate": False}
    assert spec["derived"] == {"test_error": "1 - test_accuracy"} and spec["reads"] == ["history"]
    accuracy = derive_spec("s", "reached", "steps_to_target", {"target": 0.9, "metric": "test_accuracy"}, tables)
    assert accuracy["options"]["better"] == "higher" and accuracy["derived"] == {}
    with pytest.raises(BatchlabError, match="give better: higher or lower"):
        derive_spec("s", "reached", "steps_to_target", {"target": 9, "metric": "seconds"}, tables)


def test_mistakes_of_derivations_are_one_line_each() -> None:
    options = {"metric": "test_acuracy", "target": 1, "better": "higher", "interpolate": False}
    with pytest.raises(BatchlabError, match="derivation steps_to_target: metric test_acuracy: no such column; did you"):
        derived_table("steps_to_target", {"history": runs()}, options, [])
    options["metric"] = "test_accuracy"
    with pytest.raises(BatchlabError, match="column sharpness is declared, but"):
        derived_table("steps_to_target", {"history": runs()}, options, ["study", "sharpness"])


# Formulas


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        ("a + b * 2", [7, 1, 12]),
        ("(a - b) / b", [-2 / 3, math.nan, 0]),
        ("a // b", [0, math.nan, 1]),
        ("ceil(b / 2) + round(a / 4)", [2, 0, 3]),
        ("sqrt(b) - abs(-a)", [math.sqrt(3) - 1, -1, math.sqrt(4) - 4 + 0]),
        ("log(b)", [math.log(3), math.nan, math.log(4)]),
        ("sqrt(a - 2)", [math.nan, math.nan, math.sqrt(2)]),
        ("-a / 0", [math.nan] * 3),
    ],
)
def test_formulas(formula: str, values: list[float]) -> None:
    frame = pd.DataFrame({"a": [1, 1, 4], "b": [3, 0, 4]})
    assert evaluate(formula, frame).tolist() == pytest.approx(values, nan_ok=True)


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os')",
        "a.mean()",
        "a ** 2",
        "a[0]",
        "exp(a)",
        "a if b else a",
        "a +",
        "'a'",
        "ceil(a, b)",
        "c",
        "True",
    ],
)
def test_a_formula_that_is_no_arithmetic_of_columns_is_one_line(formula: str) -> None:
    with pytest.raises(BatchlabError, match="formula") as caught:
        evaluate(formula, pd.DataFrame({"a": [1], "b": [2]}))
    assert "\n" not in str(caught.value)


def test_updates_beyond_the_formula_are_those_of_brute_force() -> None:
    (column,) = (column for column in known_columns() if column.name == "updates_beyond_formula")
    rows = [(16, 1), (48, 1), (64, 2)]
    frame = pd.DataFrame(
        [
            {"batch_size": size, "epoch": float(epoch), "examples": 100 * epoch, "updates": epoch * -(-100 // size)}
            for size, epoch in rows
        ]
    )
    assert evaluate(column.formula, frame).tolist() == [0, 0, 0]
    assert evaluate(column.formula, frame.assign(updates=frame["updates"] + 3)).tolist() == [3, 3, 3]
    assert evaluate(column.formula, frame.assign(epoch=0.0)).isna().all()


# Joined tables

KEYS = {"keys": ["arm", "seed"], "text": []}


def test_tables_are_joined_one_to_one_and_the_first_has_the_first_word() -> None:
    left = pd.DataFrame({"arm": ["a", "a", "b"], "seed": [0, 1, 0], "loss": [1.0, 2.0, 3.0], "label": "left"})
    right = pd.DataFrame({"arm": ["b", "a", "c"], "seed": [0, 1, 0], "norm": [30.0, 20.0, 40.0], "label": "right"})
    both = joined(["l", "r"], {"l": left, "r": right}, {"l": KEYS, "r": KEYS})
    assert both[["arm", "seed", "loss", "norm", "label"]].to_numpy().tolist() == [
        ["a", 1, 2.0, 20.0, "left"],
        ["b", 0, 3.0, 30.0, "left"],
    ]


def test_a_row_that_belongs_to_several_is_repeated() -> None:
    many = pd.DataFrame({"arm": ["a", "a", "b"], "seed": [0, 1, 0], "epoch": [1 / 3, 0.333333333, 2.0], "x": [1, 2, 3]})
    one = pd.DataFrame({"arm": ["a", "b"], "epoch": [0.333333333, 2.0], "y": [10, 20]})
    spec = {"m": {"keys": ["arm", "seed", "epoch"]}, "o": {"keys": ["arm", "epoch"]}}
    assert joined(["m", "o"], {"m": many, "o": one}, spec)["y"].tolist() == [10, 10, 20]
    assert joined(["o", "m"], {"m": many, "o": one}, spec)["x"].tolist() == [1, 2, 3]


def test_tables_of_two_kinds_of_probes_are_joined_by_snapshot() -> None:
    spec = {name: {"keys": ["arm", "probe", "seed"]} for name in "ab"}
    first = pd.DataFrame({"arm": "a", "probe": "one", "seed": [0, 1], "x": [1, 2]})
    second = pd.DataFrame({"arm": "a", "probe": "two", "seed": [0, 1], "y": [3, 4]})
    assert joined(["a", "b"], {"a": first, "b": second}, spec)["y"].tolist() == [3, 4]


def test_tables_that_cannot_be_joined_are_one_line() -> None:
    frame = pd.DataFrame({"arm": ["a", "a"], "seed": [0, 0], "claim": ["c", "d"]})
    with pytest.raises(BatchlabError, match="tables a and b share no key"):
        joined(["a", "b"], {"a": frame, "b": frame}, {"a": KEYS, "b": {"keys": ["claim"]}})
    with pytest.raises(BatchlabError, match="both have several rows for one arm, seed"):
        joined(["a", "b"], {"a": frame, "b": frame}, {"a": KEYS, "b": KEYS})


# What jobs know of columns


def test_settings_hold_of_columns_what_a_job_uses_and_nothing_else() -> None:
    columns = {"a": Column("a", "meaning", title="A", unit="s", digits=7), "b": Column("b", title="B")}
    assert columns_spec(columns, ["a", "b", "norm_dense"], ("unit", "digits")) == {
        "a": {"unit": "s", "digits": 7},
        "b": {},
    }
    retitled = {"a": Column("a", "other", title="Other", unit="s", digits=7), "b": columns["b"]}
    assert columns_spec(retitled, ["a"], ("unit", "digits")) == columns_spec(columns, ["a"], ("unit", "digits"))


def test_text_columns_are_those_that_are_declared() -> None:
    (claims,) = reading_spec([CLAIMS]).values()
    assert {"claim", "published", "note"} <= set(claims["text"]) and "measured" not in claims["text"]
    assert claims["keys"] == ["study", "claim"]


# Files


def test_tables_are_written_the_same_every_time(spec: dict[str, Any], tmp_path: Path) -> None:
    for run in ("first", "second"):
        write_tables(tmp_path / run, study_tables(spec), spec["tables"])
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == sorted(f"{table.name}.csv" for table in STUDY_TABLES)
    for name in names:
        content = (tmp_path / "first" / name).read_bytes()
        assert content == (tmp_path / "second" / name).read_bytes()
        assert b"\r" not in content


def test_float32_and_text_survive_the_file(tmp_path: Path) -> None:
    values = random(4).normal(size=200).astype(np.float32)
    frame = pd.DataFrame({"label": ["none", "64"] * 100, "norm": values.astype(float), "epoch": [1.0, math.nan] * 100})
    write_csv(tmp_path / "t.csv", frame)
    back = read_table(tmp_path / "t.csv", ["label"])
    assert (back["norm"].to_numpy().astype(np.float32) == values).all()
    assert back["label"].tolist() == frame["label"].tolist()
    assert back["epoch"].isna().sum() == 100
    numbers = pd.DataFrame({"label": ["64", "007"]})
    write_csv(tmp_path / "n.csv", numbers)
    assert read_table(tmp_path / "n.csv", ["label"])["label"].tolist() == ["64", "007"]


def test_a_column_has_the_digits_that_it_declares(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", pd.DataFrame({"a": [1 / 3, math.nan], "b": 1 / 3}), {"a": 3})
    assert (tmp_path / "t.csv").read_text() == "a,b\n0.333,0.333333333\n,0.333333333\n"


def test_a_table_that_no_probe_makes_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BatchlabError, match="no table sharpness; it has arms"):
        write_tables(tmp_path, {"arms": pd.DataFrame()}, {"sharpness": {"digits": {}}})


def test_merging_keeps_order_and_unites_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('study,x\na,1\na,"2,5"\n')
    (tmp_path / "b.csv").write_text("study,x\nb,3\n")
    (tmp_path / "c.csv").write_text("study,y,x\nc,9,4\n")
    paths = [tmp_path / f"{name}.csv" for name in "abc"]
    merge_tables(tmp_path / "same.csv", paths[:2])
    assert (tmp_path / "same.csv").read_text() == 'study,x\na,1\na,"2,5"\nb,3\n'
    merge_tables(tmp_path / "all.csv", paths)
    assert (tmp_path / "all.csv").read_text() == 'study,x,y\na,1,\na,"2,5",\nb,3,\nc,4,9\n'


def test_merging_a_missing_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BatchlabError, match="no such table"):
        merge_tables(tmp_path / "all.csv", [tmp_path / "gone.csv"])


# Selection

RUNS = pd.DataFrame(
    {
        "arm": ["a", "a", "a", "b", "b"],
        "seed": [3, 3, 3, 5, 5],
        "epoch": [0.0, 1.0, 2.0, 0.0, 1 / 3],
        "batch_size": [8, 8, 4, 8, 8],
        "validation_loss": [1.0, 0.5, 0.7, math.nan, math.nan],
        "train_accuracy": [0.5, 0.7, 0.9, 0.1, 0.2],
        "test_accuracy": [0.5, 0.6, 0.7, 0.1, 0.2],
    }
)


DERIVED = {column.name: column.formula for column in known_columns() if column.formula}


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        (None, [0, 1, 2, 3, 4]),
        ({"arm": "a"}, [0, 1, 2]),
        ({"arm": ["b", "c"]}, [3, 4]),
        ({"batch_size": [4]}, [2]),
        ({"epoch": {"min": 1}}, [1, 2]),
        ({"epoch": {"min": 0.1, "max": 1}}, [1, 4]),
        ({"epoch": 0.333333333}, [4]),
        ({"epoch": "last"}, [2, 4]),
        ({"epoch": "best"}, [1, 4]),
        ({"seed": "first"}, [0, 1, 2]),
        ({"epoch": "last", "batch_size": 8}, [4]),
        ({"validation_loss": None}, [3, 4]),
        ({"validation_loss": {"max": 9}}, [0, 1, 2]),
        ({"generalisation_gap": {"min": 0.15}}, [2]),
        ({"arm": "nobody"}, []),
    ],
)
def test_select(where: dict[str, Any] | None, rows: list[int]) -> None:
    assert select(RUNS, where, DERIVED).index.tolist() == rows


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"bathc_size": 8}, "filter bathc_size: no such column; did you mean batch_size"),
        ({"batch_size": "8"}, "holds numbers"),
        ({"arm": {"min": 1}}, "holds text"),
        ({"epoch": "first"}, "write last, best"),
        ({"epoch": {"from": 1}}, "from is not allowed in a range"),
        ({"epoch": {}}, "not allowed in a range"),
    ],
)
def test_a_wrong_filter_is_one_line(where: dict[str, Any], message: str) -> None:
    with pytest.raises(BatchlabError, match=message) as caught:
        select(RUNS, where)
    assert "\n" not in str(caught.value)


def test_derived_columns_are_added_where_their_sources_are() -> None:
    frame = with_derived(RUNS, DERIVED)
    assert frame["generalisation_gap"].tolist() == pytest.approx([0, 0.1, 0.2, 0, 0])
    assert frame["test_error"].tolist() == pytest.approx([0.5, 0.4, 0.3, 0.9, 0.8])
    assert "seconds_per_epoch" not in frame
    assert "test_error" not in RUNS


# Scripts


class Named(dict[str, Any]):
    """Named files as Snakemake gives them: iterated by value."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())


def run_script(name: str, spec: dict[str, Any], inputs: dict[str, Any], outputs: dict[str, str], logs: Path) -> None:
    params = SimpleNamespace(spec=json.dumps(spec), get=lambda key, default=None: default)
    snakemake = SimpleNamespace(
        params=params,
        input=Named(inputs),
        output=Named(outputs),
        threads=1,
        log=[str(logs / f"{name}.log")],
        rule=name,
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), {"snakemake": snakemake})


def test_the_scripts_lead_from_segments_to_merged_claims(spec: dict[str, Any], tmp_path: Path) -> None:
    folder, known = tmp_path / "tables", {table.name: table for table in STUDY_TABLES}
    inputs = {"tables": str(folder)}
    run_script("tabulate_study", spec, {"data": [], "files": []}, inputs, tmp_path)
    reached = str(tmp_path / "derived.csv")
    options = {"target": 0.7, "metric": "test_accuracy"}
    derived = derive_spec("demo", "reached", "steps_to_target", options, known)
    run_script("derive_table", derived, inputs, {"table": reached}, tmp_path)
    own = find.derivations()["steps_to_target"].table
    assert tuple(read_table(reached).columns) == own.names
    claim = {
        **dict.fromkeys(("statement", "source", "published"), "text"),
        "test": "equal",
        "table": "history",
        "value": "test_accuracy",
        "margin": 0.01,
        "expect": "equal",
        "of": {"arm": "fixed-b10", "epoch": "last"},
        "minus": {"arm": "switched-b10", "epoch": "last"},
    }
    on_derived = {**claim, "test": "level", "table": "reached", "value": "updates", "expect": {"min": 30, "max": 30}}
    claims = {"same": claim, "soon": {**on_derived, "of": {"arm": "fixed-b10"}}}
    judged = {
        "study": "demo",
        "claims": claims,
        "values": {},
        "cells": {},
        "one_example": {},
        "looks": 1,
        "order": ["same", "soon"],
        "columns": list(CLAIMS.names),
        "tables": reading_spec([known["history"], known["arms"], dataclasses.replace(own, name="reached")]),
        "derived": {},
    }
    output = str(tmp_path / "claims.csv")
    run_script("judge_claims", judged, {**inputs, "reached": reached}, {"claims": output}, tmp_path)
    assert read_table(output)["verdict"].tolist() == ["supported", "supported"]
    merged = str(tmp_path / "all.csv")
    run_script("merge_tables", {"table": "claims"}, {"merged": [output, output]}, {"merged": merged}, tmp_path)
    assert read_table(merged)["claim"].tolist() == ["same", "soon"] * 2
    run_script("merge_tables", {"table": "arms"}, {"merged": str(folder)}, {"merged": merged}, tmp_path)
    assert Path(merged).read_bytes() == (folder / "arms.csv").read_bytes()
