"""Data sets for models with several inputs: one row for each example, whatever the inputs come from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit import campaigns
from unit.sources import prepare

from batchlab.declarations.source import Input
from batchlab.errors import BatchlabError
from batchlab.planning import Plan
from batchlab.planning.jobs import Jobs
from batchlab.sources.inputs import LARGEST
from batchlab.sources.settings import resolve

N = 90
DRAWN = np.random.default_rng(5)
SCANS = DRAWN.integers(0, 256, (N, 9, 8)).astype(np.uint8)
MEASURES = DRAWN.normal(size=(N, 3)) * [1, 30, 0.1] + 5
TOWNS = DRAWN.integers(0, 40, N)
Y = np.arange(N) % 3
INPUTS: dict[str, Any] = {"town": "towns", "image": "scans", "person": {"of": "measures", "standardise": True}}


def archive(folder: Path, inputs: Any = INPUTS, **arrays: Any) -> dict[str, Any]:
    given = {"scans": SCANS, "measures": MEASURES, "towns": TOWNS, "y": Y, **arrays}
    np.savez(folder / "mine.npz", **{name: values for name, values in given.items() if values is not None})
    return {"file": str(folder / "mine.npz"), "inputs": inputs}


def refused(dataset: dict[str, Any], folder: Path) -> str:
    """Return the one line by which planning or preparation refuses a data set."""
    with pytest.raises(BatchlabError) as problem:
        prepare(dataset, folder)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def told(dataset: dict[str, Any], folder: Path) -> dict[str, str]:
    return dict(prepare(dataset, folder).understood["told"])


def test_arrays_lie_one_after_the_other_by_the_names_of_the_inputs(tmp_path: Path) -> None:
    dataset = archive(tmp_path)
    assert resolve(dataset).shape.inputs == (
        Input("image", (9, 8, 1), "numbers", 255.0),
        Input("person", (3,), "numbers", 1.0),
        Input("town", (1,), "integers", 1.0),
    )
    arrays = prepare(dataset, tmp_path).arrays
    # The same split, by a set of one array.
    order = prepare(archive(tmp_path, None, x=np.arange(N)[:, None], scans=None, measures=None, towns=None), tmp_path)
    for part in ("train", "validation", "test"):
        rows = order.arrays[f"x_{part}"][:, 0].astype(int)
        found = arrays[f"x_{part}"]
        np.testing.assert_array_equal(found[:, :72], SCANS[rows].reshape(-1, 72) / 255)
        train = MEASURES[order.arrays["x_train"][:, 0].astype(int)]
        np.testing.assert_allclose(found[:, 72:75], (MEASURES[rows] - train.mean(0)) / train.std(0), atol=1e-6)
        np.testing.assert_array_equal(found[:, 75], TOWNS[rows])
        np.testing.assert_array_equal(arrays[f"y_{part}"], Y[rows])
    assert arrays["scale"] == 1


def test_pixels_are_divided_as_those_of_one_array_are(tmp_path: Path) -> None:
    found = prepare(archive(tmp_path), tmp_path).arrays["x_train"][:, :72].astype(np.float32)
    pixels = np.arange(256, dtype=np.uint8)
    single = pixels.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal((pixels / 255).astype(np.float32), single)
    assert np.isin(found, single).all()


def test_what_single_precision_holds_is_stored_in_it(tmp_path: Path) -> None:
    single = {"scans": SCANS / np.float32(255), "measures": None}
    inputs = {"image": {"of": "scans", "axes": "images"}, "town": "towns"}
    towns = TOWNS + LARGEST - 40
    arrays = prepare(archive(tmp_path, inputs, **single, towns=towns), tmp_path).arrays
    assert arrays["x_train"].dtype == np.float32
    assert np.isin(arrays["x_train"][:, 72].astype(np.int64), towns).all()
    large = refused(archive(tmp_path, inputs, **single, towns=towns + 42), tmp_path)
    assert f"inputs.town: holds {int(towns.max()) + 42}" in large and "16,777,216" in large


def test_the_order_in_which_inputs_are_written_means_nothing(tmp_path: Path) -> None:
    first = resolve(archive(tmp_path)).identity
    written_out = {"image": {"of": "scans", "scale": 255}, "person": {"standardise": True, "of": ["measures"]}}
    assert resolve(archive(tmp_path, {**written_out, "town": {"of": "towns", "codes": False}})).identity == first
    assert resolve(archive(tmp_path, {**INPUTS, "person": "measures"})).identity != first


def test_parts_of_the_file_are_used_as_they_are(tmp_path: Path) -> None:
    parts = {f"{name}_{part}": values for part in ("train", "test") for name, values in (("scans", SCANS), ("y", Y))}
    parts |= {"train_measures": MEASURES, "test_measures": MEASURES + 1}
    dataset = archive(
        tmp_path, {"image": "scans", "person": "measures"}, scans=None, measures=None, towns=None, y=None, **parts
    )
    found = prepare(dataset, tmp_path).arrays
    np.testing.assert_array_equal(found["x_test"][:, 72:], MEASURES + 1)
    assert resolve(dataset).split == "train"


@pytest.mark.parametrize(
    ("inputs", "arrays", "words"),
    [
        ({"image": "scans", "person": "measures"}, {}, "would not use towns"),
        ({**INPUTS, "town": "cities"}, {}, "inputs.town: holds no array 'cities'"),
        ({**INPUTS, "town": "scans"}, {"towns": None}, "both 'scans'"),
        ({**INPUTS, "town": {"codes": True, "of": "towns"}}, {}, "inputs.town.codes: is for columns"),
        ({**INPUTS, "town": {"scale": 2}}, {}, "inputs.town: name one array"),
        (INPUTS, {"scans_test": SCANS}, "scans_test has no counterpart"),
        (INPUTS, {"towns": TOWNS[:-1]}, "towns has 89 examples, y has 90 labels"),
        (INPUTS, {"scans": (SCANS % 7).astype(np.uint8)}, r"scale: 1, or scale: 6.*; in inputs: {image"),
        (INPUTS, {"scans": SCANS / 255}, r"say axes: images.*; in inputs: {image"),
        (INPUTS, {"scans": SCANS.astype(str)}, "scans"),
        (INPUTS, {"measures": MEASURES[:, :, None, None, None]}, "is not understood"),
        (INPUTS, {"y": None}, "needs the arrays x and y"),
        (INPUTS, {"x": TOWNS[:, None]}, "would both be x_train"),
        (INPUTS, {"measures": np.where(MEASURES > 6, np.nan, MEASURES)}, "NaN"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, inputs: Any, arrays: dict[str, Any], words: str) -> None:
    assert re.search(words, refused(archive(tmp_path, inputs, **arrays), tmp_path))


@pytest.mark.parametrize("key", [{"scale": 255}, {"standardise": True}, {"axes": "images"}])
def test_keys_of_one_array_are_said_of_an_input(tmp_path: Path, key: dict[str, Any]) -> None:
    [name] = key
    assert f"{name} is for one array" in refused({**archive(tmp_path), **key}, tmp_path)


@pytest.mark.parametrize(
    "inputs",
    [{}, {"a b": "scans"}, {"a": {}}, {"a": {"off": "scans"}}, {"a": {"of": "scans", "scale": 0}}, ["scans"], {"a": 0}],
)
def test_what_is_no_input_is_refused_when_planning(tmp_path: Path, inputs: Any) -> None:
    assert "inputs = " in refused(archive(tmp_path, inputs), tmp_path)


def test_what_was_understood_is_told_of_each_input(tmp_path: Path) -> None:
    found = told(archive(tmp_path), tmp_path)
    assert found["Input image"] == "shape 9 × 8 × 1 from scans: uint8, 0 to 255, divided by 255"
    assert found["Input person"].endswith("standardised by the training examples' mean and deviation")
    assert found["Input town"].startswith("shape 1 from towns: whole numbers (int64), 0 to ")


TABLE_INPUTS = {"numbers": ["age", "bmi"], "home": {"of": ["town"], "codes": True}}


def table(folder: Path, inputs: Any = TABLE_INPUTS, head: str = "age,town,bmi,y", gap: bool = False) -> dict[str, Any]:
    lines = [f"{20 + i % 50},{['Bern', 'Aarau', 'Chur'][i % 3]},{20 + i / 7:.3f},{'uv'[i % 2]}" for i in range(N)]
    if gap:
        lines[4] = ",,30,u"
    (folder / "mine.csv").write_text("\n".join([head, *lines]) + "\n")
    return {"file": str(folder / "mine.csv"), "label": "y", "inputs": inputs}


def test_columns_are_put_together_by_input_and_words_become_codes(tmp_path: Path) -> None:
    dataset = table(tmp_path)
    assert resolve(dataset).shape.inputs == (Input("home", (1,), "codes"), Input("numbers", (2,), "numbers"))
    found = prepare(dataset, tmp_path).arrays
    rows = np.concatenate([found[f"x_{part}"] for part in ("train", "validation", "test")])
    place = np.round((rows[:, 2] - 20) * 7).astype(int)
    assert sorted(place) == list(range(N))
    np.testing.assert_array_equal(rows[:, 0], np.array([1, 0, 2])[place % 3])
    np.testing.assert_array_equal(rows[:, 1], 20 + place % 50)
    assert told(dataset, tmp_path)["Codes of town"] == "0 to 2 for Aarau, Bern, Chur"


def test_columns_by_number_are_told_by_name(tmp_path: Path) -> None:
    found = told(table(tmp_path, {"numbers": [1, -2], "home": {"of": [2], "codes": True}}), tmp_path)
    assert found["Input numbers"].startswith("shape 2 from age, bmi: float64, 20 to ")


def test_words_that_are_no_codes_become_features_as_ever(tmp_path: Path) -> None:
    dataset = table(tmp_path, {"numbers": {"of": ["bmi", "age"], "scale": 10}, "home": ["town"]})
    assert [each.shape for each in resolve(dataset).shape.inputs] == [(3,), (2,)]
    found = prepare(dataset, tmp_path).arrays["x_train"]
    np.testing.assert_array_equal(found[:, :3].sum(axis=1), 1)
    assert found[:, 3].min() >= 2 and found[:, 3].max() < 3.3  # bmi / 10, in the order in which columns are named


def test_gaps_are_filled_in_before_an_input_is_standardised(tmp_path: Path) -> None:
    inputs = {**TABLE_INPUTS, "numbers": {"of": ["age", "bmi"], "standardise": True}}
    dataset = {**table(tmp_path, inputs, gap=True), "missing": "impute"}
    known = prepare(dataset, tmp_path)
    parts = [known.arrays[f"x_{part}"] for part in ("train", "validation", "test")]
    assert all(np.isfinite(part).all() for part in parts)
    np.testing.assert_allclose(parts[0][:, 1:].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(parts[0][:, 1:].std(axis=0), 1, rtol=1e-6)
    assert np.concatenate(parts)[:, 0].max() == 3  # the gap is a word of its own
    assert "1 gaps" in dict(known.understood["told"])["Filled in"]
    # The same numbers as those of a table that is standardised as a whole.
    whole = {"file": dataset["file"], "label": "y", "missing": "impute", "leave_out": ["town"], "standardise": True}
    np.testing.assert_array_equal(parts[0][:, 1:], prepare(whole, tmp_path).arrays["x_train"])


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"numbers": ["age", "bmi"]}, "the column 'town' is of none"),
        ({**TABLE_INPUTS, "more": ["age"]}, "the column 'age' is of more and of numbers"),
        ({**TABLE_INPUTS, "more": ["y"]}, "'y' is no feature"),
        ({**TABLE_INPUTS, "more": ["hight"]}, "inputs.more = 'hight' is not a column"),
        ({**TABLE_INPUTS, "home": {"of": ["town"], "codes": True, "standardise": True}}, "neither scaled nor"),
        ({**TABLE_INPUTS, "home": {"of": ["town"], "axes": "images"}}, "inputs.home.axes: is for arrays"),
        ({**TABLE_INPUTS, "home": {"codes": True}}, "name its columns"),
    ],
)
def test_columns_that_do_not_fit_are_refused(tmp_path: Path, inputs: Any, words: str) -> None:
    assert words in refused(table(tmp_path, inputs), tmp_path)


SOURCE = """
import numpy as np

