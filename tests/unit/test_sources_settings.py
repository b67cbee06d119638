"""Settings of data sets: what is accepted, what it means, and that NumPy is not needed to know."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchlab.declarations import find
from batchlab.errors import BatchlabError
from batchlab.paths import LIBRARY, SCRIPTS
from batchlab.records.digests import digest
from batchlab.sources import keys
from batchlab.sources.settings import DataShape, resolve


def describe(dataset: dict[str, Any]) -> DataShape:
    return resolve(dataset).shape


def identity(dataset: dict[str, Any]) -> dict[str, Any]:
    return resolve(dataset).identity


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    path = tmp_path / "mine.npz"
    np.savez(path, x=np.zeros((100, 5), np.float32), y=np.arange(100) % 4)
    return path


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    rows = [f"{index},{index / 7},{'abc'[index % 3]}" for index in range(30)]
    path.write_text("\n".join(["width,length,species", *rows, ""]))
    return path


def test_standard_library_only(npz: Path, csv: Path) -> None:
    program = f"""
import sys
from batchlab.sources.settings import resolve
for dataset in ({{"name": "mnist"}}, {{"file": {str(npz)!r}}}, {{"file": {str(csv)!r}, "label": "species"}}):
    resolve(dataset).spec
foreign = {{name.partition(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names) - {{"__main__", "batchlab"}}
print(sorted(name for name in foreign if name in ("numpy", "pandas", "yaml", "keras", "tensorflow", "jsonschema")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


@pytest.mark.parametrize(
    ("dataset", "shape"),
    [
        ({"name": "digits"}, DataShape(1297, 250, 250, (8, 8, 1), 10)),
        ({"name": "digits", "validation": 97, "test": 0.5}, DataShape(801, 97, 899, (8, 8, 1), 10)),
        ({"name": "mnist"}, DataShape(50_000, 10_000, 10_000, (28, 28, 1), 10)),
        ({"name": "mnist", "validation": 0}, DataShape(60_000, 0, 10_000, (28, 28, 1), 10)),
        ({"name": "fashion_mnist", "validation": 0.25}, DataShape(45_000, 15_000, 10_000, (28, 28, 1), 10)),
        ({"name": "cifar10"}, DataShape(45_000, 5_000, 10_000, (32, 32, 3), 10)),
    ],
)
def test_sizes_of_registered_sets(dataset: dict[str, Any], shape: DataShape) -> None:
    assert describe(dataset) == shape


def test_identity_tells_numbers_apart_and_nothing_else(npz: Path, tmp_path: Path) -> None:
    assert identity({"name": "mnist"}) == identity({"name": "mnist", "validation": 10_000, "standardise": False})
    assert identity({"name": "mnist", "validation": 0.1}) == identity({"name": "mnist", "validation": 6000})
    assert identity({"name": "mnist"}) != identity({"name": "mnist", "validation": 5000})
    assert identity({"name": "digits"}) != identity({"name": "digits", "split_seed": 1})
    one = identity({"file": str(npz)})
    assert json.loads(json.dumps(one)) == one
    moved = npz.rename(tmp_path / "moved.npz")
    os.utime(moved, (1, 1))
    assert identity({"file": str(moved)}) == one
    np.savez(moved, x=np.ones((100, 5), np.float32), y=np.arange(100) % 4)
    assert identity({"file": str(moved)})["sha256"] != one["sha256"]


ACCEPTED = {
    **{
        name: ["name", *(option.name for option in keys.of_published(source))]
        for name, source in find.published().items()
    },
    **{
        name: ["file", *(option.name for option in keys.of_file(form))]
        for name, form in find.formats().items()
        if form.suffixes
    },
}


@pytest.mark.parametrize("kind", sorted(ACCEPTED))
def test_every_accepted_key_is_accepted_and_no_other(kind: str, npz: Path, csv: Path, tmp_path: Path) -> None:
    images, python, text = tmp_path / "images", tmp_path / "own.py", tmp_path / "own.txt"
    text.write_text("abcdefgh\n" * 30)
    for place in range(40):
        path = images / "uv"[place % 2] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x89PNG")
    python.write_text(
        'INPUT_SHAPE = (2,)\nCLASSES = 2\nEXAMPLES = {"train": 40}\ndef examples(split, seed):\n    return None\n'
    )
    parquet = Path(__file__).parent / "tables" / "flowers.parquet"
    jsonl = tmp_path / "own.jsonl"
    jsonl.write_text("".join(f'{{"length": {i}, "width": {i % 3}, "species": "{"uv"[i % 2]}"}}\n' for i in range(40)))
    files = {
        "npz": npz,
        "csv": csv,
        "images": images,
        "python": python,
        "text": text,
        "parquet": parquet,
        "jsonl": jsonl,
    }
    values: dict[str, Any] = {
        "name": kind,
        "file": str(files.get(kind)),
        "label": "species",
        "validation": 3,
        "test": 2,
        "split_seed": 1,
        "standardise": True,
        "scale": 2,
        "examples": 9,
        "labels": "classes",
        "leave_out": {"npz": ["spare"], "csv": ["length"], "jsonl": ["length"], "parquet": ["length", "town"]}.get(
            kind
        ),
        "categories": {"parquet": ["leaves"]}.get(kind, ["width"]),
        "missing": "drop",
        "missing_words": ["", "-"],
        "header": True,
        "separator": "comma",
        "decimal": ".",
        "encoding": "utf-8",
        "arrays": {"x": "x"},
        "axes": None,
        "inputs": None,
        "weight": None,
        "tokens": "characters",
        "length": 8,
        "by": "position",
        "unseen": "replace",
        "size": [3, 4],
        "colour": "grey",
        "resize": "crop",
        "generated": 200,
        "rows": 60,
        "features": 3,
        "classes": 3,
        "hidden": 2,
        "noise": 0.1,
        "decay": 1,
        "seed": 5,
    }
    if kind == "npz":
        np.savez(npz, x=np.zeros((100, 5), np.float32), y=np.arange(100) % 4, spare=np.zeros(3))
    dataset = {key: values[key] for key in ACCEPTED[kind]}
    describe(dataset)
    for key in values.keys() - dataset.keys() - {"name", "file"}:
        with pytest.raises(BatchlabError, match=f"unknown key {key!r}.*allowed: "):
            describe(dataset | {key: values[key]})


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ({"name": "mnits"}, ["name", "'mnits'", "did you mean 'mnist'", "cifar10, digits, fashion_mnist, mnist"]),
        ({"name": "imagenet"}, ["unknown name 'imagenet'; allowed: ", "(or a file of yours with the key file)"]),
        ({"name": 3}, ["unknown name 3"]),
        ({}, ["name", "file"]),
        ({"name": "mnist", "file": "a.npz"}, ["either"]),
        ({"file": "table.xlsx"}, ["table.xlsx", ".csv or .tsv"]),
        ({"file": "absent.npz"}, ["absent.npz", "No such file"]),
        ({"file": "absent.csv", "label": "y"}, ["absent.csv", "No such file"]),
        ({"file": "any.csv"}, ["label", "column"]),
        ({"name": "mnist", "validaton": 3}, ["'validaton'", "did you mean 'validation'"]),
        ({"name": "mnist", "validation": 60_000}, ["validation = 60000", "0 to 59999 of 60000"]),
        ({"name": "mnist", "validation": -1}, ["validation = -1", "0 to 59999"]),
        ({"name": "mnist", "validation": 1.0}, ["validation = 1.0", "fraction"]),
        ({"name": "mnist", "validation": True}, ["validation = True"]),
        ({"name": "mnist", "validation": "10%"}, ["validation = '10%'"]),
        ({"name": "mnist", "validation": float("nan")}, ["validation = nan"]),
        ({"name": "mnist", "standardise": "yes"}, ["standardise = 'yes'", "true or false"]),
        ({"name": "digits", "test": 0}, ["test = 0", "1 to 1796"]),
        ({"name": "digits", "test": 1700, "validation": 97}, ["validation = 97", "0 to 96"]),
        ({"name": "digits", "test": 1700}, ["validation = 250 is the default; set the key validation"]),
        ({"name": "digits", "split_seed": -1}, ["split_seed = -1"]),
        ({"name": "digits", "split_seed": 1.5}, ["split_seed = 1.5"]),
    ],
)
def test_a_wrong_setting_is_one_line_with_the_way_out(dataset: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BatchlabError) as problem:
        describe(dataset)
    assert "\n" not in str(problem.value)
    for word in words:
        assert word in str(problem.value)


@pytest.mark.parametrize("scale", [0, -1, "big", True, float("inf")])
def test_a_scale_must_be_positive(npz: Path, scale: Any) -> None:
    with pytest.raises(BatchlabError, match="scale"):
        describe({"file": str(npz), "scale": scale})


def test_a_file_with_its_own_test_set_takes_no_test_key(tmp_path: Path) -> None:
    path = tmp_path / "split.npz"
    x, y = np.zeros((20, 3)), np.arange(20) % 2
    np.savez(path, x_train=x, y_train=y, x_test=x[:6], y_test=y[:6])
    assert describe({"file": str(path)}) == DataShape(18, 2, 6, (3,), 2)
    with pytest.raises(BatchlabError, match=r"test = 5.*brings its own test set"):
        describe({"file": str(path), "test": 5})


def test_published_sets_are_complete() -> None:
    for source in find.published().values():
        assert source.licence
        assert source.citation
        assert source.layout in find.formats()
        assert all(len(file.digest) == len(file.identity) == 64 for file in source.files)
        if source.mirrors:
            assert len(source.mirrors) >= 2
            assert all(mirror.endswith("/") for mirror in source.mirrors)
        else:
            assert all((LIBRARY / "sources/published" / file.name).is_file() for file in source.files)


def test_a_suffix_belongs_to_one_format_but_for_those_that_a_key_or_a_look_into_the_folder_chooses() -> None:
    forms = [form for form in find.formats().values() if not form.chosen_by]
    suffixes = [suffix for form in forms for suffix in form.suffixes if suffix != "/" or not form.takes]
    assert sorted(suffixes) == sorted(set(suffixes))
    assert {".csv", ".npz"} <= set(suffixes)


# Names of folders below results/data, as campaigns have had them since the first release.
NAMES = [
    ({"name": "digits"}, "f38f8ef3f2"),
    ({"name": "digits", "validation": 97, "test": 0.5}, "677bf6dd6d"),
    ({"name": "digits", "split_seed": 3, "standardise": True}, "800cb2baf6"),
    ({"name": "mnist"}, "9a2f32fe2c"),
    ({"name": "mnist", "validation": 5000, "standardise": True}, "fb3ed6a9c2"),
    ({"name": "fashion_mnist", "validation": 0.25}, "4e689a9d6d"),
    ({"name": "cifar10"}, "dcdaacfd1e"),
    ({"file": "mine.csv", "label": "species"}, "786f0e7c0b"),
    ({"file": "mine.csv", "label": "species", "scale": 2, "test": 4, "split_seed": 1}, "c383c3804d"),
]


@pytest.mark.parametrize(("dataset", "name"), NAMES)
def test_identities_are_those_of_earlier_releases(
    dataset: dict[str, Any], name: str, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(csv.parent)
    assert digest(identity(dataset)) == name


def test_the_identity_of_an_archive_is_that_of_earlier_releases(npz: Path) -> None:
    assert identity({"file": str(npz)}) == {
        "format": "npz",
        "sha256": hashlib.sha256(npz.read_bytes()).hexdigest(),
        "label": None,
        "scale": None,
        "validation": 10,
        "test": 20,
        "split": "pool",
        "split_seed": 0,
        "standardise": False,
    }


def test_a_job_gets_all_that_decides_its_numbers_and_no_path(npz: Path, csv: Path) -> None:
    spec = resolve({"name": "digits", "test": 0.5}).spec
    assert spec == {
        "dataset": identity({"name": "digits", "test": 0.5}),
        "layout": "optdigits",
        "options": {},
        "scale": 16,
        "examples": [648, 250, 899],
        "input_shape": [8, 8, 1],
        "classes": 10,
    }
    for dataset in ({"file": str(npz), "scale": 2}, {"file": str(csv), "label": "species"}):
        settings = resolve(dataset)
        assert settings.source == {"file": dataset["file"]}
        assert dataset["file"] not in json.dumps(settings.spec)
    assert settings.spec["options"] == {"label": "species"}
    assert settings.modules == ("batchlab.sources.formats.csv.read",)


def test_a_corrected_declaration_prepares_again_in_the_same_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = resolve({"name": "digits"})
    corrected = dataclasses.replace(find.published()["digits"], scale=15)
    monkeypatch.setattr(find, "published", lambda: {"digits": corrected})
    after = resolve({"name": "digits"})
    assert after.identity == before.identity
    assert after.spec != before.spec
    moved = dataclasses.replace(corrected, scale=16, mirrors=("https://example.org/",), licence="another")
    monkeypatch.setattr(find, "published", lambda: {"digits": moved})
    assert resolve({"name": "digits"}).spec == before.spec
