"""Files beside a user's file that it imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchlab.errors import BatchlabError
from batchlab.planning.model_files import resolve_model
from batchlab.planning.neighbours import code_digest_of, neighbours
from batchlab.records.digests import source_digest

BUILD = "def build(input_shape, classes):\n    return blocks.make(classes)\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(f"import keras\nimport blocks\n{BUILD}")
    (tmp_path / "blocks.py").write_text("from parts.dense import layer\ndef make(n):\n    return layer(n)\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/__init__.py").write_text("")
    (tmp_path / "parts/dense.py").write_text("import model\ndef layer(n):\n    return n\n")
    (tmp_path / "unused.py").write_text("x = 1\n")
    return path


def digest_now(path: Path) -> str:
    """Return the digest as a new process would find it."""
    source_digest.cache_clear()
    return code_digest_of(path)


def test_neighbours_are_found_through_one_another(model: Path) -> None:
    names = [path.relative_to(model.parent).as_posix() for path in neighbours(model)]
    assert names == ["blocks.py", "parts/__init__.py", "parts/dense.py"]


def test_their_code_counts_and_nothing_else(model: Path) -> None:
    before = digest_now(model)
    (model.parent / "unused.py").write_text("x = 2\n")
    (model.parent / "blocks.py").write_text(
        "from parts.dense import layer\ndef make(n):\n    # a remark\n    return layer(n)\n"
    )
    assert digest_now(model) == before
    (model.parent / "parts/dense.py").write_text("import model\ndef layer(n):\n    return 2 * n\n")
    assert digest_now(model) != before


def test_a_folder_without_init_counts_unless_a_module_has_its_name(model: Path) -> None:
    before = digest_now(model)
    (model.parent / "parts/__init__.py").unlink()
    assert [path.name for path in neighbours(model)] == ["blocks.py", "dense.py"]
    (model.parent / "parts/dense.py").write_text("import model\ndef layer(n):\n    return 3 * n\n")
    assert digest_now(model) != before
    (model.parent / "parts.py").write_text("dense = None\n")
    assert [path.name for path in neighbours(model)] == ["blocks.py", "parts.py"]


@pytest.mark.parametrize("name", ["code", "of", "masks"])
def test_an_option_with_a_name_of_our_own_is_refused(model: Path, name: str) -> None:
    model.write_text(f"def build(input_shape, classes, *, {name}=1):\n    return None\n")
    with pytest.raises(BatchlabError, match=f"models.own.{name}: batchlab uses this name itself"):
        resolve_model({"dropout": "by_micro_batch", "models": {"own": {"file": str(model), name: 3}}}, "own")


def test_a_file_without_neighbours_keeps_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(f"import keras\n{BUILD}")
    assert code_digest_of(path) == source_digest(path)


def test_a_fault_in_a_neighbour_is_named(model: Path) -> None:
    (model.parent / "blocks.py").write_text("def make(:\n")
    with pytest.raises(BatchlabError, match=r"blocks\.py: line 1 is not valid Python"):
        resolve_model({"dropout": "by_micro_batch", "models": {"own": {"file": str(model)}}}, "own")
