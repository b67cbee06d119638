"""Tables in shapes in which programs leave them: what may mean something else is refused by name, or remarked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from unit.sources import prepare

from batchlab.errors import BatchlabError
from batchlab.sources.formats.csv import table as text_table
from batchlab.sources.settings import resolve

ROWS = 30
FLOWERS = Path(__file__).parent / "tables" / "flowers.parquet"


def made(folder: Path, head: str, cells: list[str], end: str = "", name: str = "mine.csv") -> dict[str, str]:
    """Write a table of the columns `head`, of which the first holds `cells`, b numbers and y two classes."""
    sign = ";" if ";" in head else ","
    rows = ([cells[row % len(cells)], f"{row / 7:.3f}", "uv"[row % 2]] for row in range(ROWS))
    lines = [head, *(sign.join(row) + end for row in rows)]
    (folder / name).write_text("\n".join(lines) + "\n")
    return {"file": str(folder / name), "label": "y"}


def refused(dataset: dict[str, str]) -> str:
    """Return the one line by which planning refuses a table."""
    with pytest.raises(BatchlabError) as problem:
        resolve(dataset)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def remarks(dataset: dict[str, str], folder: Path) -> list[str]:
    """Return what is remarked on a table when it is prepared."""
    return [text for what, text in prepare(dataset, folder).understood["told"] if what == "Remark"]


@pytest.mark.parametrize(
    "cells",
    [
        ["1 Jan 2020", "12 February 2021"],
        ["Jan-01", "Dec-31"],
        ["2020-01", "2020-12"],
        ["20200131", "19991231"],
        ["March 3 2020", "April 4 2020"],
        ["01/31/2020 10:30 AM", "02/01/2020 11:00 pm"],
        ["10:30 p.m.", "9:00 AM"],
        ["2024Q1", "2024Q2"],
        ["2024-W05", "2024-W52"],
        ["20200131103000", "20200201235959"],
        ["202001311030", "202002012359"],
    ],
)
def test_dates_of_other_kinds_are_refused_by_name(cells: list[str], tmp_path: Path) -> None:
    assert "column 'a' holds dates or times" in refused(made(tmp_path, "a,b,y", cells))


@pytest.mark.parametrize(
    "cells", [["may", "june"], ["20201331", "20200101"], ["20200131"], ["2020", "2021"], ["20200131993000", "20200201"]]
)
def test_what_only_looks_like_dates_is_taken(cells: list[str], tmp_path: Path) -> None:
    assert resolve(made(tmp_path, "a,b,y", cells)).shape.classes == 2


@pytest.mark.parametrize(
    "cells",
    [
        ["$1200", "$7"],
        ["5 %", "7.5%"],
        ["1.100,50", "2.250,75"],
        ["12 500", "1 750"],
        ["€ 3", "€ 4"],
        ["-3%", "4%"],
        ["3 kg", "4.5 kg"],
        ["(3)", "(4)"],
        ["7°30'", "8°30'"],
    ],
)
def test_numbers_with_signs_are_no_categories(cells: list[str], tmp_path: Path) -> None:
    dataset = made(tmp_path, "a;b;y", cells)
    assert "column 'a' holds numbers with signs or units" in refused(dataset)
    assert resolve(dataset | {"categories": ["a"]}).shape.input_shape == (1 + len(cells),)  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "cells", [["1.100.50", "3.2.1"], ["1st", "2nd"], ["3 rooms", "many rooms"], ["10-20", "20-30"]]
)
def test_words_with_numbers_in_them_are_words(cells: list[str], tmp_path: Path) -> None:
    assert resolve(made(tmp_path, "a,b,y", cells)).shape.input_shape == (3,)


def test_the_line_by_which_excel_knows_the_separator_is_no_row(tmp_path: Path) -> None:
    plain = prepare(made(tmp_path, "a;b;y", ["1", "2.5"]), tmp_path)
    found = prepare(made(tmp_path, "sep=;\na;b;y", ["1", "2.5"]), tmp_path)
    assert np.array_equal(found.arrays["x_train"], plain.arrays["x_train"])
    assert ["Columns of numbers", "2: a, b"] in found.understood["told"]


def test_years_in_the_first_line_are_asked_for(tmp_path: Path) -> None:
    dataset = made(tmp_path, "2019,2020,y", ["1", "2.5"]) | {"label": "3"}
    assert "the first line counts from 2019 to 2020: names of columns, or an example? Say header: true" in refused(
        dataset
    )
    named = dataset | {"label": "y", "header": True}  # type: ignore[dict-item]
    assert resolve(named).shape.classes == 2


def test_a_sign_at_the_end_of_each_line_makes_no_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = prepare(made(tmp_path, "a,b,y", ["1", "2.5"]), tmp_path)
    for head in ("a,b,y", "a,b,y,"):
        found = prepare(made(tmp_path, head, ["1", "2.5"], end=","), tmp_path)
        assert np.array_equal(found.arrays["x_train"], plain.arrays["x_train"])
        assert ["Left out", "column 4 (without a name): empty"] in found.understood["told"]
    dataset = made(tmp_path, "a,b,y,", ["1", "2.5"], end=",")
    with Path(dataset["file"]).open("a") as file:
        file.write("1,2,u,3\n")
    monkeypatch.setattr(text_table, "SAMPLE", 10)
    assert "line 32: column 4 has no name, and holds '3' here" in refused(dataset)


def test_lines_before_the_names_are_refused_even_if_the_first_ones_are_alike(tmp_path: Path) -> None:
    dataset = made(tmp_path, "# by sensor 7\n# 2024-01-01\na,b,y", ["1", "2"])
    assert "line 1 has 1 cells, the rows below it 3; remove what stands before the names" in refused(dataset)


def test_a_name_that_stands_twice_is_named(tmp_path: Path) -> None:
    assert "two columns are called 'b', and column names must differ; rename one" in refused(
        made(tmp_path, "b,b,y", ["1"])
    )


def test_endings_in_capitals_are_endings(tmp_path: Path) -> None:
    assert resolve(made(tmp_path, "a,b,y", ["1", "2"], name="MINE.CSV")).shape.input_shape == (2,)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("a.csv.gz", "unpack it first"),
        ("a.json", "pandas.read_json(…).to_csv(…, index=False)"),
        ("X.npy", "numpy.savez('mine.npz', x=…, y=…)"),
        ("a.arff", "keep what follows @data as a .csv"),
        ("a.pkl", "load it and write numpy.savez('mine.npz', x=…, y=…)"),
    ],
)
def test_formats_that_are_not_read_have_a_way_out(name: str, way: str) -> None:
    assert way in refused({"file": name})


def test_a_number_far_below_all_others_is_remarked(tmp_path: Path) -> None:
    [text] = remarks(made(tmp_path, "a,b,y", ["-999", "0.5", "3", "2", "7"]), tmp_path)
    assert text.startswith("column 'a' holds -999 6 times, far below all other values; say missing_words: ['', '-999']")
    dataset = made(tmp_path, "a,b,y", ["-999", "0.5", "3"]) | {"missing_words": ["", "-999"], "missing": "drop"}
    assert prepare(dataset, tmp_path).understood["examples"] == {"train": 14, "validation": 2, "test": 4}
    # Values that are as low as others are values.
    assert remarks(made(tmp_path, "a,b,y", ["-9", "-8", "-4", "0.5"]), tmp_path) == []


def test_one_value_and_words_in_capitals_are_remarked(tmp_path: Path) -> None:
    assert remarks(made(tmp_path, "a,b,y", ["1"]), tmp_path) == [
        "column 'a' holds one value in every row, so it tells nothing"
    ]
    dataset = made(tmp_path, "a,b,y", ["Bern", "BERN", "Genf"])
    assert remarks(dataset, tmp_path) == ["column 'a': 'BERN' and 'Bern' are two words, which differ in capitals alone"]
    assert remarks(made(tmp_path, "a,b,y", ["a", "A", "b"]), tmp_path) == []  # letters are what they are


def test_without_a_label_the_columns_are_named(tmp_path: Path) -> None:
    path = made(tmp_path, "a,b,y", ["1", "2"])["file"]
    assert "the key label is missing" in (line := refused({"file": path}))
    assert line.endswith("; its columns: a, b, y")
    Path(path).write_text("".join(f"{row * row},{row % 7},u\n" for row in range(9)))
    assert refused({"file": path}).endswith("; its columns: 1, 2, 3")
    assert refused({"file": str(FLOWERS)}).endswith(
        "its columns: length, leaves, wild, town, soil, weight, price, grade, species"
    )
    assert "its columns" not in refused({"file": str(tmp_path / "absent.csv")})


def test_points_beside_decimal_commas_are_told(tmp_path: Path) -> None:
    assert "column 'b' holds numbers with decimal points ('0.000'), and other columns have decimal commas" in refused(
        made(tmp_path, "a;b;y", ["1,5", "2,25"])
    )
