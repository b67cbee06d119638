"""A contributor adds a format and a published set: two new places, and nothing else has to know."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batchlab.paths import LIBRARY

DECLARATION = """
from batchlab.declarations.options import Choice
from batchlab.declarations.source import FileShape, Format


def inspect(path, options):
    rows = path.read_text().split()
    return FileShape(len(rows), None, (1,), len({row[-1] for row in rows}))


FORMAT = Format(
    summary="words of a number and a letter",
    suffixes=(".words",),
    options=(Choice("sign", "sign of the numbers", "plus", words=("plus", "minus")),),
    inspect=inspect,
)
"""
READER = """
import numpy as np
from batchlab.sources.contents import Contents


def read(paths, options):
    rows = paths[0].read_text().split()
    sign = {"plus": 1, "minus": -1}[options["sign"]]
    x = np.array([[sign * float(row[:-1])] for row in rows])
    return Contents((x, np.array(["ab".index(row[-1]) for row in rows])), class_names=("a", "b"))
"""
PUBLISHED = """
from batchlab.declarations.source import Published, RemoteFile

SOURCE = Published(
    title="Toy", input_shape=(1,), classes=2, examples_train=20, examples_test=0, scale=2, validation=5, test=5,
    layout="words", files=(RemoteFile("toy.words", archive_sha256="SHA256"),), mirrors=(), licence="none", citation="",
)
"""
WORDS = " ".join(f"{number}{'ab'[number % 2]}" for number in range(20))

# Prints what planning says of a data set, and the prepared training examples.
PROGRAM = """
import json, sys
from pathlib import Path
from batchlab.sources.prepare import prepare
from batchlab.sources.settings import resolve
found = resolve(json.loads(sys.argv[1]))
made = prepare({**json.loads(json.dumps(found.spec)), **found.source}, Path("downloads"))
loaded = [name.split(".") for name in sys.modules if name.startswith("batchlab.sources.formats.")]
readers = sorted(parts[3] for parts in loaded if parts[-1] == "read")
x = made.arrays["x_train"].ravel().tolist()
print(json.dumps([found.identity, found.spec, found.modules, x, float(made.arrays["scale"]), made.facts, readers]))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(LIBRARY, tmp_path / "scripts/batchlab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(LIBRARY.parent / "prepare_data.py", tmp_path / "scripts")
    (tmp_path / "mine.words").write_text(WORDS)
    return tmp_path


def ask(project: Path, program: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(project / "scripts")},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def add(project: Path) -> None:
    sources = project / "scripts/batchlab/sources"
    (sources / "formats/words").mkdir()
    (sources / "formats/words/declaration.py").write_text(DECLARATION)
    (sources / "formats/words/read.py").write_text(READER)
    (sources / "published/toy.words").write_text(WORDS)
    digest = hashlib.sha256(WORDS.encode()).hexdigest()
    (sources / "published/toy.py").write_text(PUBLISHED.replace("SHA256", digest))


def test_an_added_format_and_an_added_set_work_and_change_no_other(project: Path) -> None:
    before = ask(project, PROGRAM, '{"name": "digits", "validation": 97}')
    add(project)
    assert ask(project, PROGRAM, '{"name": "digits", "validation": 97}') == before
    assert before[-1] == ["optdigits"]  # the job loads the reader of its own format alone

    identity, spec, modules, x, scale, facts, readers = ask(project, PROGRAM, '{"file": "mine.words"}')
    assert (identity["format"], spec["options"], scale, readers) == ("words", {}, 1.0, ["words"])
    assert modules == ["batchlab.sources.formats.words.read"]
    assert (len(x), facts["class_names"], facts["examples"]) == (
        14,
        ["a", "b"],
        {"train": 14, "validation": 2, "test": 4},
    )
    # The default of an option is part of neither identity nor spec; another value is part of both.
    assert ask(project, PROGRAM, '{"file": "mine.words", "sign": "plus"}')[:2] == [identity, spec]
    minus = ask(project, PROGRAM, '{"file": "mine.words", "sign": "minus"}')
    assert minus[0] == {**identity, "sign": "minus"}
    assert minus[3] == [-value for value in x]

    *_, x, scale, facts, _ = ask(project, PROGRAM, '{"name": "toy"}')
    assert (len(x), scale, facts["title"]) == (10, 2.0, "Toy")


def test_messages_and_the_manual_name_what_was_added(project: Path) -> None:
    add(project)
    program = """
import json
from batchlab.errors import BatchlabError
from batchlab.pages.data_sets import formats_table, keys_table, published_table
from batchlab.sources.settings import resolve
said = []
unusual = {"file": "mine.words", "sign": "minsu"}
for dataset in ({}, {"name": "tyo"}, {"file": "mine.word"}, unusual, {"name": "toy", "sign": 1}):
    try:
        resolve(dataset)
    except BatchlabError as problem:
        said.append(str(problem))
print(json.dumps([said, published_table() + formats_table() + keys_table()]))
"""
    said, manual = ask(project, program)
    assert re.search(r"allowed names: .*\btoy\b.*; allowed files: .*\.words\b", said[0])
    assert "unknown name 'tyo'; did you mean 'toy'?" in said[1]
    assert re.search(r"allowed: a path that ends in .*\.words\b", said[2])
    assert "sign = 'minsu' is not possible; allowed: plus, minus" in said[3]
    assert "unknown key 'sign'; allowed: examples, name, split_seed, standardise, test, validation" in said[4]
    assert "| `sign` | .words | sign of the numbers: `plus`, `minus` | `plus` |" in manual
    assert "| `toy` | 1 | 2 | 20 in one pool | 10 / 5 / 5 | none |" in manual


DIGESTS = """
import json
from batchlab.declarations import find
from batchlab.paths import SCRIPTS
from batchlab.records.digests import code_digest
readers = {name: f"batchlab.sources.formats.{name}.read" for name in find.formats()}
print(json.dumps({name: code_digest(SCRIPTS / "prepare_data.py", (reader,)) for name, reader in readers.items()}))
"""


def test_what_is_added_or_edited_changes_the_code_of_its_own_jobs_only(project: Path) -> None:
    before = ask(project, DIGESTS)
    assert len(set(before.values())) == len(before)  # each format has code of its own
    add(project)
    after = ask(project, DIGESTS)
    assert {name: after[name] for name in before} == before

    def changed(file: str, old: str, new: str) -> list[str]:
        path = project / "scripts/batchlab/sources" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        found = ask(project, DIGESTS)
        path.write_text(text)
        return sorted(name for name in found if found[name] != after[name])

    assert changed("formats/csv/read.py", "np.float64", "np.float32") == ["csv", "jsonl"]
    assert changed("formats/csv/text.py", "strict=True", "strict=False") == ["csv"]
    assert changed("formats/idx/read.py", '"big"', '"little"') == ["idx"]
    assert changed("prepare.py", "(np.arange(len(members)) + 0.5)", "np.arange(len(members))") == sorted(after)
    # What a declaration adds to the numbers is in the settings of the job.
    assert changed("published/mnist.py", "scale=255", "scale=1") == []
    assert changed("published/mnist.py", "http://yann.lecun.com/exdb/mnist/", "https://example.org/") == []
    assert changed("formats/csv/declaration.py", '(".csv", ', '(".table", ') == []
    assert changed("settings.py", "is not understood", "is not known") == []
