"""The rooms of the library: their picture, who may import whom, and the links of the pages about them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from batchlab.errors import BatchlabError
from batchlab.pages import architecture
from batchlab.paths import LIBRARY, PROJECT, SCRIPTS

# Files with these names play one part in each folder of things that can be added.
ROLES = {
    "__init__",
    "__main__",
    "declaration",
    "measure",
    "data",
    "draw",
    "derive",
    "read",
    "objective",
    "constant",
    "child",
}
# Rooms whose files are things that can be added, named by those who add them.
THINGS = {("models",), ("hyperparameters",), ("schedules",), ("sources", "published")}
HEAVY = ("numpy", "pandas", "scipy", "pyarrow", "keras", "tensorflow", "jax", "altair")


def test_rooms_do_not_import_each_other_in_a_circle() -> None:
    order = architecture.layers(architecture.rooms())
    assert set(order) == set(architecture.rooms())


def test_few_modules_stand_at_the_top() -> None:
    assert {path.stem for path in LIBRARY.glob("*.py")} <= {"__init__", "errors", "files", "paths", "source_text"}


def test_no_two_modules_have_the_same_name() -> None:
    places = defaultdict(list)
    for room in architecture.rooms():
        places[room].append(room)
    for name in architecture.modules():
        if len(name) > 1 and name[-1] not in ROLES and name[:-1] not in THINGS:
            places[name[-1]].append(".".join(name))
    # Folders of things that can be added may be called as those who add them like.
    modules = {name for name, path in architecture.modules().items() if path.name != "__init__.py"}
    twins = {
        name: found
        for name, found in places.items()
        if len(found) > 1 and any(tuple(place.split(".")) in modules for place in found)
    }
    assert twins == {}


def test_no_module_hides_one_of_the_standard_library() -> None:
    names = {name[-1] for name, path in architecture.modules().items() if name and path.name != "__init__.py"}
    assert names & sys.stdlib_module_names == set()


def test_planning_imports_the_standard_library_only(tmp_path: Path) -> None:
    # Everything that parsing the Snakefile does, with each declaration read.
    code = f"""
import json, os, sys
import yaml
from batchlab.declarations import find
from batchlab.planning.lookup import open_campaign
config = yaml.safe_load(open({str(PROJECT / "config/quick.yaml")!r}))
campaign = open_campaign(config, [], {{}}, dict(os.environ), lambda path: path, "9.27.1")
assert len(list(campaign.jobs)) > 100
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) & set(HEAVY) == set()
    assert list(tmp_path.iterdir()) == []  # parsing writes nothing


# The picture is right: small libraries whose imports are known


def _library(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "library" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "library"


def test_every_way_to_import_is_an_arrow(tmp_path: Path) -> None:
    library = _library(
        tmp_path,
        {
            "__init__.py": "import library.d",
            "a/__init__.py": "",
            "a/one.py": "from library.b import two\nfrom ..c import three\nimport os, numpy",
            "b/two.py": "import library.d\nfrom library.b import three",
            "c/three.py": "def late():\n    from library import d\n    from . import four",
            "c/deep/four.py": "from ...b.two import name\nfrom library.things.one.declaration import THING",
            "things/one/declaration.py": "from library.declarations import kinds",
            "things/one/measure.py": "import library.a.one",
            "declarations/kinds.py": "",
            "d.py": "from elsewhere.b import two",
        },
    )
    assert architecture.rooms(library) == {
        "a": {"b", "c"},
        "b": {"d"},
        "c": {"b", "d", "declarations"},
        "d": frozenset(),
        "declarations": frozenset(),
        "things": {"a", "declarations"},
    }


def test_arrows_that_follow_from_others_are_left_out() -> None:
    graph = {
        "a": frozenset("bcd"),
        "b": frozenset("cd"),
        "c": frozenset("d"),
        "d": frozenset(),
        "e": frozenset("d"),
    }
    assert architecture.reduced(graph) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": frozenset(), "e": {"d"}}


def test_a_circle_is_named(tmp_path: Path) -> None:
    graph = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("a"), "d": frozenset("a")}
    with pytest.raises(BatchlabError, match=r"circle: (a → b → c → a|b → c → a → b|c → a → b → c);"):
        architecture.layers(graph)


# What the pages say of files and functions is true


PAGES = [
    *("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/decisions.md", "docs/provenance.md"),
    *("docs/gpu.md", "docs/own-data.md", "docs/benchmarks.md"),
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_names_in_them(page: str) -> None:
    """A link to a file exists; a name in backticks after a link to a Python file is defined in that file."""
    text = (PROJECT / page).read_text(encoding="utf-8")
    for target, name in re.findall(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)(?: `([A-Za-z_.]+)`)?", text):
        path = (PROJECT / page).parent / target
        assert path.exists(), f"{page} links to {target}, which does not exist"
        if path.suffix == ".py" and name:
            assert name in defined(path), f"{page} names {name} of {target}, which does not define it"


def defined(path: Path) -> set[str]:
    """Return the names of a module's functions, classes, methods and constants."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            found |= {f"{node.name}.{part.name}" for part in getattr(node, "body", ()) if hasattr(part, "name")}
    return found


def test_no_text_holds_the_marks_of_a_merge() -> None:
    marks = tuple(sign * 7 + " " for sign in "<>")
    rooms = ("config", "docs", "envs", "profiles", "rules", "scripts", "tests")
    files = [*PROJECT.glob("*"), *(file for room in rooms for file in (PROJECT / room).rglob("*"))]
    texts = [file for file in files if file.suffix in {".md", ".py", ".yaml", ".smk", ".toml", ".txt", ".rst"}]
    assert len(texts) > 100
    assert [file for file in texts if any(line.startswith(marks) for line in file.read_text().splitlines())] == []
