"""Archives of arrays as people have them: names, labels, axes, scale, and parts that are given."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources import load, prepare, prepared

from batchlab.errors import BatchlabError
from batchlab.sources.formats.npz import read as npz_format
from batchlab.sources.formats.npz.arrays import role_of
from batchlab.sources.prepare import stratified_order
from batchlab.sources.settings import DataShape, resolve

X, Y = np.arange(240.0).reshape(60, 4) / 7, np.arange(60) % 3


def save(folder: Path, **arrays: Any) -> dict[str, Any]:
    np.savez(folder / "mine.npz", **arrays)
    return {"file": str(folder / "mine.npz")}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *(("x", "x"), ("X", "x"), ("data", "x"), ("images", "x"), ("features", "x")),
        *(("y", "y"), ("Y", "y"), ("labels", "y"), ("target", "y")),
        *(("x_train", "x_train"), ("X_train", "x_train"), ("train_images", "x_train"), ("trainX", None)),
        *(("xtrain", "x_train"), ("Ytest", "y_test"), ("val_labels", "y_validation"), ("x_valid", "x_validation")),
        *(("y-test", "y_test"), ("test_data", "x_test"), ("x_dev", "x_validation")),
        *(("sample_weight", "w"), ("mask_test", "w_test"), ("train_weights", "w_train")),
        *(("arr_0", None), ("x_train_y", None), ("train", None), ("x_extra", None)),
    ],
)
def test_roles_by_name(name: str, role: str | None) -> None:
    assert role_of(name) == role


@pytest.mark.parametrize(
    "names", ["X y", "data target", "images labels", "X_train y_train", "train_features train_labels"]
)
def test_usual_names_mean_the_same_data(tmp_path: Path, names: str) -> None:
    plain = prepare(save(tmp_path, x=X, y=Y), tmp_path).arrays
    first, second = names.split()
    other = prepare(save(tmp_path, **{first: X, second: Y}), tmp_path).arrays
    assert all(np.array_equal(plain[key], other[key]) for key in plain)


def test_other_names_are_given_in_the_campaign(tmp_path: Path) -> None:
    dataset = save(tmp_path, arr_0=X, arr_1=Y) | {"arrays": {"x": "arr_0", "y": "arr_1"}}
    assert resolve(dataset).shape == DataShape(42, 6, 12, (4,), 3)
    assert len(prepare(dataset, tmp_path).arrays["x_train"]) == 42
    with pytest.raises(BatchlabError, match=r"holds no array 'arr_2'; it holds: arr_0, arr_1"):
        resolve(dataset | {"arrays": {"x": "arr_2", "y": "arr_1"}})
    with pytest.raises(
        BatchlabError, match=r"arrays = .* is not possible; allowed: names by role; roles are x, y, w, x_train"
    ):
        resolve(dataset | {"arrays": {"z": "arr_0"}})


@pytest.mark.parametrize("word", ["val", "validation", "valid"])
def test_a_validation_set_of_the_file_is_used(tmp_path: Path, word: str) -> None:
    arrays = {"x_train": X, "y_train": Y, f"x_{word}": -X[:9], f"y_{word}": Y[:9]}
    both = save(tmp_path, **arrays, x_test=X[:6] * 2, y_test=Y[:6])
    data = load(prepared(both, tmp_path), "float64")
    assert np.array_equal(data.x_train, X)
    assert np.array_equal(data.x_validation, -X[:9])
    assert np.array_equal(data.y_validation, Y[:9])
    assert np.array_equal(data.x_test, X[:6] * 2)
    assert resolve(both).shape == DataShape(60, 9, 6, (4,), 3)
    for key in ("validation", "test"):
        with pytest.raises(BatchlabError, match=f"{key} = 3 is not allowed: the file brings its own {key} set"):
            resolve(both | {key: 3})
    drawn = save(tmp_path, **arrays)
    data = load(prepared(drawn, tmp_path), "float64")
    assert np.array_equal(data.x_validation, -X[:9])
    assert (len(data.y_train), len(data.y_test)) == (48, 12)
    rows = {tuple(row) for row in np.concatenate([data.x_train, data.x_test]).tolist()}
    assert rows == {tuple(row) for row in X.tolist()}


def test_a_pool_beside_a_test_set(tmp_path: Path) -> None:
    dataset = save(tmp_path, x=X, y=Y, x_test=-X[:6], y_test=Y[:6])
    data = load(prepared(dataset, tmp_path), "float64")
    assert np.array_equal(data.x_test, -X[:6])
    assert (len(data.y_train), len(data.y_validation)) == (54, 6)


def test_nothing_is_left_out_without_a_word(tmp_path: Path) -> None:
    dataset = save(tmp_path, x=X, y=Y, extra=Y)
    with pytest.raises(BatchlabError, match=r"would not use extra"):
        resolve(dataset)
    told = dict(prepare(dataset | {"leave_out": ["extra"]}, tmp_path).understood["told"])
    assert told["Left out"] == "extra: as the campaign says"


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (Y + 1, ["1", "2", "3"]),
        (np.where(Y == 0, -1, 1), ["-1", "1"]),
        (Y * 1.0, ["0", "1", "2"]),
        ((Y * 1.0).astype(">f4"), ["0", "1", "2"]),
        ((Y * 1.0).astype("f2"), ["0", "1", "2"]),
        (Y == 1, ["False", "True"]),
        (np.array(["rome", "oslo", "bern"])[Y], ["bern", "oslo", "rome"]),
        (np.array([b"rome", b"oslo", b"bern"])[Y], ["bern", "oslo", "rome"]),
        (np.array(["rome", "oslo", "bern"])[Y].astype(">U6"), ["bern", "oslo", "rome"]),
        (np.eye(3)[Y], ["0", "1", "2"]),
        (np.asfortranarray(np.eye(3, dtype="u1")[Y]), ["0", "1", "2"]),
        (np.eye(3, dtype=bool)[Y], ["0", "1", "2"]),
        (Y.reshape(-1, 1) * 10, ["0", "10", "20"]),
    ],
)
def test_labels_of_any_kind(tmp_path: Path, labels: np.ndarray, names: list[str]) -> None:
    dataset = save(tmp_path, x=np.arange(60.0).reshape(60, 1), y=labels)
    assert resolve(dataset).shape.classes == len(names)
    made = prepare(dataset, tmp_path)
    assert made.facts["class_names"] == names
    plain = labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1)
    for part in ("train", "validation", "test"):
        for row, label in zip(made.arrays[f"x_{part}"][:, 0], made.arrays[f"y_{part}"], strict=True):
            value = plain[int(row)]
            found = value.decode() if isinstance(value, bytes) else value
            assert str(found).removesuffix(".0") == names[label]


def test_a_class_that_the_training_set_lacks(tmp_path: Path) -> None:
    dataset = save(tmp_path, x_train=X, y_train=Y, x_val=X[:2], y_val=[0, 7])
    with pytest.raises(BatchlabError, match=r"y_val holds the label 7, which no training example has"):
        resolve(dataset)


def test_series_keep_their_axes_and_grey_images_get_a_channel(tmp_path: Path) -> None:
    series = np.arange(60 * 30 * 3).reshape(60, 30, 3) / 1000
    dataset = save(tmp_path, x=series, y=Y)
    assert resolve(dataset).shape.input_shape == prepare(dataset, tmp_path).arrays["x_train"].shape[1:] == (30, 3)
    assert resolve(dataset | {"axes": "images"}).shape.input_shape == (30, 3, 1)
    moved = save(tmp_path, x=np.moveaxis(series, 2, 1), y=Y) | {"axes": "channels_first"}
    assert np.array_equal(
        np.sort(prepare(moved, tmp_path).arrays["x_train"][:, 4, 2]),
        np.sort(prepare(dataset_of(tmp_path, series), tmp_path).arrays["x_train"][:, 4, 2]),
    )
    square = save(tmp_path, x=np.arange(60 * 81).reshape(60, 9, 9) / 5000, y=Y)
    with pytest.raises(BatchlabError, match=r"may be grey images or series; say axes: images .* or axes: series"):
        resolve(square)
    assert resolve(square | {"axes": "images"}).shape.input_shape == (9, 9, 1)
    assert resolve(square | {"axes": "series"}).shape.input_shape == (9, 9)


def dataset_of(folder: Path, x: np.ndarray) -> dict[str, Any]:
    return save(folder, x=x, y=Y)


def test_channels_first_are_moved_to_the_end_where_that_is_said(tmp_path: Path) -> None:
    x = np.arange(60 * 3 * 8 * 9, dtype=np.float64).reshape(60, 3, 8, 9) / 13000
    dataset = save(tmp_path, x=x, y=Y)
    with pytest.raises(BatchlabError, match=r"looks like channels before height and width; say axes: channels_first"):
        resolve(dataset)
    made = prepare(dataset | {"axes": "channels_first"}, tmp_path).arrays["x_train"]
    assert made.shape == (42, 8, 9, 3)
    for image in made:
        assert any(np.array_equal(image[2, 5], x[index, :, 2, 5]) for index in range(60))
    assert resolve(dataset | {"axes": "images"}).shape.input_shape == (3, 8, 9)


@pytest.mark.parametrize(
    ("x", "scale"),
    [
        (np.arange(60 * 64, dtype=np.int64).reshape(60, 8, 8).astype("u1"), 255),
        (np.arange(60 * 192, dtype=np.int64).reshape(60, 8, 8, 3).astype("u1"), 255),
        (np.arange(240).reshape(60, 4).astype("u1") % 2, 1),
        (np.arange(240).reshape(60, 4) % 2, 1),
        (np.arange(240).reshape(60, 4), 1),
        (np.arange(240).reshape(60, 4).astype("u1") % 2 == 1, 1),
        (np.arange(60 * 64).reshape(60, 8, 8, 1) / 3840, 1),
        (np.arange(240).reshape(60, 4).astype("u1"), None),
        (np.arange(60 * 64).reshape(60, 8, 8).astype("u1") % 2, None),
        (np.arange(60 * 64).reshape(60, 8, 8).astype("u1") % 17, None),
        (np.arange(60 * 64).reshape(60, 8, 8, 1) % 256, None),
        (np.arange(60 * 64).reshape(60, 8, 8, 1) % 256 * 1.0, None),
    ],
)
def test_scale_is_shown_or_asked_for_and_never_guessed(tmp_path: Path, x: np.ndarray, scale: int | None) -> None:
    dataset = save(tmp_path, x=x, y=Y)
    if scale is None:
        with pytest.raises(BatchlabError, match=r"pixels or numbers as they are; say scale: 255 .* or scale: 1"):
            resolve(dataset)
        dataset["scale"] = scale = 7
    data = load(prepared(dataset, tmp_path), "float64")
    found = np.sort(np.concatenate([data.x_train, data.x_validation, data.x_test]).ravel())
    assert np.allclose(found, np.sort(x.astype(float).ravel()) / scale, rtol=1e-15)
    told = dict(prepare(dataset, tmp_path).understood["told"])["Scale"]
    assert told.endswith("are used as they are" if scale == 1 else f"are divided by {scale}")


def test_the_same_table_in_bytes_and_in_integers_gives_the_same_numbers(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2, (60, 24))
    wide = load(prepared(save(tmp_path, x=bits.astype("i8"), y=Y), tmp_path))
    small = load(prepared(save(tmp_path, x=bits.astype("u1"), y=Y), tmp_path))
    assert np.array_equal(wide.x_train, small.x_train)


@given(examples=st.integers(30, 200), first=st.integers(6, 20), second=st.integers(0, 20), seed=st.integers(0, 9))
def test_a_part_is_stratified_and_nested(examples: int, first: int, second: int, seed: int) -> None:
    labels = np.arange(examples) % 3
    order = stratified_order(labels, seed)
    few, more = order[:first], order[: min(first + second, examples)]
    assert set(few) <= set(more)
    assert np.ptp(np.bincount(labels[few], minlength=3)) <= 2


def test_a_part_of_the_training_set_leaves_the_others_alone(tmp_path: Path) -> None:
    dataset = save(tmp_path, x=X, y=Y, x_test=-X[:6], y_test=Y[:6])
    whole = prepare(dataset, tmp_path).arrays
    parts = {count: prepare(dataset | {"examples": count}, tmp_path).arrays for count in (9, 21)}
    for count, part in parts.items():
        assert len(part["x_train"]) == count
        assert np.bincount(part["y_train"]).tolist() == [count // 3] * 3
        for split in ("validation", "test"):
            assert np.array_equal(part[f"x_{split}"], whole[f"x_{split}"])
    rows = {count: {tuple(row) for row in part["x_train"].tolist()} for count, part in parts.items()}
    assert rows[9] < rows[21] < {tuple(row) for row in whole["x_train"].tolist()}
    assert resolve(dataset | {"examples": 54}).identity == resolve(dataset).identity
    assert resolve(dataset | {"examples": 0.5}).identity == resolve(dataset | {"examples": 27}).identity
    assert resolve(dataset | {"examples": 9}).shape == DataShape(9, 6, 6, (4,), 3)
    with pytest.raises(BatchlabError, match=r"examples = 55 is impossible; allowed: 1 to 54 of 54 examples"):
        resolve(dataset | {"examples": 55})


def test_a_part_of_a_published_set(tmp_path: Path) -> None:
    whole = prepare({"name": "digits"}, tmp_path).arrays
    part = prepare({"name": "digits", "examples": 200}, tmp_path).arrays
    assert np.array_equal(part["x_train"], whole["x_train"][:200])
    assert np.array_equal(part["x_test"], whole["x_test"])
    assert np.ptp(np.bincount(part["y_train"])) <= 3
    assert "examples" not in resolve({"name": "digits"}).identity


@pytest.mark.parametrize(("old", "new"), [(b"(60, 4)", b"(06, 4)"), (b"(60, 4)", b"(60, 3)"), (b"<f8", b"<f4")])
@pytest.mark.parametrize("read", [resolve, lambda dataset: npz_format.read([Path(dataset["file"])], {})])
def test_a_header_that_says_less_than_there_is(tmp_path: Path, read: Any, old: bytes, new: bytes) -> None:
    """NumPy itself stops where the header says, and notices nothing."""
    content = io.BytesIO()
    np.save(content, X)
    assert content.getvalue().count(old) == 1
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr("x.npy", content.getvalue().replace(old, new.replace(b"06", b"6 ")))
        content = io.BytesIO()
        np.save(content, Y[:6] if new == b"(06, 4)" else Y)
        archive.writestr("y.npy", content.getvalue())
    with pytest.raises(BatchlabError, match=r"mine\.npz"):
        read({"file": str(tmp_path / "mine.npz")})
