"""Looks into the folders of what can be added; nothing is registered anywhere else."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from batchlab.declarations.rule import Rule
from batchlab.declarations.schedule import Schedule
from batchlab.declarations.source import Format, Published
from batchlab.paths import LIBRARY


def _folders(place: Path) -> list[str]:
    return sorted(path.parent.name for path in place.glob("*/declaration.py"))


def _module(*parts: str) -> ModuleType:
    return importlib.import_module(".".join(("batchlab", *parts)))


@functools.cache
def declared(room: str, name: str) -> dict[str, Any]:
    """Return name → declaration of each folder in a room, such as `probes` and `PROBE`.

    Args:
        room: Folder below the library; slashes separate levels.
        name: Name of the declaration in each `declaration.py`.
    """
    parts = room.split("/")
    return {
        folder: getattr(_module(*parts, folder, "declaration"), name) for folder in _folders(LIBRARY.joinpath(*parts))
    }


@functools.cache
def declared_in_files(room: str, name: str) -> dict[str, Any]:
    """Return name → declaration of each file in a room, such as `hyperparameters` and `RULE`."""
    parts = room.split("/")
    files = sorted(path.stem for path in LIBRARY.joinpath(*parts).glob("*.py") if path.stem != "__init__")
    return {file: getattr(_module(*parts, file), name) for file in files}


def probes() -> dict[str, Any]:
    """Return the probes by name."""
    return declared("probes", "PROBE")


def charts() -> dict[str, Any]:
    """Return the kinds of charts by name."""
    return declared("charts", "CHART")


def derivations() -> dict[str, Any]:
    """Return the derivations by name."""
    return declared("tables/derivations", "DERIVATION")


def rules() -> dict[str, Rule]:
    """Return the hyperparameter rules by name."""
    return declared_in_files("hyperparameters", "RULE")


def schedules() -> dict[str, Schedule]:
    """Return the schedules of the learning rate by name."""
    return declared_in_files("schedules", "SCHEDULE")


def tasks() -> dict[str, Any]:
    """Return the tasks by name."""
    return declared("tasks", "TASK")


def published() -> dict[str, Published]:
    """Return the published data sets by name."""
    return declared_in_files("sources/published", "SOURCE")


def formats() -> dict[str, Format]:
    """Return the formats of data files by name."""
    return declared("sources/formats", "FORMAT")
