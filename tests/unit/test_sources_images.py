"""Folders of images: what is found, refused and told; and the pixels, by an independent decoder of our own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.sources import load, prepare, prepared

from batchlab.errors import BatchlabError
from batchlab.sources import contents, fingerprints
from batchlab.sources.fingerprints import fingerprint
from batchlab.sources.settings import DataShape, resolve

COLOURS = {"red": (250, 10, 20), "blue": (0, 30, 240)}


def ppm(path: Path, pixels: np.ndarray) -> None:
    """Write an image in the simplest format there is: a header, then three bytes for each pixel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, _ = pixels.shape
    path.write_bytes(f"P6 {width} {height} 255\n".encode() + pixels.astype(np.uint8).tobytes())


def pixels(name: str, number: int, height: int = 4, width: int = 6) -> np.ndarray:
    values = np.tile(np.array(COLOURS[name]), (height, width, 1))
    values[0, 0] = number
    return values


def folder_of(root: Path, below: str = "", count: int = 10) -> dict[str, Any]:
    for name in COLOURS:
        for number in range(count):
            ppm(root / below / name / f"{number}.ppm", pixels(name, number))
    return {"file": str(root), "size": [4, 6]}


def test_a_folder_for_each_class_is_found_without_a_decoder(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path / "pets")
    assert resolve(dataset).shape == DataShape(14, 2, 4, (4, 6, 3), 2)
    assert resolve(dataset | {"size": 8, "colour": "grey"}).shape.input_shape == (8, 8, 1)
    assert resolve(dataset | {"file": f"{tmp_path}/pets/"}).identity == resolve(dataset).identity
    with pytest.raises(BatchlabError, match=r"the key size is missing: height and width"):
        resolve({"file": dataset["file"]})
    with pytest.raises(BatchlabError, match=r"size = \[4, 6, 3\] is not possible; allowed: a number of pixels"):
        resolve(dataset | {"size": [4, 6, 3]})


@pytest.mark.parametrize("words", ["train val test", "Training validation Testing"])
def test_parts_of_a_folder_are_given(tmp_path: Path, words: str) -> None:
    for part, count in zip(words.split(), (6, 3, 2), strict=True):
        dataset = folder_of(tmp_path, part, count)
    assert resolve(dataset).shape == DataShape(12, 6, 4, (4, 6, 3), 2)
    with pytest.raises(BatchlabError, match=r"the file brings its own test set; remove the key"):
        resolve(dataset | {"test": 2})
    ppm(tmp_path / words.split()[1] / "green/0.ppm", pixels("red", 0))
    with pytest.raises(BatchlabError, match=r"validation has the class 'green', which no training image has"):
        resolve(dataset)


def test_what_lies_elsewhere_is_not_left_out_without_a_word(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path)
    ppm(tmp_path / "stray.ppm", pixels("red", 0))
    with pytest.raises(BatchlabError, match=r"stray\.ppm lies at another depth than <class>/<image>"):
        resolve(dataset)
    (tmp_path / "stray.ppm").unlink()
    ppm(tmp_path / "red/deeper/0.ppm", pixels("red", 0))
    with pytest.raises(BatchlabError, match=r"red/deeper/0\.ppm lies at another depth"):
        resolve(dataset)
    shutil.rmtree(tmp_path / "red/deeper")
    folder_of(tmp_path, "train")
    with pytest.raises(BatchlabError, match=r"blue lies beside train"):
        resolve(dataset)


def test_what_is_no_image(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path)
    (tmp_path / "red/0.ppm").write_text("<html>not found</html>")
    with pytest.raises(BatchlabError, match=r"red/0\.ppm: is not an image, by its first bytes"):
        resolve(dataset)
    with pytest.raises(BatchlabError, match=r"holds no images in folders of classes"):
        (tmp_path / "empty").mkdir()
        resolve({"file": str(tmp_path / "empty"), "size": 4})
    with pytest.raises(BatchlabError, match=r"only the label 'red' found"):
        (tmp_path / "red/0.ppm").unlink()
        shutil.rmtree(tmp_path / "blue")
        resolve(dataset)


def test_a_folder_is_identified_by_names_and_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path / "a")
    first = fingerprint(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b/.DS_Store").write_text("hidden")
    os.utime(tmp_path / "b/red/3.ppm", (1, 1))
    assert fingerprint(tmp_path / "b") == first
    (tmp_path / "b/red/3.ppm").rename(tmp_path / "b/blue/30.ppm")
    assert fingerprint(tmp_path / "b") != first
    # A large folder is read once, until the size or time of one of its files changes.
    monkeypatch.setattr(fingerprints, "LARGE", 4)
    monkeypatch.setattr(fingerprints, "_known", {})
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "a").rglob("*.ppm"):
        os.utime(path, (1, 1))
    assert fingerprints.compute(tmp_path / "a") == first
    monkeypatch.setattr(fingerprints, "sha256_of", None)
    monkeypatch.setattr(fingerprints, "_known", {})
    assert fingerprint(tmp_path / "a") == first


# With a decoder


