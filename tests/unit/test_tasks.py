"""Tasks: which one a campaign learns, how its settings identify segments, its columns, and its chance level."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.campaigns import raw

from batchlab.configuration.campaign import load
from batchlab.declarations import find
from batchlab.declarations.task import FIRST, chosen
from batchlab.errors import BatchlabError
from batchlab.planning import plan
from batchlab.planning.jobs import Jobs
from batchlab.planning.parts import Plan
from batchlab.planning.report_settings import report_spec
from batchlab.tables import contract
from batchlab.tasks.class_weights import answer_weights, class_weights
from batchlab.tasks.levels import Level

RANDOM = np.random.default_rng(3)


def measured(folder: Path) -> dict[str, Any]:
    """Return a data set whose targets are measured numbers."""
    file = folder / "lengths.csv"
    file.write_text("a,b,length\n" + "".join(f"{i},{i % 7},{i * 1.25 + 0.5}\n" for i in range(120)))
    return {"file": str(file), "label": "length", "labels": "numbers"}


def planned(**changes: Any) -> Plan:
    return plan(load(raw(**changes)))


def regression(folder: Path, **changes: Any) -> Plan:
    """Return the plan of a campaign on measured numbers."""
    figures = {
        "end": {
            "chart": "points",
            "title": "t",
            "caption": "c",
            "table": "history",
            "x": "batch_size",
            "y": "test_rmse",
        }
    }
    study = {"title": "t", "question": "q", "arms": {"a": {}}, "figures": figures}
    study["tables"] = {"ranking": {"derivation": "ranking"}}
    changes = {"datasets": {"mine": measured(folder)}, "dataset": "mine", "studies": {"one": study}, **changes}
    return planned(run=["one"], **changes)


def test_every_task_says_what_it_learns() -> None:
    for task in find.tasks().values():
        assert task.headline in [metric.name for metric in task.metrics]
        assert task.metrics[0].name == "loss"
    for targets in ("classes", "flags", "numbers", "tokens"):
        assert len([task for task in find.tasks().values() if task.usual and task.targets == targets]) == 1


def test_a_campaign_without_a_task_has_the_usual_one_of_its_data(tmp_path: Path) -> None:
    assert planned().task.name == FIRST
    assert regression(tmp_path).task.name == "regression"


def test_the_first_task_written_out_changes_nothing_and_options_do() -> None:
    usual = planned()
    assert planned(task="classification").segments.keys() == usual.segments.keys()
    assert planned(task={"name": "classification"}).segments.keys() == usual.segments.keys()
    weighted = planned(task={"name": "classification", "class_weights": "balanced"})
    assert not weighted.segments.keys() & usual.segments.keys()
    assert {segment.spec["task"]["class_weights"] for segment in weighted.segments.values()} == {"balanced"}


def test_the_tables_of_a_task_have_its_metrics(tmp_path: Path) -> None:
    study = regression(tmp_path).studies["one"]
    names = study.tables["history"].names
    assert "test_rmse" in names and "test_accuracy" not in names and "test_loss" in names
    assert study.derived["ranking"].options["metric"] == "test_rmse"
    columns = contract.columns_of([study.tables["history"]])
    assert "rmse_gap" in columns and "generalisation_gap" not in columns and not columns["test_loss"].unit


def test_a_metric_that_is_asked_for_has_columns() -> None:
    asked = planned(task={"name": "classification", "metrics": ["balanced_accuracy"]})
    for study in asked.studies.values():
        names = study.tables["history"].names
        assert names.index("test_balanced_accuracy") == names.index("test_accuracy") + 1


def test_jobs_load_the_code_of_their_task(tmp_path: Path) -> None:
    modules = {module for job in Jobs(regression(tmp_path)) for module in job.modules}
    assert "batchlab.tasks.regression.objective:objective" in modules
    assert "batchlab.tasks.regression.constant:levels" in modules
    assert not any("classification" in module for module in modules)


def test_data_of_other_targets_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BatchlabError, match=r"^datasets.mine: holds numbers, and task: classification learns one cl"):
        regression(tmp_path, task="classification")
    both = {"digits": {"name": "digits"}, "mine": measured(tmp_path)}
    with pytest.raises(BatchlabError, match=r"^datasets.digits: holds one class .* make two campaigns$"):
        study = {"title": "t", "question": "q", "arms": {"a": {"dataset": ["mine", "digits"]}}}
        regression(tmp_path, datasets=both, studies={"one": study})


def test_a_figure_of_another_task_is_refused_by_name(tmp_path: Path) -> None:
    figure = {
        "chart": "points",
        "title": "t",
        "caption": "c",
        "table": "history",
        "x": "batch_size",
        "y": "test_accuracy",
    }
    study = {"title": "t", "question": "q", "arms": {"a": {}}, "figures": {"end": figure}}
    with pytest.raises(BatchlabError, match=r"test_accuracy"):
        regression(tmp_path, studies={"one": study})


def levels(task: str, arrays: dict[str, Any], **options: Any) -> dict[str, Level]:
    found: dict[str, Level] = importlib.import_module(f"batchlab.tasks.{task}.constant").levels(arrays, options)
    return found


@pytest.mark.parametrize(("loss", "power"), [("squared", 2), ("absolute", 1)])
def test_no_constant_predicts_numbers_better_than_the_level(loss: str, power: int) -> None:
    y = RANDOM.exponential(size=(41, 1)) * 30
    weights = RANDOM.uniform(0.1, 2, 41)
    found = levels("regression", {"y_train": y, "y_test": y, "w_train": weights, "w_test": weights}, loss=loss)
    centre = np.average(y[:, 0], weights=weights)
    deviation = np.sqrt(np.average((y[:, 0] - centre) ** 2, weights=weights))
    guesses = np.concatenate([np.linspace(0, 200, 2001), y[:, 0]])
    losses = [np.average(np.abs((y[:, 0] - guess) / deviation) ** power, weights=weights) for guess in guesses]
    errors = [np.sqrt(np.average((y[:, 0] - guess) ** 2, weights=weights)) for guess in guesses]
    assert found["train_loss"].value == pytest.approx(min(losses), rel=1e-3)
    assert found["test_rmse"].value == pytest.approx(min(errors), rel=1e-3)


def test_the_level_of_tokens_counts_only_those_with_weight() -> None:
    y = np.array([[0, 0, 1], [2, 1, 2]])
    given = np.array([[1, 1, 1], [0, 1, 0]])
    assert levels("next_token", {"y_train": y, "w_train": given})["train_loss"].value == pytest.approx(np.log(2))


def test_the_level_of_several_labels_answers_each_by_itself() -> None:
    y = np.array([[1, 0], [1, 0], [1, 1], [0, 0]])
    found = levels("multilabel", {"y_train": y, "y_test": y})
    assert found["test_accuracy"].value == 0.75
    assert found["train_loss"].value == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))


def test_with_weights_of_classes_a_run_is_judged_by_balanced_accuracy_or_not_at_all() -> None:
    y = np.array([0] * 98 + [1, 1])
    arrays = {"y_train": y, "y_test": y}
    assert levels("classification", arrays)["test_accuracy"].value == 0.98
    assert levels("classification", arrays, class_weights="balanced") == {}
    asked = levels("classification", arrays, class_weights="balanced", metrics=["balanced_accuracy"])
    assert asked == {"test_balanced_accuracy": Level(0.5, higher=True)}


def test_balanced_weights_let_every_class_count_alike() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2])
    weights = class_weights("balanced", {"y_train": labels, "classes": np.array(3)})
    assert weights is not None
    totals = [float(weights[label]) * int((labels == label).sum()) for label in range(3)]
    assert totals == pytest.approx([10 / 3] * 3)


def test_balanced_answers_let_yes_and_no_count_alike_in_each_label() -> None:
    flags = np.array([[1, 0, 0]] * 6 + [[0, 1, 0]] * 2)
    weights = answer_weights("balanced", {"y_train": flags, "classes": np.array(3)})
    assert weights is not None
    yes, no = weights[1] * flags.sum(axis=0), weights[0] * (1 - flags).sum(axis=0)
    # Nobody has the last label, so of it there is one answer alone. 24 answers in all.
    assert [*yes, *no] == pytest.approx([24 / 5, 24 / 5, 0, 24 / 5, 24 / 5, 24 / 5])
    named = answer_weights({"b": 3.0}, {"y_train": flags, "classes": np.array(3), "names": np.array(["a", "b", "c"])})
    assert named is not None
    assert (named[1] / named[0]).tolist() == [1, 3, 1]
    assert float((named[1] * flags + named[0] * (1 - flags)).mean()) == pytest.approx(1)


def test_a_class_that_is_not_there_is_refused_with_those_that_are() -> None:
    arrays = {"y_train": np.array([0, 1]), "classes": np.array(2), "names": np.array(["cat", "dog"])}
    with pytest.raises(BatchlabError, match=r"dgo.*dog"):
        class_weights({"dgo": 2.0}, arrays)
    weights = class_weights({"dog": 3.0}, arrays)
    assert weights is not None and weights.tolist() == [0.5, 1.5]


def test_settings_hold_only_what_differs() -> None:
    tasks = find.tasks()
    assert chosen(tasks).settings == {}
    assert chosen(tasks, {"name": "regression", "loss": "squared"}).settings == {"task": {"name": "regression"}}


def test_the_page_says_that_the_lowest_error_is_best(tmp_path: Path) -> None:
    [ranking] = report_spec(regression(tmp_path))["advice"]["rankings"]
    assert ranking["better"] == "lower"


def test_masks_by_example_are_part_of_the_model_and_their_default_is_not() -> None:
    usual, other = planned(), planned(dropout="by_example")
    assert planned(dropout="by_micro_batch").segments.keys() == usual.segments.keys()
    assert {segment.spec["model"]["masks"] for segment in other.segments.values()} == {"by_example"}
    assert not usual.segments.keys() & other.segments.keys()
