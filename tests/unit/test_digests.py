"""Digests: what changes them and, above all, what does not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchlab.pages.environments import STAGES, conda_file
from batchlab.records import digests
from batchlab.records.digests import canonical, code_digest, digest, environment_digest, locked_versions, source_digest

PROJECT = Path(__file__).resolve().parents[2]


def test_canonical_form_ignores_order_and_keeps_names() -> None:
    assert canonical({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'
    assert digest({"a": 1, "b": 2}) != digest({"a": 2, "b": 1})
    assert digest([1, 1, 2]) != digest([1, 2, 2])
    assert len(digest(None)) == 10


def test_canonical_form_refuses_what_json_cannot_say(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        canonical({"path": tmp_path})
    with pytest.raises(ValueError):
        canonical(float("nan"))


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A library with a script that uses `shared` through `one`, and a module that nobody uses."""
    package = tmp_path / "batchlab"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("import numpy\nfrom batchlab.shared import helper\n")
    (package / "shared.py").write_text('"""Docs."""\n\n\ndef helper(x):\n    """Say."""\n    return x + 1\n')
    (package / "unused.py").write_text("import altair\n")
    (tmp_path / "script.py").write_text("from batchlab import one\n")
    monkeypatch.setattr(digests, "LIBRARY", package)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    digests._USED.clear()
    for function in (digests._parsed, digests._kept, digests._files_of, code_digest, environment_digest, source_digest):
        function.cache_clear()


def of(library: Path) -> str:
    forget()
    return code_digest(library / "script.py")


def test_comments_docstrings_and_layout_do_not_count(library: Path) -> None:
    before = of(library)
    (library / "batchlab/shared.py").write_text('def helper(x):\n    # why\n    """Other."""\n    return (x   + 1)\n')
    assert of(library) == before


def test_an_edited_helper_counts_for_its_users_only(library: Path) -> None:
    before = of(library)
    (library / "batchlab/unused.py").write_text("x = 3\n")
    assert of(library) == before
    (library / "batchlab/shared.py").write_text("def helper(x):\n    return x + 2\n")
    assert of(library) != before


def test_what_is_kept_changes_no_digest(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = of(library)
    digests.keep_parsed()
    monkeypatch.setattr(digests, "_parse", None)  # nothing is parsed again
    assert of(library) == before
    monkeypatch.undo()
    monkeypatch.setattr(digests, "LIBRARY", library / "batchlab")
    (library / "batchlab/shared.py").write_text("def helper(x):\n    return x + 2\n")
    after = of(library)
    assert after != before
    digests._kept_file().write_text("damaged")
    assert of(library) == after


def test_a_copy_of_the_project_parses_nothing_again(
    library: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = of(library)
    digests.keep_parsed()
    copy = shutil.copytree(library, tmp_path_factory.mktemp("elsewhere") / library.name)
    monkeypatch.setattr(digests, "LIBRARY", copy / "batchlab")
    monkeypatch.setattr(digests, "_parse", None)
    assert of(copy) == before


@pytest.mark.parametrize("how", ["from . import shared", "from .shared import helper", "from batchlab import shared"])
def test_a_helper_imported_inside_a_function_counts(library: Path, how: str) -> None:
    (library / "batchlab/one.py").write_text(f"def later():\n    if True:\n        {how}\n")
    before = of(library)
    (library / "batchlab/shared.py").write_text("def helper(x):\n    return x + 3\n")
    assert of(library) != before


def test_environment_holds_only_imported_packages(library: Path) -> None:
    assert digest({"numpy": locked_versions()["numpy"]}) == environment_digest(library / "script.py")


def test_tables_do_not_depend_on_tensorflow_nor_figures_on_scipy_alone() -> None:
    for script in ("tabulate_study.py", "judge_claims.py", "draw_figure.py", "write_report.py"):
        files = digests._closure(PROJECT / "scripts" / script, ())
        imported = {name for path in files for name in digests._parsed(path)[2]}
        assert not imported & {"tensorflow", "keras"}, script


def test_the_second_core_is_in_no_digest_of_an_environment() -> None:
    script = PROJECT / "scripts/train_segment.py"
    imported = {name for path in digests._closure(script, ()) for name in digests._parsed(path)[2]}
    assert {"jax", "tensorflow"} <= imported
    locked, other = locked_versions(), locked_versions(PROJECT / "envs/lock-jax.txt")
    assert {"jax", "jaxlib"} <= other.keys() and not {"jax", "jaxlib"} & locked.keys()
    # Installed beside the first lock, the second changes none of its versions.
    shared = other.keys() & locked.keys()
    assert "numpy" in shared
    assert {name: other[name] for name in shared} == {name: locked[name] for name in shared}


def test_conda_files_agree_with_the_lock() -> None:
    for stage in STAGES:
        assert (PROJECT / "envs" / f"{stage}.yaml").read_text() == conda_file(stage)


def test_lock_has_no_addresses() -> None:
    for lock in PROJECT.glob("envs/*"):
        assert "http" not in lock.read_text(), lock
