"""Text as tokens: cut by position or by line, against plain loops over the characters."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.sources import prepare

from batchlab.declarations.source import RemoteFile
from batchlab.errors import BatchlabError
from batchlab.sources import download
from batchlab.sources.published.tiny_shakespeare import SOURCE
from batchlab.sources.settings import resolve

PARTS = ("train", "validation", "test")


def text_of(folder: Path, size: int = 501, alphabet: str = "abcdé \n") -> tuple[dict[str, Any], str]:
    """Return the settings of a text and the text."""
    content = "".join(random.Random(1).choices(alphabet, k=size))
    path = folder / "mine.txt"
    path.write_text(content, encoding="utf-8", newline="")
    return {"file": str(path), "tokens": "characters"}, content


def spelt(arrays: dict[str, Any], rows: Any) -> list[str]:
    """Return rows of tokens as texts."""
    return ["".join(arrays["names"][row]) for row in rows]


def test_running_text_is_cut_by_position_and_each_token_is_the_target_of_the_one_before(tmp_path: Path) -> None:
    dataset, content = text_of(tmp_path)
    dataset |= {"length": 20, "validation": 3, "test": 5}
    found = prepare(dataset, tmp_path)
    arrays = found.arrays
    assert [arrays[f"x_{part}"].shape for part in PARTS] == [(17, 20), (3, 20), (5, 20)]
    assert {arrays[f"{axis}_{part}"].dtype for axis in "xy" for part in PARTS} == {np.dtype("int32")}
    x = [row for part in PARTS for row in spelt(arrays, arrays[f"x_{part}"])]
    y = [row for part in PARTS for row in spelt(arrays, arrays[f"y_{part}"])]
    assert "".join(x) == content[:500]
    assert "".join(y) == content[1:501]
    assert [row[1:] for row in x] == [row[:-1] for row in y]
    shape = resolve(dataset).shape
    assert (shape.targets, shape.classes, shape.input_shape) == ("tokens", len(set(content)), (20,))
    assert int(arrays["classes"]) == shape.classes
    assert "w_train" not in arrays
    assert found.understood["tokens"] == {"train": 340, "validation": 60, "test": 100}


def test_the_vocabulary_is_that_of_the_training_part(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("abcba" * 20 + "xaxb" * 10)  # x occurs at the end alone, which is the test set
    dataset = {"file": str(path), "tokens": "characters", "length": 10, "validation": 2, "test": 4}
    with pytest.raises(BatchlabError, match=r"1 characters occur in no training example \('x'\); say unseen: replace"):
        resolve(dataset)
    dataset["unseen"] = "replace"
    assert resolve(dataset).shape.classes == 4
    found = prepare(dataset, tmp_path)
    assert found.arrays["names"].tolist() == ["a", "b", "c", "(unseen)"]
    content = path.read_text()
    ends = content[90:130].replace("x", "?")
    assert "".join("abc?"[token] for token in found.arrays["x_test"].ravel()) == ends
    assert found.arrays["x_train"].max() == 2
    assert dict(found.understood["told"])["Replaced"].startswith(f"{content[1:131].count('x')} characters")
    bytes_ = {"file": str(path), "tokens": "bytes", "length": 10}
    assert resolve(bytes_).shape.classes == 256
    raw = prepare(bytes_, tmp_path).arrays
    assert bytes(raw["x_train"].astype("u1").ravel()) == content.encode()[: raw["x_train"].size]


@pytest.mark.parametrize("tokens", ["characters", "bytes"])
def test_lines_are_filled_up_with_tokens_of_weight_0(tmp_path: Path, tokens: str) -> None:
    lines = ["é" * (1 + number % 7) + "ab"[number % 2] for number in range(40)]
    path = tmp_path / "names.txt"
    path.write_text("\n".join([*lines[:20], "", *lines[20:]]), encoding="utf-8")
    dataset = {"file": str(path), "tokens": tokens, "by": "line", "validation": 4, "test": 6}
    found = prepare(dataset, tmp_path)
    arrays = found.arrays
    names = (
        [sign.encode("utf-8") for sign in arrays["names"]] if "names" in arrays else [bytes([n]) for n in range(256)]
    )
    read = []
    for part in PARTS:
        x, y, w = (arrays[f"{axis}_{part}"] for axis in "xyw")
        assert w.dtype == np.float32
        for tokens_in, tokens_out, weights in zip(x, y, w, strict=True):
            size = int(weights.sum())
            assert weights.tolist() == [1.0] * size + [0.0] * (len(weights) - size)
            whole = b"".join(names[token] for token in [*tokens_in[:size], tokens_out[size - 1]])
            assert whole == b"\n" + b"".join(names[token] for token in tokens_out[:size])
            assert whole[:1] == whole[-1:] == b"\n"
            read.append(whole[1:-1].decode())
    assert sorted(read) == sorted(lines)
    assert read != lines
    assert len(found.arrays["x_test"]) == 6
    assert dict(found.understood["told"])["Left out"] == "1 empty lines"
    other = prepare(dataset | {"split_seed": 1}, tmp_path).arrays
    assert not np.array_equal(other["x_test"], arrays["x_test"])


def test_a_part_of_the_training_examples_is_in_every_larger_one(tmp_path: Path) -> None:
    dataset, _ = text_of(tmp_path)
    dataset |= {"length": 10, "validation": 5, "test": 5}
    whole, few, more = (
        prepare(dataset | chosen, tmp_path).arrays for chosen in ({}, {"examples": 8}, {"examples": 20})
    )
    assert np.array_equal(few["x_train"], more["x_train"][:8])
    assert {row.tobytes() for row in more["x_train"]} <= {row.tobytes() for row in whole["x_train"]}
    assert np.array_equal(few["x_test"], whole["x_test"])
    assert int(few["classes"]) == int(whole["classes"])


@pytest.mark.parametrize(
    ("content", "keys", "words"),
    [
        (b"abc", {}, "less than three examples of length 128"),
        (b"ab\xff\ncd" * 99, {}, "is not text in UTF-8 (line 1); name its encoding, such as encoding: cp1252"),
        (b"a\nb\n", {"by": "line"}, "holds 2 lines; at least three are needed"),
        (b"a\nb\nabcdef\n", {"by": "line", "length": 4}, "line 3 has 7 tokens with its end, more than length = 4; say"),
        (b"a\nb\nc\n", {"by": "word"}, "by = 'word' is not possible; allowed: position, line"),
        (b"abc" * 999, {"standardise": True}, "unknown key 'standardise'"),
    ],
)
def test_a_text_that_cannot_be_used_is_one_line(
    tmp_path: Path, content: bytes, keys: dict[str, Any], words: str
) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(BatchlabError) as problem:
        resolve({"file": str(path), "tokens": "characters", **keys})
    assert words in str(problem.value)
    assert "\n" not in str(problem.value)


def test_ends_of_lines_are_written_in_several_ways(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(b"ab\r\ncd\rab\ncd\n" * 20)
    arrays = prepare({"file": str(path), "tokens": "characters", "length": 12}, tmp_path).arrays
    assert spelt(arrays, arrays["x_train"])[0] == "ab\ncd\nab\ncd\n"


def test_a_text_without_its_key_may_be_a_table(tmp_path: Path) -> None:
    dataset, _ = text_of(tmp_path)
    with pytest.raises(BatchlabError, match=r"the key label is missing: .*; or the key tokens, if it is text$"):
        resolve({"file": dataset["file"]})


def test_tiny_shakespeare_says_its_sizes_before_it_is_fetched() -> None:
    shape = resolve({"name": "tiny_shakespeare", "length": 64}).shape
    # (1,115,394 − 1) // 64 examples, of which a twentieth each is for validation and test.
    assert (shape.examples_train, shape.examples_validation, shape.examples_test) == (15_686, 871, 871)
    assert (shape.input_shape, shape.classes, shape.targets) == ((64,), 65, "tokens")


def test_tiny_shakespeare_by_lines_has_the_length_of_the_longest() -> None:
    shape = resolve({"name": "tiny_shakespeare", "by": "line"}).shape
    # 32,777 lines that are not empty, the longest of 63 characters and its end.
    assert (shape.examples_train, shape.examples_validation, shape.examples_test) == (29_499, 1639, 1639)
    assert (shape.input_shape, shape.classes, shape.targets) == ((64,), 65, "tokens")
    with pytest.raises(BatchlabError, match="length = 32 is less than a line; say 64"):
        resolve({"name": "tiny_shakespeare", "by": "line", "length": 32})


def test_tiny_shakespeare_from_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = Path("/work/shared/data")
    if not (mirror / "tiny_shakespeare/input.txt.gz").exists():
        pytest.skip("no mirror on this machine")
    monkeypatch.setenv("BATCHLAB_MIRROR", str(mirror))
    arrays = prepare({"name": "tiny_shakespeare"}, tmp_path).arrays
    assert "".join(arrays["names"][arrays["x_train"][0]]).startswith("First Citizen:\nBefore we proceed")
    assert len(arrays["names"]) == 65
    lines = prepare({"name": "tiny_shakespeare", "by": "line"}, tmp_path).arrays
    assert lines["x_train"].shape == (29_499, 64) and len(lines["names"]) == 65
    assert {int(row.sum()) for row in lines["w_train"]} >= {20, 40, 60}


def test_a_mirror_may_hold_a_file_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHLAB_MIRROR", str(tmp_path / "mirror"))
    (tmp_path / "mirror/mine").mkdir(parents=True)
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello"
    source = type(SOURCE)(**{**vars(SOURCE), "files": (RemoteFile("a.txt", archive_sha256=digest),), "mirrors": ()})
    for content, good in ((b"hello", True), (b"other", False)):
        (tmp_path / "mirror/mine/a.txt.gz").write_bytes(gzip.compress(content))
        if good:
            assert download.fetch("mine", source, tmp_path / "got")["a.txt"].read_bytes() == b"hello"
        else:
            with pytest.raises(BatchlabError, match=r"a\.txt has other content than published"):
                download.fetch("mine", source, tmp_path / "other")
