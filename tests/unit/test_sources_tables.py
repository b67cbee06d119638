"""Tables as people have them: what is understood, what is refused by line and column; planning foretells both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.sources import prepare

from batchlab.declarations.options import with_defaults
from batchlab.errors import BatchlabError
from batchlab.sources.formats.csv import read as csv_format
from batchlab.sources.formats.csv.declaration import FORMAT
from batchlab.sources.settings import resolve

ROWS = [(1.5, "a", "u"), (2.0, "b", "v"), (0.5, "a", "u"), (4.0, "c", "v"), (7.0, "b", "u"), (9.0, "c", "v")]


def table(folder: Path, text: str | bytes, **options: Any) -> tuple[np.ndarray, list[str], dict[str, str]]:
    """Return features, labels as text, and what was told of a table; planning must say the same sizes."""
    path = folder / "mine.csv"
    if isinstance(text, str):
        path.write_text(text)
    else:
        path.write_bytes(text)
    complete = with_defaults(FORMAT.options, options)
    contents = csv_format.read([path], complete)
    x, y = contents.pool
    foretold = FORMAT.inspect(path, complete)
    assert (foretold.examples, foretold.input_shape, foretold.classes) == (
        len(y),
        x.shape[1:],
        len(contents.class_names),
    )
    return x, [contents.class_names[label] for label in y], dict(contents.told)


def refused(folder: Path, text: str | bytes, **options: Any) -> str:
    """Return the one line by which planning refuses a table."""
    path = folder / "mine.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(BatchlabError) as problem:
        resolve({"file": str(path), "label": "y", **options})
    assert "\n" not in str(problem.value)
    assert str(path) in str(problem.value)
    return str(problem.value).replace(str(path), "mine.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separator_quotes_and_marks_of_encodings_are_found_out(
    tmp_path: Path, separator: str, quote: str, encoding: str
) -> None:
    lines = [("breite", "höhe", "y"), *((f"{width:g}", f"{2 * width:g}", label) for width, _, label in ROWS)]
    text = "\r\n".join(separator.join(f"{quote}{cell}{quote}" for cell in line) for line in lines)
    x, y, told = table(tmp_path, text.encode(encoding), label="y")
    assert x.tolist() == [[width, 2 * width] for width, _, _ in ROWS]
    assert y == [label for _, _, label in ROWS]
    assert "breite, höhe" in told["Columns of numbers"]


def test_an_old_encoding_is_named(tmp_path: Path) -> None:
    text = "höhe,y\n" + "".join(f"{width},{label}\n" for width, _, label in ROWS)
    assert "mine.csv: is not text in UTF-8 (line 1); save it as UTF-8" in refused(tmp_path, text.encode("cp1252"))
    x, _, told = table(tmp_path, text.encode("cp1252"), label="y", encoding="cp1252")
    assert (x[0, 0], told["Columns of numbers"]) == (1.5, "1: höhe")
    assert "encoding = 'cp1525' is unknown" in refused(tmp_path, text, encoding="cp1525")


def test_decimal_commas(tmp_path: Path) -> None:
    semicolons = "a;y\n" + "".join(f"{width:.1f};{label}\n".replace(".", ",") for width, _, label in ROWS)
    assert table(tmp_path, semicolons, label="y")[0][:, 0].tolist() == [width for width, _, _ in ROWS]
    quoted = "a,y\n" + "".join(f'"0,{row}25",{label}\n' for row, (_, _, label) in enumerate(ROWS))
    assert table(tmp_path, quoted, label="y")[0][:, 0].tolist() == [0.025, 0.125, 0.225, 0.325, 0.425, 0.525]
    thousands = "a;y\n1,250;u\n3,100;v\n2,000;u\n"
    assert "'1,250' may be a fraction or thousands; say decimal: ','" in refused(tmp_path, thousands)
    assert table(tmp_path, thousands, label="y", decimal=",")[0][:, 0].tolist() == [1.25, 3.1, 2.0]
    assert "line 3, column 'a': holds '2.5'" in refused(tmp_path, "a;y\n1,5;u\n2.5;v\n3,5;u\n")


@pytest.mark.parametrize("label", [3, -1])
def test_without_a_header_no_row_is_lost_and_columns_are_numbered(tmp_path: Path, label: int) -> None:
    text = "".join(f"{row},{row * row},{row % 2}\n" for row in range(5, 25))
    x, y, told = table(tmp_path, text, label=label)
    assert x.tolist() == [[row, row * row] for row in range(5, 25)]
    assert y == [str(row % 2) for row in range(5, 25)]
    assert "no header line" in told["File"]
    assert "the columns are: 1 to 3, without names; label: 3 would be the last" in refused(tmp_path, text)
    # Named as by its first row, which vanished before.
    assert "label = '5' is not a column" in refused(tmp_path, text, label="5")


def test_a_first_line_that_only_counts_is_asked_for(tmp_path: Path) -> None:
    text = "0,1,2\n" + "".join(f"{row}.5,{row},{row % 2}\n" for row in range(20))
    assert "say header: true or header: false" in refused(tmp_path, text, label="2").replace("Say", "say")
    assert len(table(tmp_path, text, label="2", header=True)[0]) == 20
    assert len(table(tmp_path, text.replace("0,1,2", "0,1,1", 1), label=3, header=False)[0]) == 21


def test_a_first_line_of_sizes(tmp_path: Path) -> None:
    text = "6,2,rome,oslo\n" + "".join(f"{row}.5,{row * row},{row % 2}\n" for row in range(6))
    x, y, told = table(tmp_path, text, label=-1)
    assert x[:, 1].tolist() == [0, 1, 4, 9, 16, 25]
    assert y == ["rome", "oslo"] * 3
    assert "sizes" in told["File"]


def test_words_become_categories_and_truth_values_numbers(tmp_path: Path) -> None:
    text = "width,kind,big,y\n" + "".join(f"{width},{kind},{width > 3},{label}\n" for width, kind, label in ROWS)
    x, _, told = table(tmp_path, text, label="y")
    assert x.tolist() == [[width, *(kind == word for word in "abc"), width > 3] for width, kind, _ in ROWS]
    assert told["Categories of kind"] == "3 features of 0 and 1: a, b, c"
    assert told["Columns of truth values"] == "1: big"


def test_codes_become_categories_where_the_campaign_says_so(tmp_path: Path) -> None:
    text = "code,y\n" + "".join(f"{10 + row % 3},{'uv'[row % 2]}\n" for row in range(12))
    assert table(tmp_path, text, label="y")[0].shape == (12, 1)
    x, _, _ = table(tmp_path, text, label="y", categories=["code"])
    assert x.tolist() == [[row % 3 == place for place in range(3)] for row in range(12)]


def test_names_of_examples_are_no_categories(tmp_path: Path) -> None:
    text = "who,a,y\n" + "".join(f"person {row},{row},{'uv'[row % 2]}\n" for row in range(30))
    assert "column 'who' holds 30 different texts" in (line := refused(tmp_path, text))
    assert "leave_out: [who]" in line
    assert table(tmp_path, text, label="y", leave_out="who")[0].shape == (30, 1)
    assert table(tmp_path, text, label="y", categories="who")[0].shape == (30, 31)


@pytest.mark.parametrize(
    "date", ["2024-01-31", "31.1.2024", "1/31/24", "2024/01/31", "2024-01-31 10:30:00", "2024-01-31T10:30Z", "10:30"]
)
def test_dates_are_refused_by_name(tmp_path: Path, date: str) -> None:
    text = "day,a,y\n" + "".join(f"{date},{row},{'uv'[row % 2]}\n" for row in range(6))
    assert f"column 'day' holds dates or times ('{date}'); leave it out with leave_out: [day]" in refused(
        tmp_path, text
    )


GAPS = "a,kind,y\n1,p,u\n,q,v\n3,NA,u\n5,q,v\n8,p,u\n9,q,v\n"


def test_gaps_are_refused_by_line_and_column(tmp_path: Path) -> None:
    line = refused(tmp_path, GAPS)
    assert "mine.csv: line 3, column 'a': is empty" in line
    for way in ("missing: drop", "missing: impute", "leave_out: [a]"):
        assert way in line
    assert "line 4, column 'kind': is missing (NA)" in refused(tmp_path, GAPS.replace("\n,", "\n2,"))


def test_rows_with_gaps_are_dropped_and_counted(tmp_path: Path) -> None:
    x, y, told = table(tmp_path, GAPS, label="y", missing="drop")
    assert x.tolist() == [[1, 1, 0], [5, 0, 1], [8, 1, 0], [9, 0, 1]]
    assert y == ["u", "v", "u", "v"]
    assert told["Rows"] == "6 read, 4 used"
    assert told["Missing"] == "2 rows with gaps left out; gaps by column: a 1, kind 1"
    # A gap in a column that is not used costs no row.
    assert len(table(tmp_path, GAPS, label="y", missing="drop", leave_out="a")[1]) == 5


def test_gaps_are_filled_in_with_the_training_median(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    cells = ["" if row % 7 == 3 else str(row * row) for row in range(60)]
    path.write_text("a,b,y\n" + "".join(f"{cell},{row},{'uv'[row % 2]}\n" for row, cell in enumerate(cells)))
    made = prepare({"file": str(path), "label": "y", "missing": "impute"}, tmp_path)
    train = made.arrays["x_train"]
    known = sorted(a for a, row in train.tolist() if int(row) % 7 != 3)
    middle = len(known) // 2
    median = known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
    for part in ("train", "validation", "test"):
        for a, row in made.arrays[f"x_{part}"].tolist():
            assert a == (median if int(row) % 7 == 3 else row * row)
    assert dict(made.understood["told"])["Filled in"].startswith(f"{cells.count('')} gaps")


def test_missing_words_can_be_a_category_of_their_own(tmp_path: Path) -> None:
    text = "a,city,y\n1,p,u\n2,NA,v\n3,p,u\n4,NA,v\n"
    x, _, told = table(tmp_path, text, label="y", missing="impute")
    assert x.tolist() == [[1, 1, 0], [2, 0, 1], [3, 1, 0], [4, 0, 1]]
    assert told["Categories of city"].endswith("p, (missing)")
    assert table(tmp_path, text, label="y", missing_words=[""])[2]["Categories of city"].endswith("NA, p")


def test_a_missing_label_is_no_class(tmp_path: Path) -> None:
    text = "a,y\n1,u\n2,NA\n3,v\n4,u\n"
    assert "line 3: the label (column 'y') is missing (NA); say missing: drop" in refused(tmp_path, text)
    assert table(tmp_path, text, label="y", missing="drop")[1] == ["u", "v", "u"]
    assert "the label (column 'y')" in refused(tmp_path, text, missing="impute")
    assert table(tmp_path, text, label="y", missing_words=[""])[1] == ["u", "NA", "v", "u"]


@pytest.mark.parametrize("name", ["", "id", "Unnamed: 0", "rownames"])
@pytest.mark.parametrize("start", [0, 1])
def test_a_column_that_counts_the_rows_is_no_feature(tmp_path: Path, name: str, start: int) -> None:
    text = f"{name},a,y\n" + "".join(f"{start + row},{row * row}.5,{'uv'[row % 2]}\n" for row in range(9))
    x, _, told = table(tmp_path, text, label="y")
    assert x[:, 0].tolist() == [row * row + 0.5 for row in range(9)]
    assert "counts the rows" in told["Left out"]


def test_measured_labels_are_numbers_unless_the_campaign_says_otherwise(tmp_path: Path) -> None:
    numbers = "a,y\n" + "".join(f"{row},{row * 7 % 40}\n" for row in range(80))
    halves = "a,y\n1,0.5\n2,1\n3,0.5\n4,1\n"
    for number, text in enumerate((numbers, halves)):
        file = tmp_path / f"{number}.csv"
        file.write_text(text)
        found = resolve({"file": str(file), "label": "y"})
        assert found.shape.targets == "numbers" and found.options["labels"] == "numbers"
        with pytest.raises(BatchlabError, match=r"label = 'y': holds .* labels: classes if every number is a class"):
            resolve({"file": str(file), "label": "y"}, "classes")
    assert len(set(table(tmp_path, numbers, label="y", labels="classes")[1])) == 40
    # Thirty classes numbered from 0, with twenty examples each, are classes.
    numbered = "a,y\n" + "".join(f"{row},{row % 30}\n" for row in range(600))
    assert len(set(table(tmp_path, numbered, label="y")[1])) == 30


CITIES = "a,city_Bern,city_Oslo,city_Rome\n" + "".join(
    f"{row},{row % 3 == 0},{row % 3 == 1},{row % 3 == 2}\n" for row in range(12)
)


def test_one_hot_labels_do_not_leak(tmp_path: Path) -> None:
    line = refused(tmp_path, CITIES, label="city_Rome")
    assert "of it and city_Bern, city_Oslo exactly one is 1 in each row" in line
    x, y, _ = table(tmp_path, CITIES, label=["city_Bern", "city_Oslo", "city_Rome"])
    assert x.tolist() == [[row] for row in range(12)]
    assert y == ["city_Bern", "city_Oslo", "city_Rome"] * 4
    assert table(tmp_path, CITIES, label="city_Rome", leave_out=["city_Bern", "city_Oslo"])[0].shape == (12, 1)
    two = CITIES.replace("False,False,True", "True,False,True")
    line = refused(tmp_path, two, label=["city_Bern", "city_Oslo", "city_Rome"])
    assert "line 4: the columns of the label hold True, False, True; exactly one must be 1" in line


def test_a_column_that_tells_the_class_is_remarked(tmp_path: Path) -> None:
    text = "a,code,kind,y\n" + "".join(f"{row},{7 - row % 3},k{row % 3},{'uvw'[row % 3]}\n" for row in range(30))
    path = tmp_path / "mine.csv"
    path.write_text(text)
    told = csv_format.read([path], with_defaults(FORMAT.options, {"label": "y"})).told
    remarks = [words for what, words in told if what == "Remark"]
    assert [words.split("'")[1] for words in remarks] == ["a", "code", "kind"]
    assert "grows by one" in remarks[0]
    path.write_text(text.replace("k2,w", "k1,w", 1).replace("5,k1", "6,k1", 1).replace("\n9,", "\n9.5,"))
    told = csv_format.read([path], with_defaults(FORMAT.options, {"label": "y"})).told
    assert "Remark" not in dict(told)


def test_a_cell_that_fits_nothing_names_line_column_and_ways_out(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{row},{'uv'[row % 2]}\n" for row in range(20)).replace("\n7,", "\nseven,")
    line = refused(tmp_path, text)
    assert "mine.csv: line 9, column 'a': holds 'seven'; a finite number is expected" in line
    assert "categories: [a]" in line
    assert "leave_out: [a]" in line


def test_lines_before_the_header_are_named(tmp_path: Path) -> None:
    rows = "a,b,y\n" + "".join(f"{row},{row * row},{'uv'[row % 2]}\n" for row in range(20))
    assert "line 1 has 1 cells, the rows below it 3; remove what stands before" in refused(
        tmp_path, f"# by hand\n{rows}"
    )


def test_names_of_rows_by_r(tmp_path: Path) -> None:
    """R's write.table writes a header with one cell less than the rows have."""
    text = '"a" "b" "y"\n' + "".join(f'"{row + 1}" {row * row} {row % 5} "{"uv"[row % 2]}"\n' for row in range(20))
    x, y, told = table(tmp_path, text, label="y")
    assert x.tolist() == [[row * row, row % 5] for row in range(20)]
    assert y == ["u", "v"] * 10
    assert told["Left out"] == "column 1 (without a name): counts the rows"