INPUT_SHAPE = {"image": (4, 4), "age": (1,), "town": (2,)}
INTEGERS = ["town"]
CLASSES = 2
EXAMPLES = {"train": 40, "test": 20}


def examples(split, seed):
    draw = np.random.default_rng([seed, split == "test"])
    n = EXAMPLES[split]
    x = {"image": draw.random((n, 4, 4)), "age": draw.normal(50, 9, (n, 1)), "town": draw.integers(0, 7, (n, 2))}
    return x, np.arange(n) % 2
"""


def test_a_python_source_returns_arrays_by_name(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    dataset = {"file": str(tmp_path / "mine.py"), "inputs": {"age": {"standardise": True}}, "validation": 5}
    assert [(each.name, each.shape, each.holds) for each in resolve(dataset).shape.inputs] == [
        ("age", (1,), "numbers"),
        ("image", (4, 4), "numbers"),
        ("town", (2,), "integers"),
    ]
    found = prepare(dataset, tmp_path).arrays
    assert found["x_train"].shape == (35, 19)
    assert found["x_train"][:, 0].mean() == pytest.approx(0, abs=1e-6)
    draw = np.random.default_rng([0, True])
    np.testing.assert_array_equal(found["x_test"][:, 1:17], draw.random((20, 4, 4)).reshape(20, 16))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"town": draw', '"city": draw', "returned examples of image, age, city; by INPUT_SHAPE"),
        ("draw.integers(0, 7, (n, 2))", "draw.random((n, 2))", "whole numbers of shape (40, 2) are expected"),
        ("draw.random((n, 4, 4))", "draw.integers(0, 99, (n, 4, 4)).astype('uint8')", "divide pixels"),
        ('["town"]', '["city"]', "INTEGERS = ['city']"),
        ("CLASSES = 2", "TOKENS = 9", "TOKENS are of one array"),
        ("return x,", "return x['age'],", "returned examples of ndarray"),
        (
            '{"image": (4, 4), "age": (1,), "town": (2,)}\nINTEGERS = ["town"]',
            "(4, 4)",
            "as a dict of image, age, town",
        ),
        ("np.arange(n) % 2", "{'y': np.arange(n) % 2}", "returned targets as a dict of y; an array is expected"),
        ("(4, 4)", "(4, 0)", "must say its sizes"),
    ],
)
def test_python_sources_that_do_not_fit_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "mine.py").write_text(SOURCE.replace(old, new, 1))
    assert words in refused({"file": str(tmp_path / "mine.py")}, tmp_path)


def test_what_is_said_of_an_input_of_a_python_source_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    dataset = {"file": str(tmp_path / "mine.py")}
    assert "did you mean 'age'" in refused({**dataset, "inputs": {"agee": {"scale": 2}}}, tmp_path)
    assert "neither scaled nor" in refused({**dataset, "inputs": {"town": {"scale": 2}}}, tmp_path)
    assert "inputs.age.of" in refused({**dataset, "inputs": {"age": "age"}}, tmp_path)


MODEL = """
import keras

