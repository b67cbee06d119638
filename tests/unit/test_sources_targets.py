"""Target numbers, several labels of an example, tokens and weights, from tables and archives."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from unit.sources import prepare

from batchlab.declarations import find
from batchlab.declarations.source import Targets
from batchlab.errors import BatchlabError
from batchlab.sources.settings import resolve

X = np.random.default_rng(0).normal(size=(60, 3)).round(3)
Y = X @ [[1.0, 0.5], [2.0, -1.0], [0.0, 3.0]]
W = np.arange(60) % 4 / 2
PARTS = ("train", "validation", "test")


def save(folder: Path, **arrays: Any) -> dict[str, Any]:
    np.savez(folder / "mine.npz", **arrays)
    return {"file": str(folder / "mine.npz")}


def table(folder: Path, comma: bool = False) -> str:
    """Write features a, b, c, targets p, q, labels u, v and weights w; return the path."""
    head = ["a", "b", "c", "p", "q", "u", "v", "w"]
    rows = [
        [*map(repr, [*map(float, X[row]), *map(float, Y[row])]), str(row % 2), str(row // 2 % 2), str(W[row])]
        for row in range(60)
    ]
    text = "\n".join(";".join(row) for row in [head, *rows])
    path = folder / "mine.csv"
    path.write_text(text.replace(".", ",") if comma else text)
    return str(path)


def everything(arrays: dict[str, Any], axis: str) -> Any:
    return np.concatenate([arrays[f"{axis}_{part}"] for part in PARTS])


def by_x(arrays: dict[str, Any], axis: str) -> dict[bytes, list[float]]:
    """Return targets or weights of all parts by the example that they belong to."""
    return {
        np.asarray(x, np.float64).tobytes(): np.ravel(value).tolist()
        for x, value in zip(everything(arrays, "x"), everything(arrays, axis), strict=True)
    }


@pytest.mark.parametrize("comma", [False, True])
def test_a_table_with_target_numbers_and_weights(tmp_path: Path, comma: bool) -> None:
    dataset = {
        "file": table(tmp_path, comma),
        "label": ["q", "p"],
        "labels": "numbers",
        "weight": "w",
        "leave_out": ["u", "v"],
    }
    shape = resolve(dataset).shape
    assert (shape.targets, shape.classes, shape.input_shape) == ("numbers", 2, (3,))
    found = prepare(dataset, tmp_path)
    arrays = found.arrays
    assert arrays["y_train"].dtype == np.float64
    assert (len(arrays["y_train"]), len(arrays["y_validation"]), len(arrays["y_test"])) == (42, 6, 12)
    assert arrays["names"].tolist() == ["q", "p"]
    for row in range(60):
        assert by_x(arrays, "y")[X[row].tobytes()] == [Y[row, 1], Y[row, 0]]
        assert by_x(arrays, "w")[X[row].tobytes()] == [W[row]]
    statistics = found.understood["numbers"]["p"]
    own = np.array([y[1] for y in arrays["y_train"]])
    assert statistics["mean"] == pytest.approx(sum(own) / len(own))
    assert statistics["largest"] == max(own)
    assert "classes" not in found.understood


def test_one_target_and_several_labels(tmp_path: Path) -> None:
    path = table(tmp_path)
    one = {"file": path, "label": "p", "labels": "numbers", "leave_out": ["q", "u", "v", "w"]}
    assert prepare(one, tmp_path).arrays["y_train"].shape == (42, 1)
    several = {"file": path, "label": ["u", "v"], "labels": "flags", "leave_out": ["p", "q", "w"]}
    found = prepare(several, tmp_path)
    assert resolve(several).shape.targets == "flags"
    assert found.arrays["y_train"].dtype == np.int32
    assert by_x(found.arrays, "y")[X[3].tobytes()] == [1, 1]
    assert sum(found.understood["labels"]["u"].values()) == 30


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"label": ["u", "v"]}, "or say labels: numbers or labels: flags"),
        ({"label": ["p", "u"], "labels": "flags"}, "0 or 1 is expected of labels: flags"),
        ({"label": "p", "labels": "numbers", "weight": "p"}, "weight: 'p' is the label"),
        ({"label": "p", "labels": "numbers", "weight": "a"}, "a weight is a number from 0 on"),
    ],
)
def test_what_is_refused_of_tables(tmp_path: Path, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(BatchlabError) as problem:
        resolve({"file": table(tmp_path), **keys})
    assert words in str(problem.value)
    assert "\n" not in str(problem.value)


def test_an_archive_with_target_numbers_and_weights(tmp_path: Path) -> None:
    dataset = save(tmp_path, X=X, y=Y[:, 0], sample_weight=W) | {"labels": "numbers"}
    assert (resolve(dataset).shape.targets, resolve(dataset).shape.classes) == ("numbers", 1)
    arrays = prepare(dataset, tmp_path).arrays
    for row in range(60):
        assert by_x(arrays, "y")[X[row].tobytes()] == [Y[row, 0]]
        assert by_x(arrays, "w")[X[row].tobytes()] == [W[row]]


def test_weights_of_the_training_examples_alone(tmp_path: Path) -> None:
    labels = np.arange(60) % 2
    dataset = save(tmp_path, x_train=X, y_train=labels, x_test=X[:9], y_test=labels[:9], w_train=W)
    arrays = prepare(dataset, tmp_path).arrays
    assert arrays["w_test"].tolist() == [1.0] * 9
    assert sorted(everything(arrays, "w")[:60].tolist()) == sorted(W.tolist())
    assert arrays["y_train"].dtype == np.int32


def test_an_archive_of_tokens_with_a_mask(tmp_path: Path) -> None:
    tokens = np.random.default_rng(1).integers(0, 9, (30, 6))
    tokens[0] = 8
    mask = np.arange(5) < np.arange(30)[:, None] % 5 + 1
    x, y = tokens[:, :-1], tokens[:, 1:]
    names = {"x_train": x, "y_train": y, "mask_train": mask, "x_test": x[:4], "y_test": y[:4], "mask_test": mask[:4]}
    dataset = save(tmp_path, **names) | {"labels": "tokens", "validation": 0}
    shape = resolve(dataset).shape
    assert (shape.targets, shape.classes, shape.input_shape) == ("tokens", 9, (5,))
    arrays = prepare(dataset, tmp_path).arrays
    assert np.array_equal(arrays["x_test"], x[:4])
    assert np.array_equal(arrays["y_test"], y[:4])
    assert np.array_equal(arrays["w_test"], mask[:4])
    assert arrays["x_train"].dtype == np.int32
    found = {(*a, *b, *c) for a, b, c in zip(*(arrays[f"{axis}_train"].tolist() for axis in "xyw"), strict=True)}
    assert found == {(*a, *b, *c) for a, b, c in zip(x.tolist(), y.tolist(), mask.tolist(), strict=True)}


@pytest.mark.parametrize(
    ("arrays", "labels", "words"),
    [
        ({"x": X, "y": Y}, None, "of one-hot labels exactly one is 1"),
        ({"x": X, "y": Y[:9]}, "numbers", "y: has the shape (9, 2); labels: numbers needs targets of shape (60,)"),
        ({"x": X, "y": Y}, "flags", "labels: flags needs 0 and 1"),
        ({"x": X, "y": X}, "tokens", "tokens are whole numbers from 0"),
        ({"x": X, "y": Y, "w": W[:9]}, "numbers", "w: weights of shape (9,); (60,) is expected"),
        ({"x": X, "y": Y, "w": -W}, "numbers", "weights are numbers from 0 on"),
        ({"x": X, "y": Y, "w_test": W}, "numbers", "w_test has no examples x_test beside it"),
    ],
)
def test_what_is_refused_of_archives(tmp_path: Path, arrays: dict[str, Any], labels: str | None, words: str) -> None:
    with pytest.raises(BatchlabError) as problem:
        resolve(save(tmp_path, **arrays) | ({"labels": labels} if labels else {}))
    assert words in str(problem.value)
    assert "\n" not in str(problem.value)


def test_targets_and_weights_that_only_the_job_sees(tmp_path: Path) -> None:
    y = np.append(Y[:59], [[np.nan, 1.0]], axis=0)
    with pytest.raises(BatchlabError, match="2 finite targets of each example are expected"):
        prepare(save(tmp_path, x=X, y=y) | {"labels": "numbers"}, tmp_path)
    with pytest.raises(BatchlabError, match=r"set: all weights are 0, so nothing is learnt or judged"):
        prepare(save(tmp_path, x=X, y=Y, w=np.zeros(60)) | {"labels": "numbers"}, tmp_path)


def test_there_is_a_task_for_whatever_a_source_brings() -> None:
    assert {task.targets for task in find.tasks().values() if task.usual} == {*get_args(Targets)}