def test_a_sign_for_gaps_has_a_way_out(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{row if row % 5 else '-'},{'uv'[row % 2]}\n" for row in range(20))
    assert "line 2, column 'a': holds '-'" in (line := refused(tmp_path, text))
    assert "missing_words: ['', '-'] if it is a gap" in line
    assert len(table(tmp_path, text, label="y", missing="drop", missing_words=["", "-"])[1]) == 16


def test_planning_looks_at_cells_beyond_the_first_rows(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{row},{'uv'[row % 2]}\n" for row in range(5000)) + "x,u\n"
    assert "line 5002, column 'a': holds 'x'" in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"label": "x"}, "label = 'x' is not a column; the columns are: a, kind, y"),
        ({"label": 4}, "label = 4 is not a column; there are 3 columns"),
        ({"leave_out": "kin"}, "leave_out = 'kin' is not a column; the columns are: a, kind, y; did you mean 'kind'?"),
        ({"leave_out": ["y"]}, "leave_out: 'y' is the label"),
        ({"leave_out": ["a", "kind"]}, "has no column beside the label"),
        (
            {"label": ["a", "y"]},
            "label: name one column of labels, all three or more columns of one-hot labels, or say",
        ),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    assert words in refused(tmp_path, GAPS, **options)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_table_of_numbers_comes_back(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever the numbers, separator, quotes and decimal sign: the cells are read as Python would read them."""
    columns = data.draw(st.integers(1, 4))
    numbers = st.floats(-1e6, 1e6, allow_nan=False, width=32) | st.integers(-(10**6), 10**6)
    rows = data.draw(st.lists(st.lists(numbers, min_size=columns, max_size=columns), min_size=3, max_size=12))
    comma = data.draw(st.booleans())
    separator = data.draw(st.sampled_from(";\t|" if comma else ",;\t|"))
    quote = data.draw(st.sampled_from(["", '"']))
    lines = [[*(f"c{column}" for column in range(columns)), "y"]]
    for place, row in enumerate(rows):
        cells = [repr(cell).replace(".", ",") if comma else repr(cell) for cell in row]
        lines.append([*cells, "uv"[place % 2]])
    text = "".join(separator.join(f"{quote}{cell}{quote}" for cell in line) + "\n" for line in lines)
    x, y, _ = table(tmp_path, text, label="y", decimal="," if comma else ".")
    assert x.tolist() == [[float(cell) for cell in row] for row in rows]
    assert y == ["uv"[place % 2] for place in range(len(rows))]


def test_what_was_understood_adds_up(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("a,y\n" + "".join(f"{row},{'uvw'[row % 3]}\n" for row in range(90)))
    known = prepare({"file": str(path), "label": "y", "examples": 30}, tmp_path).understood
    assert json.loads(json.dumps(known)) == known
    assert known["examples"] == {"train": 30, "validation": 9, "test": 18}
    assert known["classes"]["v"] == {"train": 10, "validation": 3, "test": 6}
    assert known["stored"] == {"type": "float64", "least": 0.0, "largest": 89.0}
    assert ["Part", "30 of 63 training examples, stratified by class"] in known["told"]
