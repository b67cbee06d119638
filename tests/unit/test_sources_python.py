"""Files with a function `examples(split, seed)`: numbers, labels, tokens and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.sources import prepare

from batchlab.errors import BatchlabError
from batchlab.sources.settings import resolve

PARTS = ("train", "validation", "test")
HEAD = """
import numpy as np

INPUT_SHAPE = (4,)
EXAMPLES = {"train": 30, "validation": 8, "test": 6}
%s


def examples(split, seed):
    count = EXAMPLES[split]
    draw = np.random.default_rng([seed, count])
    x = draw.integers(0, 5, (count, 4))
    return %s
"""
KINDS = {
    "numbers": ("NUMBERS = 1", "x / 7, x.sum(axis=1) * 0.5"),
    "two_numbers": ('NUMBERS = ["sum", "first"]', "x / 7, np.stack([x.sum(axis=1), x[:, 0]], axis=1) / 3, 1 + x[:, 1]"),
    "flags": ('FLAGS = ["big", "odd", "zero"]', "x / 7, np.stack([x[:, 0] > 2, x[:, 1] % 2, x[:, 2] == 0], axis=1)"),
    "tokens": ("TOKENS = 5", "x, (x + 1) % 5, np.arange(4) < 1 + x[:, :1]"),
    "classes": ('CLASSES = ["low", "high"]', "x / 7, x[:, 0] > 2, 0.5 + x[:, 3]"),
}


def own(folder: Path, constant: str, returned: str) -> dict[str, Any]:
    (folder / "own.py").write_text(HEAD % (constant, returned))
    return {"file": str(folder / "own.py")}


def expected(part: str, returned: str) -> tuple[Any, ...]:
    """Evaluate what the function returns."""
    count = {"train": 30, "validation": 8, "test": 6}[part]
    x = np.random.default_rng([3, count]).integers(0, 5, (count, 4))
    return tuple(eval(returned, {"np": np, "x": x}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_brings_what_any_task_learns(kind: str, tmp_path: Path) -> None:
    constant, returned = KINDS[kind]
    dataset = own(tmp_path, constant, returned) | {"seed": 3}
    shape = resolve(dataset).shape
    targets = {"two_numbers": "numbers"}.get(kind, kind)
    assert shape.targets == targets
    assert (shape.examples_train, shape.examples_validation, shape.examples_test) == (30, 8, 6)
    found = prepare(dataset, tmp_path)
    for part in PARTS:
        x, y, *weights = expected(part, returned)
        assert np.array_equal(found.arrays[f"x_{part}"], x)
        assert found.arrays[f"y_{part}"].dtype == (np.float64 if targets == "numbers" else np.int32)
        assert np.array_equal(found.arrays[f"y_{part}"].reshape(y.shape), y)
        assert (f"w_{part}" in found.arrays) == bool(weights)
        if weights:
            assert np.array_equal(found.arrays[f"w_{part}"], weights[0])
    assert int(found.arrays["classes"]) == shape.classes == {"tokens": 5, "flags": 3, "numbers": 1}.get(kind, 2)
    if kind == "two_numbers":
        assert list(found.understood["numbers"]) == ["sum", "first"]
    if kind == "flags":
        assert list(found.understood["labels"]) == ["big", "odd", "zero"]
    if kind == "classes":
        assert list(found.understood["classes"]) == ["low", "high"]


@pytest.mark.parametrize(
    ("constant", "returned", "words"),
    [
        ("CLASSES = 2; NUMBERS = 1", "x, x[:, 0]", "says CLASSES and NUMBERS; one of them"),
        ("", "x, x[:, 0]", "must say its sizes, written out, such as INPUT_SHAPE"),
        ("NUMBERS = 0", "x, x[:, 0]", "NUMBERS = 0: a number from 1 on is expected, or a list of their names"),
        ('CLASSES = ["a", "a"]', "x, x[:, 0]", "or a list of their names"),
        ("NUMBERS = 2", "x, x[:, 0]", "returned targets of shape (30,), int64; by its sizes numbers of shape (30, 2)"),
        ("NUMBERS = 1", "x, x[:, 0] / 0 * 1.0", "finite targets of each example are expected"),
        ("FLAGS = 2", "x, x[:, :2]", "returned labels other than 0 and 1"),
        ("FLAGS = 2", "x, x[:, :2] / 2", "float64; by its sizes whole numbers of shape (30, 2)"),
        ("TOKENS = 3", "x, x", "examples with tokens from 0 to 4; by TOKENS 0 to 2 are expected"),
        ("TOKENS = 5", "x / 2, x", "returned tokens of float64; whole numbers are expected"),
        (
            "TOKENS = 5",
            "x, x, x[:, 0]",
            "returned weights of shape (30,), int64; by its sizes numbers of shape (30, 4)",
        ),
        ("NUMBERS = 1", "x, x[:, 0], -x[:, 0]", "a weight is negative"),
        ("NUMBERS = 1", "x", "returned 30 values; examples and targets are expected"),
        ("NUMBERS = 1", "(x, x[:, 0], x[:, 0])[: 3 if split == 'train' else 2]", "returned no weights"),
    ],
)
def test_what_does_not_fit_is_one_line(constant: str, returned: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BatchlabError) as problem:
        prepare(own(tmp_path, constant, returned) | {"seed": 3}, tmp_path)
    assert words in str(problem.value)
    assert "own.py" in str(problem.value)


def test_tokens_are_not_standardised(tmp_path: Path) -> None:
    dataset = own(tmp_path, *KINDS["tokens"]) | {"standardise": True}
    with pytest.raises(BatchlabError, match="standardise: true is for numbers, and tokens are none"):
        resolve(dataset)
