"""Reading, checking, splitting and writing of data, and that planning foretells the result."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.sources import load, prepare, prepared

from batchlab.errors import BatchlabError
from batchlab.paths import LIBRARY
from batchlab.sources import prepare as preparation
from batchlab.sources.download import fault_of
from batchlab.sources.formats.cifar import read as cifar_format
from batchlab.sources.formats.idx import read as idx_format
from batchlab.sources.formats.npz import read as npz_format
from batchlab.sources.formats.optdigits import read as optdigits_format
from batchlab.sources.prepare import stratified_order, write
from batchlab.sources.published.digits import SOURCE as DIGITS
from batchlab.sources.published.fashion_mnist import SOURCE as FASHION
from batchlab.sources.settings import DataShape, resolve

Arrays = dict[str, Any]
EMBEDDED = LIBRARY / "sources/published/digits.csv.gz"


def describe(dataset: dict[str, Any]) -> DataShape:
    return resolve(dataset).shape


def save(path: Path, **arrays: Any) -> dict[str, Any]:
    np.savez(path, **arrays)
    return {"file": str(path)}


def one_line(problem: pytest.ExceptionInfo[BatchlabError], path: Path) -> str:
    message = str(problem.value)
    assert "\n" not in message
    assert path.name in message
    return message


# Splits


def philox(key: int, count: int) -> list[int]:
    """Philox4x64-10 as Salmon et al. (2011) define it, in plain integers; NumPy starts at counter 1."""
    mask = 2**64 - 1
    words: list[int] = []
    for counter in range(1, count // 4 + 2):
        block, keys = [counter, 0, 0, 0], [key, 0]
        for _ in range(10):
            low, high = block[0] * 0xD2E7470EE14C6C93, block[2] * 0xCA5A826395121157
            block = [high >> 64 ^ block[1] ^ keys[0], high & mask, low >> 64 ^ block[3] ^ keys[1], low & mask]
            keys = [(keys[0] + 0x9E3779B97F4A7C15) & mask, (keys[1] + 0xBB67AE8584CAA73B) & mask]
        words += block
    return words[:count]


def test_stratified_order_against_a_plain_implementation() -> None:
    labels = np.array([0] * 13 + [1] * 5 + [2] * 7 + [0] * 9)
    words = philox(42, len(labels))
    shuffled = sorted(range(len(labels)), key=words.__getitem__)
    total, seen, keyed = Counter(labels.tolist()), Counter[int](), []
    for rank, index in enumerate(shuffled):
        label = int(labels[index])
        keyed.append(((seen[label] + 0.5) / total[label], rank, index))
        seen[label] += 1
    assert stratified_order(labels, 42).tolist() == [index for _, _, index in sorted(keyed)]


def test_digits_are_split_by_a_stated_permutation(tmp_path: Path) -> None:
    data = prepare({"name": "digits"}, tmp_path).arrays
    parts = [data[f"x_{part}"].reshape(-1, 64) for part in ("train", "validation", "test")]
    labels = [data[f"y_{part}"] for part in ("train", "validation", "test")]
    raw, raw_labels = optdigits_format.read([EMBEDDED], {}).pool

    def rows(x: Any, y: Any) -> list[bytes]:
        return sorted(
            np.column_stack([x.reshape(-1, 64), y]).astype(np.uint8)[index].tobytes() for index in range(len(y))
        )

    assert rows(np.concatenate(parts), np.concatenate(labels)) == rows(raw, raw_labels)
    # Every part holds every class in its share, up to one example at either end.
    shares = np.bincount(raw_labels) / len(raw_labels)
    for found in labels:
        assert np.abs(np.bincount(found) - shares * len(found)).max() <= 2
    # The test set does not depend on the size of the validation set, but on the seed.
    fewer = prepare({"name": "digits", "validation": 10}, tmp_path).arrays
    assert np.array_equal(fewer["x_test"], data["x_test"])
    other = prepare({"name": "digits", "split_seed": 1}, tmp_path).arrays
    assert not np.array_equal(other["x_test"], data["x_test"])


def test_digits_are_the_published_ones(tmp_path: Path) -> None:
    content = gzip.decompress(EMBEDDED.read_bytes())
    assert hashlib.sha256(content).hexdigest() == DIGITS.files[0].content_sha256
    x, y = optdigits_format.read([EMBEDDED], {}).pool
    # The class counts that UCI states for the test set.
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (x.shape, x.min(), x.max(), x.dtype) == ((1797, 8, 8, 1), 0, 16, np.uint8)


# What planning foretells


@pytest.mark.parametrize("shape", [(60, 7), (60, 6, 5), (60, 6, 5, 2)])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", ">f4", "float64", "bool"])
def test_npz_as_described(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    values = np.arange(np.prod(shape)).reshape(shape) % 100 * 2 + 1
    label_type = {"uint8": "u1", "int16": ">i4"}.get(dtype, "<i8")
    dataset = save(
        tmp_path / "mine.npz", x=np.asfortranarray(values.astype(dtype)), y=(np.arange(60) % 3).astype(label_type)
    )
    if dtype not in ("uint8", "bool") and len(shape) == 4:
        dataset["scale"] = 1  # whole numbers up to 199 may be pixels
    if dtype == "uint8" and len(shape) == 2:
        dataset["scale"] = 255  # bytes in a table may be pixels
    data = load(prepared(dataset, tmp_path))
    described = describe(dataset)
    assert (len(data.y_train), len(data.y_validation), len(data.y_test)) == (42, 6, 12)
    assert described.examples_train == 42
    assert (described.examples_validation, described.examples_test) == (6, 12)
    images = len(shape) == 3 and dtype == "uint8"  # otherwise three axes of this size are series
    assert data.input_shape == described.input_shape == ((*shape[1:], 1) if images else shape[1:])
    assert data.classes == described.classes == 3
    everything = np.concatenate([data.x_train, data.x_validation, data.x_test]).reshape(60, -1)
    expected = values.astype(dtype).reshape(60, -1).astype(np.float32) / (255 if dtype == "uint8" else 1)
    assert np.array_equal(np.sort(everything, axis=0), np.sort(expected, axis=0))


def test_npz_with_its_own_test_set(tmp_path: Path) -> None:
    x, y = np.arange(40.0).reshape(20, 2), np.arange(20).reshape(-1, 1) % 2
    dataset = save(tmp_path / "split.npz", x_train=x, y_train=y, x_test=-x[:6], y_test=y[:6])
    data = load(prepared(dataset | {"validation": 0.25}, tmp_path))
    assert np.array_equal(data.x_test, -x[:6])
    assert (len(data.y_train), len(data.y_validation)) == (15, 5)


def test_nothing_set_aside_for_tuning(tmp_path: Path) -> None:
    data = load(prepared({"name": "digits", "validation": 0, "standardise": True}, tmp_path))
    assert (data.x_validation.shape, data.y_validation.shape) == ((0, 8, 8, 1), (0,))
    assert len(data.y_train) == describe({"name": "digits", "validation": 0}).examples_train == 1547


@pytest.mark.parametrize("labels", [["10", "9", "2"], ["setosa", "Oslo", "10"]])
def test_csv_as_described(tmp_path: Path, labels: list[str]) -> None:
    path = tmp_path / "mine.csv"
    lines = [f'{index},"{labels[index % 3]}",{index * 1e-3}\r\n' for index in range(30)]
    path.write_bytes(("\ufeffwidth, kind ,length\r\n" + "\r\n".join(lines)).encode())
    dataset = {"file": str(path), "label": "kind", "validation": 4, "test": 0.1}
    result = prepare(dataset, tmp_path)
    assert result.facts["class_names"] == (["2", "9", "10"] if "9" in labels else ["10", "Oslo", "setosa"])
    write(tmp_path / "data.npz", result)
    data, described = load(tmp_path / "data.npz", "float64"), describe(dataset)
    assert (len(data.y_train), len(data.y_validation), len(data.y_test)) == (23, 4, 3)
    assert described.examples_train == 23
    assert (data.input_shape, data.classes) == (described.input_shape, described.classes) == ((2,), 3)
    for x, y in ((data.x_train, data.y_train), (data.x_validation, data.y_validation), (data.x_test, data.y_test)):
        assert np.array_equal(x[:, 1], x[:, 0] * 1e-3)
        assert [result.facts["class_names"][label] for label in y] == [labels[int(width) % 3] for width in x[:, 0]]


# The file


def test_equal_settings_give_equal_bytes_without_a_time(tmp_path: Path) -> None:
    first = prepared({"name": "digits"}, tmp_path / "a").read_bytes()
    second = prepared({"name": "digits"}, tmp_path / "b")
    assert second.read_bytes() == first
    with zipfile.ZipFile(second) as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {item.compress_type for item in archive.infolist()} == {zipfile.ZIP_STORED}


def test_a_file_is_written_as_numpy_writes_it(tmp_path: Path) -> None:
    target = prepared({"name": "digits"}, tmp_path)
    np.savez(tmp_path / "numpy.npz", **prepare({"name": "digits"}, tmp_path).arrays)
    assert target.read_bytes() == (tmp_path / "numpy.npz").read_bytes()


@pytest.mark.parametrize(
    ("dataset", "digest"),
    [
        ({"name": "digits"}, "88f5968c4891e329"),
        ({"name": "digits", "split_seed": 3, "validation": 97, "test": 0.5}, "d7e54aa44f6f536e"),
        ({"file": "mine.csv", "label": "species"}, "cde4fdb95e25f361"),
        ({"file": "bytes.npz"}, "55b6a2aa68fb8853"),
        ({"file": "split.npz", "validation": 3}, "2565a68a63569e36"),
    ],
)
def test_numbers_are_those_of_earlier_releases(
    dataset: dict[str, Any], digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{index},{index / 7},{'abc'[index % 3]}" for index in range(30)]
    Path("mine.csv").write_text("\n".join(["width,length,species", *rows, ""]))
    save(Path("bytes.npz"), x=(np.arange(3200) % 251).astype(np.uint8).reshape(100, 8, 4), y=np.arange(100) % 4)
    train, test = np.arange(40.0).reshape(20, 2), -np.arange(12.0).reshape(6, 2)
    save(Path("split.npz"), x_train=train, y_train=np.arange(20) % 2, x_test=test, y_test=np.arange(6) % 2)
    found = hashlib.sha256()
    arrays = prepare(dataset, tmp_path).arrays
    arrays.pop("names", None)
    for name, values in sorted(arrays.items()):
        found.update(f"{name} {values.dtype.str} {values.shape} ".encode() + values.tobytes())
    assert found.hexdigest()[:16] == digest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_stored_values_and_scale_give_the_features_in_either_precision(tmp_path: Path, dtype: str) -> None:
    x = np.arange(256, dtype=np.uint8).reshape(128, 2)
    dataset = save(tmp_path / "bytes.npz", x=x.reshape(128, 2, 1), y=np.arange(128) % 2)
    data = load(prepared(dataset, tmp_path), dtype)
    assert data.x_train.dtype == dtype
    assert data.y_train.dtype == np.int32
    allowed = np.arange(256).astype(dtype) / np.array(255, dtype)
    assert np.isin(data.x_train, allowed).all()
    data = load(prepared({"file": str(tmp_path / "bytes.npz"), "scale": 2}, tmp_path), dtype)
    assert np.isin(data.x_train, np.arange(256) / 2).all()


@pytest.mark.parametrize("shape", [(5000, 3), (5000, 2, 2, 3)])
def test_standardised_features(tmp_path: Path, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).gamma(2.0, 3.0, shape)
    x[..., 2] = 0.1
    dataset = save(tmp_path / "mine.npz", x=x, y=np.arange(5000) % 2)
    raw = load(prepared(dataset, tmp_path), "float64")
    data = load(prepared(dataset | {"standardise": True}, tmp_path), "float64")
    axes = tuple(range(len(shape) - 1))
    mean, deviation = raw.x_train.mean(axis=axes), raw.x_train.std(axis=axes)
    for part in ("x_train", "x_validation", "x_test"):
        expected = (getattr(raw, part) - mean) / deviation
        expected[..., 2] = 0
        np.testing.assert_allclose(getattr(data, part), expected, rtol=1e-6, atol=1e-6)
    assert not data.x_train[..., 2].any()


# Damaged files of users

X, Y = np.zeros((10, 3)), np.arange(10) % 2


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"x": np.where(np.eye(10, 3), np.nan, 0), "y": Y},
            "3 of 10 examples hold NaN or infinite values, the first at index 0",
        ),
        ({"x": np.full((10, 3), 1e300), "y": Y}, "NaN or infinite"),
        ({"x": X, "y": Y * 0}, "only the label '0'"),
        ({"x": X, "y": np.where(Y, np.nan, 0.0)}, "y: holds NaN"),
        ({"x": X, "y": np.eye(10, 2, dtype=int)}, "y: row 2 holds 0, 0; of one-hot labels exactly one is 1"),
        ({"x": X, "y": np.ones((10, 2))}, "y: row 0 holds 1, 1; of one-hot labels"),
        ({"x": X, "y": np.zeros((10, 2, 2))}, "labels must have the shape (examples,) or (examples, classes)"),
        ({"x": X, "y": Y, "extra": Y}, "would not use extra; say leave_out: [extra]"),
        ({"x": X, "y": Y, "x_test": X}, "x_test has no labels y_test beside it"),
        ({"x": X, "X": X, "y": Y}, "X and x would both be x_train"),
        ({"x": np.zeros((10, 9, 9)), "y": Y}, "may be grey images or series; say axes: images"),
        ({"x": np.zeros((10, 3, 9, 9)), "y": Y}, "say axes: channels_first"),
        ({"x": np.full((10, 4), 128, "u1"), "y": Y}, "x: holds bytes from 128 to 128, pixels or numbers as they are"),
        ({"x": np.ones((10, 8, 8), "u1"), "y": Y}, "say scale: 255 (they are divided by 255) or scale: 1"),
        ({"x": X, "y": Y[:9]}, "10 examples, y has 9 labels"),
        ({"x": X[:0], "y": Y[:0]}, "no data"),
        ({"x": np.zeros(10), "y": Y}, "not understood"),
        ({"x": X.astype(object), "y": Y}, "not plain numbers"),
        ({"x": X, "y": Y.astype(object)}, "not plain numbers"),
        ({"x": X.astype(complex), "y": Y}, "not plain numbers"),
        ({"arr_0": X, "arr_1": Y}, "it holds: arr_0, arr_1; name others with arrays: {x: …, y: …}"),
        ({"x_train": X, "y_train": Y, "x_test": X[:, :2], "y_test": Y}, "different shapes"),
        ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1}, "the label 2"),
        ({"x_train": X, "y_train": Y, "x_test": X[:0], "y_test": Y[:0]}, "no data"),
        (
            {"x_train": X.astype("u1"), "y_train": Y, "x_test": X, "y_test": Y},
            "holds bytes (uint8), the other does not",
        ),
        ({"x": X, "y": np.arange(10)}, "y: each of the 10 examples has a label of its own"),
        ({"x": np.zeros((10, 0)), "y": Y}, "no data"),
        ({"x": np.array(3.0), "y": Y}, "no data"),
    ],
)
def test_an_unusable_npz_is_one_line_that_names_it(tmp_path: Path, arrays: Arrays, words: str) -> None:
    dataset = save(tmp_path / "bad.npz", **arrays)
    with pytest.raises(BatchlabError) as problem:
        prepare(dataset, tmp_path)
    assert words in one_line(problem, tmp_path / "bad.npz")


def test_a_class_that_is_not_trained_on(tmp_path: Path) -> None:
    dataset = save(tmp_path / "rare.npz", x=X, y=np.array([1] + [0] * 9)) | {"test": 0.6}
    with pytest.raises(BatchlabError) as problem:
        prepare(dataset, tmp_path)
    assert "class '1' has too few examples" in one_line(problem, tmp_path / "rare.npz")


def test_readers_refuse_what_planning_refuses(tmp_path: Path) -> None:
    """The arrays are checked again when they are read: the file may have changed since it was planned."""
    for arrays in ({"x": X, "y": Y / 2}, {"x": X.astype(object), "y": Y}, {"x": X, "y": Y[:9]}, {"x": X}):
        save(tmp_path / "bad.npz", **arrays)
        with pytest.raises(BatchlabError) as problem:
            npz_format.read([tmp_path / "bad.npz"], {})
        one_line(problem, tmp_path / "bad.npz")


@pytest.mark.parametrize("cut", [0, 10, 300, -30])
def test_a_cut_npz(tmp_path: Path, cut: int) -> None:
    dataset = save(tmp_path / "cut.npz", x=X, y=Y)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:cut])
    for call in (describe, lambda _: npz_format.read([tmp_path / "cut.npz"], {})):
        with pytest.raises(BatchlabError) as problem:
            call(dataset)
        one_line(problem, tmp_path / "cut.npz")


@pytest.mark.parametrize("header", [b"{'descr': '<f8'}", b"[" * 5000, b"\xff\xfe", b"__import__('os')", b"(1, 2)"])
def test_a_forged_array_header(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "forged.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in "xy":
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    for call in (describe, lambda _: npz_format.read([path], {})):
        with pytest.raises(BatchlabError) as problem:
            call({"file": str(path)})
        one_line(problem, path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,y\n", "no example"),
        ("a,y\n1,u\n2,u\n", "only the label 'u'"),
        ("a,b\n1,u\n2,v\n", "label = 'y' is not a column; the columns are: a, b"),
        ("y\nu\nv\n", "no column beside the label"),
        ("a;y\n1;u\n2;v\n", "label = 'y': each of the 2 examples has a label of its own"),
        (",a,y\n0,1,u\n7,2,v\n2,3,v\n", "column 1 has no name and does not count the rows"),
        ("a,y\n1,1\n2,1.0\n3,2\n", "labels '1' and '1.0' are one number; write them alike"),
        ("a,y\n1,7\n2,8\n3,9\n", "label = 'y': each of the 3 examples has a label of its own"),
        ("a,a,y\n1,2,u\n1,2,v\n", "must differ"),
        ("a,y\n1,u\nx1,v\n3,u\n4,v\n", "line 3, column 'a': holds 'x1'"),
        ("a,y\n1,u\n,v\n3,u\n4,v\n", "line 3, column 'a': is empty"),
        ("a,y\n1,u\nnan,v\n3,u\n4,v\n", "line 3, column 'a': is missing (nan)"),
        ("a,y\n1,u\n1e999,v\n3,u\n4,v\n", "holds '1e999'"),
        ("a,y\n1,u\n2024_01,v\n3,u\n4,v\n", "holds '2024_01'"),
        ("a,y\n1,u\n2\n3,v\n", "line 3 has 1 cells, the header has 2"),
        ("a,y\n1,u\n2,v,3\n", "line 3 has 3 cells"),
        ("a,y\n1,u\n2,\n", "the label (column 'y') is empty"),
        ('a,y\n1,"u\n', "line 2"),
    ],
)
def test_an_unusable_csv_is_one_line_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(BatchlabError) as problem:
        prepare({"file": str(path), "label": "y", "test": 1, "validation": 0}, tmp_path)
    assert words in one_line(problem, path)


def test_a_csv_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"a,y\n\xff\xfe\xfa,u\n")
    with pytest.raises(BatchlabError, match="UTF-8"):
        describe({"file": str(path), "label": "y"})


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    target = prepared({"name": "digits"}, tmp_path)
    good = target.read_bytes()
    with pytest.raises(BatchlabError):
        write(target, prepare(save(tmp_path / "bad.npz", x=X, y=Y * 0), tmp_path))
    assert target.read_bytes() == good


# Formats of the registered sets


def idx(path: Path, array: np.ndarray, magic: int) -> Path:
    header = struct.pack(f">{1 + array.ndim}I", magic, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))
    return path


def test_idx(tmp_path: Path) -> None:
    images, labels = np.arange(2 * 3 * 4).reshape(2, 3, 4), np.array([7, 1])
    pixels = idx(tmp_path / "images.gz", images, idx_format.IMAGES)
    classes = idx(tmp_path / "labels.gz", labels, idx_format.LABELS)
    assert np.array_equal(idx_format.read_array(pixels, idx_format.IMAGES), images)
    assert np.array_equal(idx_format.read_array(classes, idx_format.LABELS), labels)
    with pytest.raises(BatchlabError, match=r"labels\.gz: holds labels; images are expected"):
        idx_format.read_array(classes, idx_format.IMAGES)
    with pytest.raises(BatchlabError, match=r"images\.gz: holds images; labels are expected"):
        idx_format.read_array(pixels, idx_format.LABELS)
    whole = gzip.decompress(pixels.read_bytes())
    for damage, words in [
        (gzip.compress(b"\0\0\x0d\x03" + whole[4:]), "not an IDX file"),
        (gzip.compress(whole[:-1]), "its header of shape"),
        (gzip.compress(whole + b"\0"), "its header of shape"),
        (gzip.compress(whole[:9]), "its header of shape"),
        (gzip.compress(b""), "not an IDX file"),
        (pixels.read_bytes()[:-12], "not an intact gzip file"),
        (whole, "not an intact gzip file"),
    ]:
        pixels.write_bytes(damage)
        with pytest.raises(BatchlabError) as problem:
            idx_format.read_array(pixels, idx_format.IMAGES)
        assert words in one_line(problem, pixels)


def cifar(path: Path, batches: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in batches.items():
            item = tarfile.TarInfo(name)
            item.size = len(content)
            archive.addfile(item, io.BytesIO(content))
    return path


def test_cifar_binary(tmp_path: Path) -> None:
    labels = (np.arange(10_000) % 10).astype(np.uint8)
    records = np.zeros((10_000, 3073), np.uint8)
    records[:, 0] = labels
    # In record 5: red 1, green 2, blue 3 at row 4, column 6.
    records[5, [1 + plane * 1024 + 4 * 32 + 6 for plane in range(3)]] = [1, 2, 3]
    names = [f"cifar-10-batches-bin/{name}.bin" for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")]
    batches = dict.fromkeys(names, records.tobytes())
    outside = {"../escaped.bin": b"no", "/tmp/escaped.bin": b"no", "cifar-10-batches-bin/readme.html": b"hi"}
    contents = cifar_format.read([cifar(tmp_path / "good.tar.gz", outside | batches)], {})
    assert contents.test is not None
    (x_train, y_train), (x_test, y_test) = contents.pool, contents.test
    assert (x_train.shape, x_test.shape) == ((50_000, 32, 32, 3), (10_000, 32, 32, 3))
    assert np.array_equal(y_train, np.tile(labels, 5))
    assert np.array_equal(y_test, labels)
    assert x_test[5, 4, 6].tolist() == [1, 2, 3]
    assert x_test.sum() == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.tar.gz"]

    short = cifar(tmp_path / "short.tar.gz", batches | {names[2]: records.tobytes()[:-1]})
    with pytest.raises(BatchlabError, match=r"short\.tar\.gz: member cifar-10-batches-bin/data_batch_3\.bin has"):
        cifar_format.read([short], {})
    absent = cifar(tmp_path / "absent.tar.gz", {names[0]: records.tobytes()})
    with pytest.raises(BatchlabError, match=r"data_batch_2\.bin is missing"):
        cifar_format.read([absent], {})
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes((tmp_path / "good.tar.gz").read_bytes()[:10_000])
    with pytest.raises(BatchlabError, match=r"cut\.tar\.gz: is not an intact"):
        cifar_format.read([cut], {})


def test_mnist_from_an_own_mirror(tmp_path: Path) -> None:
    mirror = os.environ.get("BATCHLAB_MIRROR", "")
    if not any((Path(mirror) / place / "train-images-idx3-ubyte.gz").is_file() for place in ("mnist", "")):
        pytest.skip("BATCHLAB_MIRROR is not a folder with MNIST")
    data = load(prepared({"name": "mnist", "validation": 5000}, tmp_path))
    assert (len(data.y_train), len(data.y_validation), len(data.y_test)) == (55_000, 5_000, 10_000)
    # The first labels of the training and test files, and the class counts of the test set, as widely published.
    assert data.y_train[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert data.y_test[:8].tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert abs(np.concatenate([data.x_train, data.x_validation]).mean(dtype=np.float64) - 0.1307) < 1e-4


@pytest.mark.parametrize("part", ["train", "t10k"])
def test_fashion_mnist_is_known_by_its_content(tmp_path: Path, part: str) -> None:
    """Debian's copy is compressed otherwise than the published one; its content is the same."""
    mirror = Path(os.environ.get("BATCHLAB_MIRROR", ""), "fashion_mnist")
    if not mirror.is_dir():
        pytest.skip("BATCHLAB_MIRROR is not a folder with Fashion-MNIST")
    for file in FASHION.files:
        if file.name.startswith(part):
            assert fault_of(mirror / file.name, file) is None
            again = tmp_path / file.name
            again.write_bytes(gzip.compress(gzip.decompress((mirror / file.name).read_bytes()), 1))
            assert fault_of(again, file) is None
            again.write_bytes(gzip.compress(gzip.decompress((mirror / file.name).read_bytes())[:-1], 1))
            assert "has other content than published" in str(fault_of(again, file))


def test_damaged_embedded_digits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "_EMBEDDED", tmp_path)
    for content in (b"", gzip.compress(b"1,2,3\n")):
        (tmp_path / "digits.csv.gz").write_bytes(content)
        with pytest.raises(BatchlabError, match=r"digits\.csv\.gz: has other content.*restore the file"):
            prepare({"name": "digits"}, tmp_path)