def build(input_shape, classes, wide=4):
    return None
"""


def planned(folder: Path, code: str = MODEL, name: str = "mine.py", **changes: Any) -> Plan:
    (folder / name).write_text(code)
    own = {"datasets__mine": archive(folder), "models__own": {"file": str(folder / name), "wide": 5}}
    arms = {"studies__sizes__arms": {"fixed": {"batch_size": "small"}}, "studies__sizes__claims": {}, "run": ["sizes"]}
    return campaigns.planned(**{**own, "dataset": "mine", "model": "own", **arms, **changes})


def test_planning_puts_a_model_of_rows_around_the_users_own(tmp_path: Path) -> None:
    found = planned(tmp_path, dropout="by_example")
    [initial] = [segment for segment in found.segments.values() if segment.parent is None]
    model = initial.spec["model"]
    assert (model["name"], model["masks"], model["of"]["wide"]) == ("several_inputs", "by_example", 5)
    assert model["inputs"][1] == {"name": "person", "shape": [3], "holds": "numbers"}
    jobs = {job.rule: job for job in Jobs(found)}
    assert jobs["initialise_model"].source["model"]["of"]["file"] == str(tmp_path / "mine.py")
    assert "checked" in jobs["initialise_model"].inputs and jobs["check_model"].spec["model"] == model
    # The user's code is part of the identity.
    (tmp_path / "more").mkdir()
    assert found.segments.keys() == planned(tmp_path / "more", dropout="by_example").segments.keys()
    changed = planned(tmp_path / "more", MODEL.replace("None", "1"), "other.py", dropout="by_example")
    assert found.segments.keys().isdisjoint(changed.segments)
    [data] = jobs["write_report"].spec["data"]
    assert data["inputs"] == [
        "image (9 × 8 × 1, divided by 255)",
        "person (3, standardised)",
        "town (1, whole numbers)",
    ]


def test_a_built_in_model_has_one_input(tmp_path: Path) -> None:
    with pytest.raises(BatchlabError, match="the model mlp takes one array, and the data set has the inputs image, pe"):
        planned(tmp_path, model="mlp")
    with pytest.raises(BatchlabError, match="unknown model 'several_inputs'"):
        planned(tmp_path, models__own={"name": "several_inputs"})
