"""Tables of a small synthetic study, checked cell by cell and against brute force."""

from __future__ import annotations

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

from batchlab.errors import BatchlabError
from batchlab.tables import merge_tables, study_tables, write_csv, write_tables
from batchlab.tables.gradients import gradient_norm_summary, predicted_rms
from batchlab.tables.intervals import moments
from batchlab.tables.selection import read_table, select, with_derived
from batchlab.tables.study import ARM_COLUMNS, DISTANCE_COLUMNS, HISTORY_COLUMNS
from batchlab.tables.summaries import COMPARISON_COLUMNS, SUMMARY_ARM_COLUMNS

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
    return {
        "study": "demo",
        "reference": {"batch_size": 10, "recipe": "fixed"},
        "arms": [
            arm("fixed-b10", 10, [start, small]),
            arm("fixed-b20", 20, [start, large, longer], accumulation=2),
            arm("switched-b10", 10, [start, large, switched], learning_rate=0.2, label="none"),
        ],
        "probes": [],
    }


# Assembly


def test_columns_are_those_of_the_manual(spec: dict[str, Any]) -> None:
    tables = study_tables(spec)
    assert tuple(tables["arms"].columns) == ARM_COLUMNS
    assert tuple(tables["history"].columns) == HISTORY_COLUMNS
    assert tuple(tables["distances"].columns) == DISTANCE_COLUMNS
    assert tuple(tables["comparisons"].columns) == COMPARISON_COLUMNS
    metric_columns = ("metric", "mean", "std", "n", "ci_low", "ci_high", "diverged")
    assert tuple(tables["summary"].columns) == (*SUMMARY_ARM_COLUMNS, *metric_columns)


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
    spec["arms"] = [arm("fixed-b10", 10, [spec["arms"][0]["segments"][0]])]
    assert study_tables(spec)["history"]["batch_size"].tolist() == [10, 10, 10]


def test_a_missing_folder_is_one_line(spec: dict[str, Any], tmp_path: Path) -> None:
    spec["arms"][0]["segments"].append([str(tmp_path / "gone")])
    with pytest.raises(BatchlabError, match=r"gone/history\.csv: no such table"):
        study_tables(spec)


def test_probe_tables_carry_arm_and_epoch(spec: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "probe"
    folder.mkdir()
    (folder / "weight_drift.csv").write_text("seed,accumulation,updates\n0,4,1\n0,4,2\n")
    probe = {"probe": "drift", "arm": "fixed-b20", "epoch": None, "folder": str(folder), "tables": ["weight_drift"]}
    spec["probes"] = [probe, {**probe, "arm": "switched-b10", "epoch": 2}]
    drift = study_tables(spec)["weight_drift"]
    assert drift.columns[:6].tolist() == ["study", "arm", "epoch", "seed", "accumulation", "updates"]
    assert drift["epoch"].tolist() == [3, 3, 2, 2]
    assert drift["label"].tolist() == ["B = 20", "B = 20", "none", "none"]
    assert drift["accumulation"].tolist() == [4] * 4 and drift["batch_size"].tolist() == [20, 20, 10, 10]


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
    assert (tmp_path / "empty.csv").read_text() == ",".join(COMPARISON_COLUMNS) + "\n"


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
    summary = gradient_norm_summary(norms, exact).set_index("batch_size")
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
    summary = gradient_norm_summary(both, exact)
    assert summary["method"].tolist() == ["fixed_weights"] * 3 + ["same_samples"] * 3
    assert summary["predicted_rms"].notna().tolist() == [True] * 3 + [False] * 3
    assert gradient_norm_summary(both, None)["ratio_to_prediction"].isna().all()


def test_error_of_the_relative_spread_matches_simulation() -> None:
    samples = random(3).gamma(4, 1, (500, 300))
    frame = pd.DataFrame({"norm": samples.ravel(), "seed": np.repeat(np.arange(500), 300)})
    frame = frame.assign(study="s", arm="a", epoch=1, probe="p", method="m", batch_size=1, recipe="r", label="l")
    summary = gradient_norm_summary(frame, None)
    assert summary["relative_std_error"].mean() == pytest.approx(summary["relative_std"].std(), rel=0.1)


def test_a_study_with_gradient_norms_has_their_summary(spec: dict[str, Any], tmp_path: Path) -> None:
    norms, exact = norm_trials(trials=20)
    norms[["seed", "method", "batch_size", "trial", "norm"]].to_csv(tmp_path / "gradient_norms.csv", index=False)
    exact[["seed", "examples", "squared_norm", "trace"]].to_csv(tmp_path / "gradient_moments.csv", index=False)
    names = ["gradient_norms", "gradient_moments"]
    probe = {"probe": "norms", "arm": "fixed-b10", "epoch": 2, "folder": str(tmp_path), "tables": names}
    tables = study_tables({**spec, "probes": [probe, {**probe, "epoch": 3}]})
    assert tables["gradient_norm_summary"]["epoch"].tolist() == [2] * 3 + [3] * 3
    assert tables["gradient_moments"]["ratio"].tolist() == pytest.approx(
        [exact["trace"][0] / exact["squared_norm"][0]] * 2
    )
    assert tables["gradient_norms"].columns.tolist() == [
        *("study", "arm", "epoch", "seed", "method", "batch_size", "trial", "norm"),
        *("recipe", "label", "probe"),
    ]


# Files


def test_tables_are_written_the_same_every_time(spec: dict[str, Any], tmp_path: Path) -> None:
    paths = []
    for run in ("first", "second"):
        targets = {name: str(tmp_path / run / f"{name}.csv") for name in ("arms", "history", "summary")}
        write_tables(targets, study_tables(spec))
        paths.append(targets)
    for name, path in paths[0].items():
        content = Path(path).read_bytes()
        assert content == Path(paths[1][name]).read_bytes()
        assert b"\r" not in content


def test_float32_and_text_survive_the_file(tmp_path: Path) -> None:
    values = random(4).normal(size=200).astype(np.float32)
    frame = pd.DataFrame({"label": ["none", "64"] * 100, "norm": values.astype(float), "epoch": [1.0, math.nan] * 100})
    write_csv(tmp_path / "t.csv", frame)
    back = read_table(tmp_path / "t.csv")
    assert (back["norm"].to_numpy().astype(np.float32) == values).all()
    assert back["label"].tolist() == frame["label"].tolist()
    assert back["epoch"].isna().sum() == 100


def test_an_output_that_no_probe_makes_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BatchlabError, match="no table sharpness; it has arms"):
        write_tables({"sharpness": str(tmp_path / "s.csv")}, {"arms": pd.DataFrame()})


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
    assert select(RUNS, where).index.tolist() == rows


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
    frame = with_derived(RUNS)
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


def test_the_three_scripts_lead_from_segments_to_merged_claims(spec: dict[str, Any], tmp_path: Path) -> None:
    tables = {name: str(tmp_path / f"{name}.csv") for name in ("arms", "history", "summary", "comparisons")}
    run_script("tabulate_study", spec, {"data": [], "files": []}, tables, tmp_path)
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
    claims = str(tmp_path / "claims.csv")
    run_script("judge_claims", {"study": "demo", "claims": {"same": claim}}, tables, {"claims": claims}, tmp_path)
    merged = str(tmp_path / "all.csv")
    run_script("merge_tables", {}, {"merged": [claims, claims]}, {"merged": merged}, tmp_path)
    assert read_table(merged)["verdict"].tolist() == ["supported", "supported"]
    assert json.loads((tmp_path / "arms.provenance.json").read_text())["rows"]["arms"] == 3
