"""Lines of JSON: the same table as text gives the same data, and what is no table is refused by line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.sources import prepare

from batchlab.errors import BatchlabError
from batchlab.sources.settings import resolve

N = 60


def rows() -> Iterator[dict[str, Any]]:
    for i in range(N):
        yield {
            "age": 20 + i,
            "town": ["Bern", "Chur", "Zürich"][i % 3],
            "bmi": i / 7,
            "smokes": i % 5 == 0,
            "y": "uv"[i % 2],
        }


def written(folder: Path, lines: Any, name: str = "mine.jsonl", encoding: str = "utf-8") -> dict[str, Any]:
    text = "".join((line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n" for line in lines)
    (folder / name).write_text(text, encoding=encoding)
    return {"file": str(folder / name), "label": "y"}


def refused(dataset: dict[str, Any]) -> str:
    with pytest.raises(BatchlabError) as problem:
        resolve(dataset)
    assert "\n" not in str(problem.value)
    return str(problem.value)


@pytest.mark.parametrize(
    "changes", [{}, {"categories": ["age"], "leave_out": "bmi"}, {"label": "bmi", "labels": "numbers"}]
)
def test_the_numbers_are_those_of_a_table_of_text(tmp_path: Path, changes: dict[str, Any]) -> None:
    ours = prepare({**written(tmp_path, rows(), encoding="utf-8-sig"), **changes}, tmp_path)
    with (tmp_path / "mine.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(next(rows())))
        table.writeheader()
        table.writerows(rows())
    theirs = prepare({"file": str(tmp_path / "mine.csv"), "label": "y", **changes}, tmp_path)
    assert ours.arrays.keys() == theirs.arrays.keys()
    for key, values in ours.arrays.items():
        np.testing.assert_array_equal(values, theirs.arrays[key])
    assert dict(ours.understood["told"])["File"] == "lines of JSON; 5 keys"


def test_keys_that_are_missing_and_null_are_gaps(tmp_path: Path) -> None:
    lines = list(rows())
    del lines[3]["age"]
    lines[4]["age"], lines[5]["town"] = None, "NA"
    dataset = written(tmp_path, lines)
    assert "line 4, column 'age': is empty; fill it, say missing: drop" in refused(dataset)
    assert (
        sum(
            len(values)
            for key, values in prepare({**dataset, "missing": "drop"}, tmp_path).arrays.items()
            if key[0] == "y"
        )
        == N - 3
    )
    filled = prepare({**dataset, "missing": "impute"}, tmp_path)
    assert "age 2, town 1" in dict(filled.understood["told"])["Missing"]


def test_a_key_of_a_later_line_is_a_column(tmp_path: Path) -> None:
    lines = [{**row, **({"late": i} if i >= 2 else {})} for i, row in enumerate(rows())]
    assert "line 1, column 'late': is empty" in refused(written(tmp_path, lines))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{'age': 1}", "line 2 is no JSON object (Expecting property name"),
        ("[1, 2]", "line 2 holds a list"),
        ("3", "line 2 holds a single value"),
        ('{"y": "u", "age": {"years": 3}}', "line 2, key 'age': holds an object; write a key for each"),
        ('{"y": "u", "age": [1]}', "leave_out: [age]"),
        ('{"y": "u", "y": "v"}', "the key 'y' is there twice"),
        (
            '{"y": "u", "age": Infinity, "town": "Bern", "bmi": 1, "smokes": true}',
            "line 2, column 'age': holds 'Infinity'",
        ),
        ("[" * 100_000, "line 2 is no JSON object"),
    ],
)
def test_lines_that_are_no_rows_are_refused_by_number(tmp_path: Path, line: str, words: str) -> None:
    first, *rest = rows()
    assert words in refused(written(tmp_path, [first, line, *rest]))


def test_what_is_left_out_may_hold_anything(tmp_path: Path) -> None:
    lines = [{**row, "more": {"a": [1, 2]}} for row in rows()]
    assert resolve({**written(tmp_path, lines), "leave_out": ["more"]}).shape.input_shape == (6,)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("when", "2024-01-31", "column 'when' holds dates"),
        ("price", "$1,200", "column 'price' holds numbers with signs"),
        ("size", "1,5", ""),
        ("size", "3.25", ""),
    ],
)
def test_texts_mean_what_they_mean_in_a_table(tmp_path: Path, key: str, value: str, words: str) -> None:
    dataset = written(tmp_path, [{**row, key: value} for row in rows()])
    if words:
        assert words in refused(dataset)
    else:
        assert resolve({**dataset, "leave_out": ["bmi"]}).shape.input_shape == (6,)


def test_other_files_are_refused(tmp_path: Path) -> None:
    assert "is empty" in refused(written(tmp_path, ["", ""]))
    assert "is not text in UTF-8 below line" in refused(written(tmp_path, rows(), encoding="latin-1"))
    pretty = [json.dumps(row, indent=1) for row in rows()]
    assert "line 1 is no JSON object" in refused(written(tmp_path, pretty, "mine.ndjson"))
    assert "its columns: age, town, bmi" in refused({"file": written(tmp_path, rows())["file"]})
