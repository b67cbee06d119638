"""Data that are computed: MNIST-1D, teachers, and functions of the user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.sources import prepare

from batchlab.errors import BatchlabError
from batchlab.sources.formats.teacher import read as teacher_format
from batchlab.sources.formats.teacher.declaration import FORMAT as TEACHER
from batchlab.sources.settings import DataShape, resolve


def logistic(arrays: dict[str, np.ndarray], steps: int = 200) -> float:
    """Return the test accuracy of logistic regression, fitted by gradient descent with momentum."""
    x, test = (np.c_[arrays[f"x_{part}"], np.ones(len(arrays[f"x_{part}"]))] for part in ("train", "test"))
    targets = np.eye(int(arrays["classes"]))[arrays["y_train"]]
    weights, change = np.zeros((x.shape[1], targets.shape[1])), 0.0
    for _ in range(steps):
        outputs = np.exp(x @ weights - (x @ weights).max(axis=1, keepdims=True))
        change = 0.9 * change - 0.3 * x.T @ (outputs / outputs.sum(axis=1, keepdims=True) - targets) / len(x)
        weights = weights + change
    return float(((test @ weights).argmax(axis=1) == arrays["y_test"]).mean())


def test_mnist_1d_has_the_published_sizes_and_is_as_hard_for_a_linear_model(tmp_path: Path) -> None:
    assert resolve({"name": "mnist1d"}).shape == DataShape(3500, 500, 1000, (40,), 10)
    arrays = prepare({"name": "mnist1d"}, tmp_path).arrays
    everything = np.concatenate([arrays[f"x_{part}"] for part in ("train", "validation", "test")])
    assert everything.shape == (5000, 40)
    assert abs(everything.mean()) < 1e-5
    assert abs(everything.std() - 1) < 1e-5
    labels = np.concatenate([arrays[f"y_{part}"] for part in ("train", "validation", "test")])
    assert np.bincount(labels).tolist() == [500] * 10
    # Published: 32 % for logistic regression (Greydanus and Kobak 2024), on 1,000 test examples.
    assert 0.28 <= logistic(arrays) <= 0.37


def test_generated_sets_are_identified_by_what_differs_from_the_defaults(tmp_path: Path) -> None:
    plain = resolve({"name": "mnist1d"})
    assert plain.identity == {**plain.identity, "name": "mnist1d", "content": {}}
    assert "seed" not in plain.identity
    assert resolve({"name": "mnist1d", "seed": 42}).identity == plain.identity
    assert resolve({"name": "mnist1d", "seed": 1}).identity == {**plain.identity, "seed": 1}
    first, second = (prepare({"name": "mnist1d", "seed": seed}, tmp_path).arrays["x_train"] for seed in (42, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, prepare({"name": "mnist1d"}, tmp_path).arrays["x_train"])
    with pytest.raises(BatchlabError, match=r"generated = 7 is not possible; allowed: an integer from 100"):
        resolve({"name": "mnist1d", "generated": 7})


def test_a_teacher_of_any_size(tmp_path: Path) -> None:
    dataset = {"name": "teacher", "generated": 4000, "features": 6, "classes": 3, "decay": 2, "test": 1000}
    assert resolve(dataset).shape == DataShape(2000, 1000, 1000, (6,), 3)
    arrays = prepare(dataset, tmp_path).arrays
    x = np.concatenate([arrays[f"x_{part}"] for part in ("train", "validation", "test")]).astype(float)
    # Variances 1, 1/4, 1/9, …; the standard error of a variance over 4,000 normal draws is 2.2 %.
    assert np.allclose(x.var(axis=0), 1 / np.arange(1, 7) ** 2, rtol=0.1)
    assert logistic(arrays, 400) > 0.96


def teacher(**given: Any) -> tuple[np.ndarray, np.ndarray]:
    return teacher_format.read([], {option.name: option.default for option in TEACHER.options} | given).pool


def test_noise_bounds_the_accuracy(tmp_path: Path) -> None:
    clean, noisy = teacher(hidden=5)[1], teacher(hidden=5, noise=0.4)[1]
    # Of four classes 1 - 0.4 × 3/4 = 0.7 stay as they are; the standard error over 10,000 labels is 0.5 %.
    assert abs((clean == noisy).mean() - 0.7) < 0.02
    told = dict(prepare({"name": "teacher", "noise": 0.4}, tmp_path).understood["told"])
    assert told["Noise"].endswith("best accuracy 70.0%")


def test_fewer_examples_are_the_first_of_more() -> None:
    few, more = (teacher(hidden=5, noise=0.2, generated=count) for count in (100, 300))
    assert np.array_equal(more[0][:100], few[0])
    assert np.array_equal(more[1][:100], few[1])


SOURCE = '''"""Points of two clouds."""
import numpy as np

INPUT_SHAPE = (2,)
CLASSES = 2
EXAMPLES = {"train": 60, "test": 20}


def examples(split, seed):
    draw = np.random.default_rng([seed, split == "test"])
    y = np.arange(EXAMPLES[split]) % 2
    return draw.normal(size=(len(y), 2)) + 5 * y[:, None], y
'''


def own(folder: Path, text: str = SOURCE) -> dict[str, Any]:
    (folder / "clouds.py").write_text(text)
    return {"file": str(folder / "clouds.py")}


def test_a_function_of_the_user(tmp_path: Path) -> None:
    dataset = own(tmp_path)
    assert resolve(dataset).shape == DataShape(54, 6, 20, (2,), 2)
    arrays = prepare(dataset | {"seed": 3}, tmp_path).arrays
    draw = np.random.default_rng([3, True])
    y = np.arange(20) % 2
    assert np.array_equal(arrays["x_test"], draw.normal(size=(20, 2)) + 5 * y[:, None])
    assert logistic(arrays) == 1.0


def test_code_counts_and_comments_do_not(tmp_path: Path) -> None:
    plain = resolve(own(tmp_path)).identity
    assert resolve(own(tmp_path, SOURCE.replace("    y =", "    # labels\n    y  ="))).identity == plain
    assert resolve(own(tmp_path, SOURCE.replace("5 * y", "6 * y"))).identity != plain


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def examples", "def samples", "has no function examples(split, seed)"),
        ("(split, seed)", "(seed)", "line 9: examples(seed) must take split and seed"),
        ("CLASSES = 2", "CLASSES = int('2')", "must say its sizes, written out, such as INPUT_SHAPE"),
        ('{"train": 60,', '{"training": 60,', "must say its sizes"),
        ("    return", "    return draw.nothing +", "failed: AttributeError"),
        ("% 2\n", "% 2 + 0.5\n", "returned targets of shape (60,), float64; by its sizes whole numbers of shape (60,)"),
        ("EXAMPLES[split]", "9", "returned examples of shape (9, 2), float64; by its sizes numbers of shape (60, 2)"),
        ("import numpy", "import nunpy", "examples() failed: ModuleNotFoundError"),
        ("CLASSES = 2", "CLASSES = ", "line 5 is not valid Python"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SOURCE
    with pytest.raises(BatchlabError) as problem:
        prepare(own(tmp_path, SOURCE.replace(old, new)), tmp_path)
    assert words in str(problem.value)
    assert "clouds.py" in str(problem.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [("a.feather", "pandas.read_feather(…).to_csv(…, index=False)"), ("a.xlsx", "pandas.read_excel(…)")],
)
def test_tables_of_other_kinds_have_a_way_out(name: str, words: str) -> None:
    with pytest.raises(BatchlabError) as problem:
        resolve({"file": name})
    assert words in str(problem.value)