def decoded(dataset: dict[str, Any], folder: Path) -> Any:
    pytest.importorskip("PIL")
    return load(prepared(dataset, folder), "float64")


def test_pixels_are_those_of_the_files(tmp_path: Path) -> None:
    data = decoded(folder_of(tmp_path / "pets"), tmp_path)
    assert data.x_train.shape == (14, 4, 6, 3)
    seen = set()
    for part in ("train", "validation", "test"):
        for image, label in zip(getattr(data, f"x_{part}"), getattr(data, f"y_{part}"), strict=True):
            name = ("blue", "red")[label]
            number = round(image[0, 0, 0] * 255)
            assert np.allclose(image * 255, pixels(name, number), rtol=0, atol=1e-9)
            seen.add((name, number))
    assert len(seen) == 20


def test_resizing_and_cropping_are_told(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path / "pets")
    halves = np.zeros((8, 16, 3))
    halves[:, 8:] = 200
    ppm(tmp_path / "pets/red/wide.ppm", halves)
    pytest.importorskip("PIL")
    for resize, words in (("stretch", "proportions changed"), ("crop", "cropped to the middle")):
        made = prepare(dataset | {"size": 4, "resize": resize, "colour": "grey"}, tmp_path)
        assert made.arrays["x_train"].shape[1:] == (4, 4, 1)
        told = dict(made.understood["told"])["Images"]
        assert words in told
        assert "21 in grey, brought to 4 × 4: 0 had this size" in told
        assert "sizes from 4 × 6 to 8 × 16" in told
    # The grey of (250, 10, 20) by the weights of ITU-R 601: 0.299 R + 0.587 G + 0.114 B.
    found = np.concatenate([made.arrays[f"x_{part}"] for part in ("train", "validation", "test")])
    assert np.isin(found[:, 2, 2, 0], [83, 84, 44, 45, 200, 0]).sum() >= 20


def test_kinds_of_files_and_what_a_decoder_finds(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    dataset = folder_of(tmp_path / "pets")
    clear = image.fromarray(np.full((4, 6, 4), 99, np.uint8), "RGBA")
    clear.save(tmp_path / "pets/red/clear.png")
    (tmp_path / "pets/red/notes.txt").write_text("by hand")
    told = prepare(dataset, tmp_path).understood["told"]
    assert ["Remark", "1 images are transparent; what lies below is used as it is"] in told
    assert ["Left out", "1 files that are no images: red/notes.txt"] in told
    image.fromarray(np.full((4, 6), 999, np.uint16)).save(tmp_path / "pets/red/deep.png")
    with pytest.raises(BatchlabError, match=r"deep\.png: has more than 8 bits for each pixel"):
        prepare(dataset, tmp_path)
    whole = (tmp_path / "pets/red/clear.png").read_bytes()
    (tmp_path / "pets/red/deep.png").write_bytes(whole[:50])
    with pytest.raises(BatchlabError, match=r"deep\.png: is not an intact image"):
        prepare(dataset, tmp_path)


@pytest.mark.parametrize("below", ["", "train test"])
def test_many_images_are_put_together_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str) -> None:
    pytest.importorskip("PIL")
    for part in below.split() or [""]:
        dataset = folder_of(tmp_path / "pets", part)
    in_memory = prepared(dataset, tmp_path / "one").read_bytes()
    assert not any(isinstance(values, contents.Taken) for values in prepare(dataset, tmp_path).arrays.values())
    monkeypatch.setattr(contents, "_LARGE", 1)
    monkeypatch.setattr(contents, "_BLOCK", 200)  # of two images, so that blocks end within a part
    assert isinstance(prepare(dataset, tmp_path).arrays["x_train"], contents.Taken)
    assert prepared(dataset, tmp_path / "other").read_bytes() == in_memory
    with pytest.raises(BatchlabError, match="is too large to be standardised"):
        prepare(dataset | {"standardise": True}, tmp_path)
    monkeypatch.setattr(contents.os, "posix_fallocate", no_room, raising=False)
    with pytest.raises(BatchlabError, match=r"has no room for 0\.0 GB of examples .*set TMPDIR"):
        prepare(dataset, tmp_path)


def no_room(file: int, start: int, size: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is looked at as Linux tells it")
def test_memory_of_examples_in_a_file_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_LARGE", 1)
    monkeypatch.setattr(contents, "_BLOCK", 1 << 20)
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def mapped() -> int:
        """Return the megabytes of pages of files that this process has."""
        lines = Path("/proc/self/status").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(("RssFile", "RssShmem"))) >> 10

    x = contents.room((100, 1 << 20), np.uint8)
    before = mapped()
    x[:] = np.arange(100, dtype=np.uint8)[:, None]
    assert mapped() - before > 90
    contents.let_go(x)
    assert mapped() - before < 10
    assert [part[0, 0] for part in contents.stretches(x)] == list(range(100))
    assert mapped() - before < 10
    taken = contents.Taken(x, np.array([7, 90, 3]))
    assert [block[0, -1] for block in taken.blocks()] == [7, 90, 3]
    assert mapped() - before < 10
