"""Tables in Parquet: planned from the footer without PyArrow, and read as the same table in text is."""

from __future__ import annotations

import shutil
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from unit.sources import prepare

from batchlab.errors import BatchlabError
from batchlab.sources.formats.parquet.parquet_footer import footer_of
from batchlab.sources.keys import UncountedError
from batchlab.sources.settings import resolve
from batchlab.starting.writing import write

# Written by `flowers().to_parquet(…)`.
FLOWERS = Path(__file__).parent / "tables" / "flowers.parquet"
DRAW = np.random.default_rng(0)


def flowers(rows: int = 60) -> pd.DataFrame:
    """Return a table with a column of each kind that is read, and gaps in two of them."""
    draw = np.random.default_rng(0)
    length = draw.normal(5, 1, rows)
    length[[3, 7, 20]] = np.nan
    town = draw.choice(["Basel", "Bern", "Genf"], rows).astype(object)
    town[[7, 30]] = None
    return pd.DataFrame(
        {
            "length": length,
            "leaves": draw.integers(3, 12, rows),
            "wild": draw.random(rows) < 0.5,
            "town": town,
            "soil": pd.Categorical(draw.choice(["clay", "sand"], rows)),
            "weight": draw.integers(1, 4, rows) / 2,
            "price": draw.normal(9, 3, rows).round(2),
            "grade": draw.integers(0, 3, rows),
            "species": pd.Categorical(draw.choice(["iris", "rose", "tulip"], rows)),
        }
    )


def test_planning_reads_the_footer_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    # All that lies before the footer is zeros: nothing of it is looked at, but for the digest.
    content = FLOWERS.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    (tmp_path / "t.parquet").write_bytes(bytes(footer) + content[footer:])
    table = {"file": str(tmp_path / "t.parquet"), "leave_out": ["town", "length"]}
    found = resolve(table | {"label": "species"})
    assert (found.shape.examples_train, found.shape.examples_validation, found.shape.examples_test) == (42, 6, 12)
    # leaves, wild, two soils, weight, price, grade
    assert (found.shape.input_shape, found.shape.classes, found.shape.targets) == ((7,), 3, "classes")
    assert resolve(table | {"label": "wild"}).shape.classes == 2
    assert resolve(table | {"label": "grade"}).shape.classes == 3
    measured = resolve(table | {"label": "price"}).shape
    assert (measured.targets, measured.classes) == ("numbers", 1)
    several = resolve(table | {"label": ["price", "weight"], "labels": "numbers"}).shape
    assert (several.targets, several.classes) == ("numbers", 2)


def test_what_a_footer_says() -> None:
    found = {column.name: column for column in footer_of(FLOWERS).columns}
    frame = flowers()
    assert footer_of(FLOWERS).rows == 60
    assert {name: column.gaps for name, column in found.items()} == frame.isna().sum().to_dict()
    for name in ("length", "leaves", "price", "grade"):
        assert (found[name].least, found[name].largest) == (frame[name].min(), frame[name].max())
    assert [found[name].holds for name in ("leaves", "wild", "town", "soil")] == [
        "whole numbers",
        "truth values",
        "words",
        "words",
    ]
    assert (found["soil"].words, found["town"].words) == (2, None)


def test_damage_is_one_line(tmp_path: Path) -> None:
    content = FLOWERS.read_bytes()
    path = tmp_path / "t.parquet"
    length = int.from_bytes(content[-8:-4], "little")
    wrong = [content[:-9], b"", b"PAR1", content[:-4] + b"PARE", content.replace(b"PAR1", b"PAR2")]
    # Changed bytes of the footer either go unnoticed here or are told; any cut of it is.
    wrong += [content[: -8 - length + cut] + content[-8:] for cut in range(0, length, 197)]
    changed = []
    for place in range(len(content) - 8 - length, len(content) - 8, 41):
        changed.append(content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :])
    for number, damaged in enumerate(wrong + changed):
        path.write_bytes(damaged)
        try:
            footer_of(path)
        except BatchlabError as problem:
            assert str(path) in str(problem)
        else:
            assert number >= len(wrong)


