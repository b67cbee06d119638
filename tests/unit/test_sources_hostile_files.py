"""Data files that would run code or write elsewhere if they were read carelessly."""

from __future__ import annotations

import ast
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.sources import prepare

from batchlab.errors import BatchlabError
from batchlab.paths import LIBRARY
from batchlab.sources.formats.cifar import read as cifar
from batchlab.sources.formats.npz import read as npz
from batchlab.sources.settings import resolve


class Touch:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


READ: list[Callable[[Path], Any]] = [
    lambda path: resolve({"file": str(path)}),
    lambda path: prepare({"file": str(path)}, path.parent),
    lambda path: npz.read([path], {}),
]


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("names", [("x", "y"), ("x_train", "y_train", "x_test", "y_test"), ("scale", "classes")])
def test_a_pickle_in_an_archive_is_not_loaded(
    tmp_path: Path, read: Callable[[Path], Any], names: tuple[str, ...]
) -> None:
    np.savez(tmp_path / "evil.npz", **{name: np.array([Touch(tmp_path / "ran")], dtype=object) for name in names})  # type: ignore[arg-type]
    with pytest.raises(BatchlabError, match=r"evil\.npz"):
        read(tmp_path / "evil.npz")
    assert not (tmp_path / "ran").exists()
    # The same file does run code where pickles are allowed, so that the test above tests something.
    np.load(tmp_path / "evil.npz", allow_pickle=True)[names[0]]
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_one_line_for_every_compression(tmp_path: Path, method: int) -> None:
    path = tmp_path / "damaged.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, values in (("x", np.arange(300.0).reshape(100, 3)), ("y", np.arange(100) % 2)):
            content = io.BytesIO()
            np.save(content, values)
            archive.writestr(f"{name}.npy", content.getvalue())
    whole = path.read_bytes()
    assert resolve({"file": str(path)}).shape.classes == 2
    refused = 0
    for start in range(40, len(whole) - 40, 11):
        path.write_bytes(whole[:start] + bytes(8) + whole[start + 8 :])
        try:
            npz.read([path], {})
        except BatchlabError as problem:
            refused += "damaged.npz" in str(problem)
    assert refused > 5


def test_only_regular_members_of_an_archive_are_read_and_nothing_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "links.tar.gz"
    (tmp_path / "secret").write_bytes(bytes(30_730_000))
    with tarfile.open(path, "w:gz") as archive:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE), start=1):
            item = tarfile.TarInfo(f"cifar-10-batches-bin/data_batch_{number}.bin")
            item.type, item.linkname = kind, str(tmp_path / "secret")
            archive.addfile(item)
        for name in ("../outside", str(tmp_path / "absolute")):
            item = tarfile.TarInfo(name)
            item.size = 3
            archive.addfile(item, io.BytesIO(b"no\n"))
    with pytest.raises(BatchlabError, match=r"links\.tar\.gz: member .*data_batch_1\.bin is missing"):
        cifar.read([path], {})
    assert sorted(item.name for item in tmp_path.iterdir()) == ["links.tar.gz", "secret"]
    assert not (tmp_path.parent / "outside").exists()


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_unpickles_unpacks_or_evaluates(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
    for name, call in calls(tree):
        last = name.rpartition(".")[2]
        assert last not in ("extract", "extractall", "unpack_archive", "read_pickle", "from_pickle"), name
        assert name not in ("eval", "exec", "yaml.load", "yaml.unsafe_load"), name
        if name in ("np.load", "numpy.load"):
            allowed = {word.arg: ast.unparse(word.value) for word in call.keywords}
            assert allowed.get("allow_pickle") == "False", path
