"""Results in object storage: jobs see the paths that they have in a project.

Snakemake's storage plugins give a job copies of its files below `.snakemake/storage/…/results`. Records, checkpoints
and settings name paths below `results`. So the job works in the folder in which the copies' `results` is, and what else
the project has is linked there.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

# What a project has and a job must not find beside its copies.
_OWN = {"results", "logs"}


def home(output: str) -> Path:
    """Return the folder in which an output's `results` is: the project, unless the output is a copy."""
    parts = Path(output).parts
    return Path(*parts[: parts.index("results")]) if "results" in parts else Path()


def enter(folder: Path) -> None:
    """Make a folder the working one, with links to what the project has beside results and logs."""
    project = Path.cwd()
    folder.mkdir(parents=True, exist_ok=True)
    for entry in project.iterdir():
        if entry.name not in _OWN:
            with contextlib.suppress(FileExistsError):  # of another job
                (folder / entry.name).symlink_to(entry)
    os.chdir(folder)


def seen_from(folder: Path, path: str) -> str:
    """Return a path as it is called in a folder: that of a copy without the folder, any other as it is."""
    return str(Path(path).relative_to(folder)) if folder.parts and Path(path).is_relative_to(folder) else path
