"""The container: what makes it the same image for everybody, and the environment that the lock describes."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# Continued lines are one; comments are none.
TEXT = re.sub(r"^#.*\n", "", (PROJECT / "Containerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
LINES = [line.split(maxsplit=1) for line in TEXT.splitlines() if line.strip()]


def told(instruction: str) -> list[str]:
    return [rest for name, rest in LINES if name == instruction]


def test_the_base_is_pinned_by_version_and_content() -> None:
    [base] = told("ARG")
    assert re.fullmatch(r"BASE=docker\.io/library/debian:12\.\d+-slim@sha256:[0-9a-f]{64}", base)
    assert told("FROM") == ["${BASE}"]


def test_all_packages_are_one_layer_and_those_of_the_lock() -> None:
    [layer] = told("RUN")
    [(source, target)] = [line.split() for line in told("COPY")]
    assert source == "envs/lock.txt"
    steps = [" ".join(step.split()) for step in layer.split("&&")]
    [install] = [step for step in steps if "pip install" in step]
    assert "--require-hashes" in install and install.endswith(f"--requirement {target}")
    assert "--no-cache-dir" in install and "rm -rf /var/lib/apt/lists/*" in steps
    # Nothing else reaches the builder, whatever lies in the folder.
    assert (PROJECT / ".containerignore").read_text().split() == ["*", f"!{source}"]


def test_nothing_runs_as_root() -> None:
    [user] = told("USER")
    assert user not in ("root", "0") and f"useradd --create-home {user}" in told("RUN")[0]
    names = [name for name, _ in LINES]
    assert names.index("USER") > names.index("RUN")


def test_every_script_names_the_image() -> None:
    for path in (PROJECT / "rules").glob("*.smk"):
        text = path.read_text()
        assert text.count("    container:\n        IMAGE\n") == text.count("    script:\n"), path.name