KEYS: dict[str, dict[str, Any]] = {
    "words": {"label": "species", "missing": "drop", "leave_out": ["price"], "rows": 56, "features": 10},
    "gaps filled in": {"label": "species", "missing": "impute", "features": 11, "weight": "weight"},
    "truth values": {"label": "wild", "leave_out": ["town", "length"]},
    "whole numbers": {"label": "grade", "leave_out": ["town"], "missing": "drop"},
    "codes": {"label": "grade", "leave_out": ["town", "length"], "categories": ["leaves"], "features": 17},
    "a target": {"label": "price", "leave_out": ["town"], "missing": "impute"},
    "targets": {"label": ["price", "leaves"], "labels": "numbers", "leave_out": ["town", "length"], "weight": "weight"},
}


@pytest.mark.parametrize("case", KEYS)
def test_a_table_is_what_it_is_as_text(case: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame, keys = flowers(), KEYS[case]
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    plain = {key: value for key, value in keys.items() if key not in ("rows", "features", "classes")}
    expected = prepare({"file": str(tmp_path / "t.csv"), **plain}, tmp_path)
    found = prepare({"file": str(tmp_path / "t.parquet"), **keys}, tmp_path)
    assert found.arrays.keys() == expected.arrays.keys()
    for name, values in expected.arrays.items():
        assert np.array_equal(found.arrays[name], values), name
    told, texts = ({**dict(each.understood["told"]), "Data": ""} for each in (found, expected))
    assert told.pop("File").startswith("Parquet, 9 columns, written by parquet-cpp-arrow")
    assert texts.pop("File").startswith("text in UTF-8")
    assert told == texts


def refused(folder: Path, frame: pd.DataFrame, **keys: Any) -> str:
    """Return why a table is refused, when it is planned or read."""
    frame.to_parquet(folder / "t.parquet")
    with pytest.raises(BatchlabError) as problem:
        prepare({"file": str(folder / "t.parquet"), **keys}, folder)
    text = str(problem.value)
    assert "t.parquet" in text and "\n" not in text
    return text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            pd.date_range("2020-01-01", periods=60),
            "column 'more' holds dates or times; leave it out with leave_out: [more]",
        ),
        ([date(2020, 1, 1)] * 60, "column 'more' holds dates or times"),
        (pd.to_timedelta(np.arange(60), "h"), "column 'more' holds dates or times"),
        ([[1, 2]] * 60, "column 'more' holds lists"),
        ([{"a": 1}] * 60, "column 'more' holds lists"),
        ([b"x"] * 60, "column 'more' holds bytes"),
        ([None] * 60, "column 'more' holds nothing"),
        ([1.0, None] * 30, "column 'more' has 30 gaps; fill them, say missing: drop"),
        ([1.0] * 59 + [np.inf], "row 60, column 'more': holds inf; a finite number is expected"),
        ([f"word {i}" for i in range(60)], "column 'more' holds 60 different texts"),
        (["1.5", "2"] * 30, "column 'more' holds numbers as text ('1.5'); write them as numbers"),
        (["2020-01-31", "2020-02-01"] * 30, "column 'more' holds dates or times ('2020-01-31')"),
        (["20200131", "20200201"] * 30, "column 'more' holds dates or times ('20200131')"),
        (["$1,200", "$900"] * 30, "column 'more' holds numbers with signs or units"),
    ],
)
def test_columns_that_are_no_features_are_refused_by_name(values: Any, words: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = flowers()[["leaves", "species"]].assign(more=values)
    assert words in refused(tmp_path, frame, label="species")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"label": "specie"}, "label = 'specie' is not a column; the columns are: length, leaves, wild"),
        ({"label": "town"}, "column 'length' has 3 gaps"),
        ({"label": "town", "missing": "impute"}, "column 'town' has 2 gaps; it cannot be filled in; say missing: drop"),
        ({"label": "species", "leave_out": ["species"]}, "leave_out: 'species' is the label"),
        (
            {"label": "species", "leave_out": ["town", "length"], "classes": 4},
            "has 3 classes, but 4 classes were planned; say classes: 3",
        ),
        ({"label": "species", "labels": "numbers", "missing": "drop"}, "holds words; labels: numbers needs numbers"),
        ({"label": ["leaves", "wild"], "labels": "flags", "missing": "drop"}, "'leaves' does not hold 0 and 1"),
        (
            {"label": "leaves", "leave_out": ["town", "length"]},
            "does not tell how many classes the label has; say classes: 9, or labels: numbers",
        ),
        ({"label": "species", "missing": "drop"}, "how many features its words become; say rows: 56, features: 11"),
        (
            {"label": ["soil", "wild"], "missing": "drop"},
            "name one column of labels, all three or more columns of one-hot",
        ),
    ],
)
def test_what_is_refused(keys: dict[str, Any], words: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert words in refused(tmp_path, flowers(), **keys)


def test_indices_of_pandas_are_left_out_and_told(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = flowers()[["leaves", "wild", "species"]]
    frame.insert(0, "id", np.arange(60))
    frame.set_index(pd.Index(DRAW.permutation(60), name="plot")).to_parquet(tmp_path / "t.parquet")
    table = {"file": str(tmp_path / "t.parquet"), "label": "species"}
    found = prepare(table, tmp_path)
    assert found.arrays["x_train"].shape == (42, 2)
    left_out = [text for what, text in found.understood["told"] if what == "Left out"]
    assert left_out == ["id: counts the rows", "plot: index of the pandas table"]
    # Named, it is a column like others.
    assert resolve({"file": table["file"], "label": "plot", "labels": "numbers"}).shape.targets == "numbers"
    # A column that is called id and does not count is not dropped in silence.
    frame.assign(id=[0, 0, *range(2, 60)]).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(BatchlabError, match="column 'id' holds numbers of rows by its name and limits, but some"):
        prepare(table, tmp_path)


def test_a_label_that_others_give_away_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    hot = pd.get_dummies(flowers()["species"], prefix="is")
    frame = pd.concat([flowers()[["leaves"]], hot], axis=1)
    assert "of it and is_rose, is_tulip exactly one is 1 in each row" in refused(tmp_path, frame, label="is_iris")
    whole = {"file": str(tmp_path / "t.parquet"), "label": ["is_iris", "is_rose", "is_tulip"]}
    found = prepare(whole, tmp_path)
    assert found.understood["classes"].keys() == {"is_iris", "is_rose", "is_tulip"}
    assert int(found.arrays["classes"]) == 3


def test_whole_numbers_with_gaps_and_decimal_numbers(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "cost": [Decimal(row) / 4 for row in range(60)],
            "count": pd.array([None, *range(59)], "Int64"),
            "kind": pd.array([0, 1] * 30, "Int8"),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    found = prepare({"file": str(tmp_path / "t.parquet"), "label": "kind", "missing": "drop", "test": 1}, tmp_path)
    rows = np.concatenate([found.arrays[f"x_{part}"] for part in ("train", "validation", "test")])
    assert sorted(map(tuple, rows)) == [(row / 4, row - 1.0) for row in range(1, 60)]


@pytest.mark.slow
def test_a_first_campaign_counts_what_the_footer_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    frame = flowers(200).drop(columns=["length"])
    frame["species"] = frame["species"].astype(str)
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(UncountedError) as problem:
        resolve({"file": str(tmp_path / "t.parquet"), "label": "species", "missing": "drop"})
    assert problem.value.keys == {"features": 10, "classes": 3}
    monkeypatch.chdir(tmp_path)
    write("t.parquet", "species", "first", "missing: drop", tmp_path / "config")
    dataset = yaml.safe_load((tmp_path / "config/first.yaml").read_text())["datasets"]["first"]
    assert {"features": 10, "classes": 3}.items() <= dataset.items()
    assert resolve(dataset).shape.input_shape == (10,)


def test_without_pyarrow_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    shutil.copy(FLOWERS, tmp_path / "t.parquet")
    with pytest.raises(BatchlabError, match="Parquet is read by PyArrow, which is not installed; run make parquet"):
        prepare({"file": str(tmp_path / "t.parquet"), "label": "grade", "leave_out": ["town", "length"]}, tmp_path)


# Folders


def folder_of(tmp_path: Path, *frames: pd.DataFrame, **more: Any) -> dict[str, Any]:
    """Write a table in parts, the last rows first, beside the notes that programs leave."""
    folder = tmp_path / "parts"
    folder.mkdir()
    for number, frame in reversed([*enumerate(frames)]):
        frame.to_parquet(folder / f"part-{number:05}.parquet")
    (folder / "_SUCCESS").write_text("")
    (folder / ".part-00000.parquet.crc").write_bytes(b"crc")
    return {"file": str(folder), **more}


def counted(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return a data set with the sizes that the message says, if footers do not tell them."""
    try:
        resolve(dataset)
    except UncountedError as problem:
        return {**dataset, **problem.keys}
    return dataset


@pytest.mark.parametrize("name", ["words", "gaps filled in", "a target"])
def test_a_folder_of_files_is_one_table_in_the_order_of_their_names(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = flowers()
    whole = folder_of(tmp_path, frame[:20], frame[20:21], frame[21:], **KEYS[name])
    frame.to_parquet(tmp_path / "t.parquet")
    one = {**whole, "file": str(tmp_path / "t.parquet")}
    ours, theirs = (prepare(counted(dataset), tmp_path).arrays for dataset in (whole, one))
    for key, values in theirs.items():
        np.testing.assert_array_equal(ours[key], values)


def test_a_folder_is_planned_from_its_footers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for number in range(3):
        shutil.copy(FLOWERS, tmp_path / f"{number}.parquet")
    table = {"file": str(tmp_path), "leave_out": ["town", "length", "soil", "species"]}
    found = resolve(table | {"label": "wild"}).shape
    assert (found.examples_train + found.examples_validation + found.examples_test, found.input_shape) == (180, (4,))
    with pytest.raises(BatchlabError, match=r"column 'length' has 9 gaps"):
        resolve({**table, "label": "wild", "leave_out": ["town", "soil", "species"]})
    with pytest.raises(BatchlabError, match=r"label is missing.*its columns: length, leaves"):
        resolve({"file": str(tmp_path)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.drop(columns="leaves"), r"part-00001.parquet: has no column 'leaves', as part-00000"),
        (
            lambda frame: frame.assign(more=1),
            r"part-00001.parquet: has a column 'more', which part-00000.parquet has not",
        ),
        (lambda frame: frame.assign(leaves="few"), r"column 'leaves' holds words, and whole numbers in part-00000"),
    ],
)
def test_files_with_other_columns_are_refused_by_name(change: Any, words: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = folder_of(tmp_path, flowers(), change(flowers()), label="wild", missing="drop")
    with pytest.raises(BatchlabError, match=words):
        resolve(table)


def test_columns_may_stand_in_another_order_and_whole_numbers_beside_others(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = flowers()[["leaves", "price", "wild"]]
    other = frame[["wild", "price", "leaves"]].assign(leaves=frame["leaves"] / 2)
    table = folder_of(tmp_path, frame, other, label="wild")
    found = prepare({**table, "validation": 0, "test": 1}, tmp_path).arrays
    rows = np.concatenate([found["x_train"], found["x_test"]])
    expected = np.concatenate([frame[["leaves", "price"]], other[["leaves", "price"]]])
    assert sorted(map(tuple, rows)) == sorted(map(tuple, expected))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("year=2020/a.parquet", r"holds the folder 'year=2020', and what names of folders say is not read"),
        ("notes.txt", r"holds 'notes.txt' beside Parquet files; take it out"),
    ],
)
def test_what_else_a_folder_holds_is_refused(name: str, words: str, tmp_path: Path) -> None:
    shutil.copy(FLOWERS, tmp_path / "a.parquet")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    shutil.copy(FLOWERS, tmp_path / name)
    with pytest.raises(BatchlabError, match=words):
        resolve({"file": str(tmp_path), "label": "wild"})


def test_a_folder_of_images_with_a_table_among_them_is_one_of_images(tmp_path: Path) -> None:
    for kind in ("cats", "dogs"):
        (tmp_path / kind).mkdir()
        for number in range(4):
            (tmp_path / kind / f"{number}.png").write_bytes(b"\x89PNG")
    shutil.copy(FLOWERS, tmp_path / "cats" / "list.parquet")
    assert resolve({"file": str(tmp_path), "size": 8}).layout == "images"


def test_columns_are_inputs_of_a_model_as_those_of_text_are(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = flowers()[["leaves", "town", "length", "soil", "wild"]]
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    inputs = {"size": {"of": ["length", "leaves"], "standardise": True}, "ground": ["soil"]}
    keys = {"label": "wild", "missing": "impute", "inputs": {**inputs, "home": {"of": ["town"], "codes": True}}}
    ours, theirs = (prepare({"file": str(tmp_path / f"t.{end}"), **keys}, tmp_path) for end in ("parquet", "csv"))
    assert ours.arrays["x_train"].shape[1] == 5
    for key, values in theirs.arrays.items():
        np.testing.assert_array_equal(ours.arrays[key], values)
    assert dict(ours.understood["told"])["Codes of town"] == "0 to 3 for Basel, Bern, Genf, (missing)"
