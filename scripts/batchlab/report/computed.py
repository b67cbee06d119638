"""How the results were computed: when, on what, with which code and versions, out of the records beside the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.report.wording import counted, spaced, words
from batchlab.tables.rounding import number

_SETTINGS = {
    "task": "Task",
    "models": "Models",
    "optimizers": "Optimizers",
    "batch_sizes": "Batch sizes",
    "epochs": "Epochs",
    "seeds": "Seeds",
    "precision": "Precision",
}
# What data sets hold by the targets that are learnt.
_TARGETS = {
    "classes": "classes",
    "flags": "labels of each example",
    "numbers": "target numbers of each example",
    "tokens": "different tokens",
}
_SHORT_COMMIT = 12
# The packages that do the computing; the others are folded away.
_NAMED = ("keras", "tensorflow", "tensorflow-cpu", "jax", "numpy", "snakemake")
Lines = list[tuple[str, list[str]]]


def made_from(paths: Sequence[str | Path]) -> dict[str, list[str]]:
    """Return what the records of the results say together: name → distinct values, sorted.

    Records that do not exist are skipped: results that were copied without them can still be reported.

    Args:
        paths: Records of the studies' tables; their `made_from` sums up those of segments and probes.
    """
    merged: dict[str, set[str]] = {}
    for path in paths:
        if Path(path).is_file():
            for key, values in json.loads(Path(path).read_text(encoding="utf-8")).get("made_from", {}).items():
                merged.setdefault(key, set()).update(map(str, values))
    return {key: sorted(values) for key, values in merged.items()}


def days(made: Mapping[str, Sequence[str]]) -> str:
    """Return the day, or the first and the last day, on which jobs ended; nothing if no record says so."""
    found = made.get("day", [])
    return "" if not found else found[0] if found[0] == found[-1] else f"{found[0]} to {found[-1]}"


def core_hours(made: Mapping[str, Sequence[str]]) -> float:
    """Return the core-hours of all data, training and measuring jobs, each counted once."""
    seconds = {place: float(text) for place, _, text in (each.rpartition(" ") for each in made.get("core_seconds", []))}
    return sum(seconds.values()) / 3600


def machines(made: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the machines with the device, as `x86_64 AMD EPYC Linux (CPU)`; several devices follow the machines."""
    hosts, devices = list(made.get("host", [])), [device.upper() for device in made.get("device", [])]
    if len(devices) < 2:
        return [f"{host} ({', '.join(devices)})" if devices else host for host in hosts]
    return [*hosts, f"devices: {', '.join(devices)}"]


def summary(made: Mapping[str, Sequence[str]], data: Sequence[Mapping[str, Any]]) -> Lines:
    """Return what people ask first: dates, work, machine, software, data."""
    lines: Lines = []
    if day := days(made):
        lines.append(("Computed", [day]))
    if hours := core_hours(made):
        jobs = counted(len(made["core_seconds"]), "job")
        lines.append(("Work", [f"{number(hours, 2)} core-hours in {jobs} of data, training and measuring"]))
    if found := machines(made):
        lines.append(("Machine", found))
    named = [each for each in made.get("packages", []) if each.partition(" ")[0] in _NAMED]
    if made.get("python") or named:
        lines.append(("Software", [", ".join([*(f"Python {each}" for each in made.get("python", [])), *named])]))
    parts = ("training", "validation", "test")
    for each in data:
        sizes = [f"{size:,} {part}" for size, part in zip(each["examples"], parts, strict=True) if size]
        lines.append(
            (
                f"Data: {each['data']}",
                [
                    f"{', '.join(sizes)} examples; {each['classes']} {_TARGETS[each['targets']]}",
                    *([f"Inputs: {', '.join(each['inputs'])}"] if "inputs" in each else []),
                ],
            )
        )
    return lines


def settings_of(settings: Mapping[str, Any]) -> Lines:
    """Return name → lines; a mapping of mappings has one line for each entry, without a `name` that repeats its own."""
    shown = []
    for key, value in settings.items():
        if key == "seeds" and isinstance(value, Mapping):
            lines = [f"{value['count']}, from {value['first']} on"]
        elif isinstance(value, Mapping) and any(isinstance(item, Mapping) for item in value.values()):
            lines = [_entry(name, item) for name, item in value.items()]
        else:
            lines = [words(value)]
        shown.append((_SETTINGS.get(key, spaced(key).capitalize()), lines))
    return shown


def _entry(name: str, item: Any) -> str:
    own = (
        {key: each for key, each in item.items() if (key, each) != ("name", name)}
        if isinstance(item, Mapping)
        else item
    )
    return f"{name}: {words(own)}" if own else name


def details(made: Mapping[str, Sequence[str]]) -> Lines:
    """Return what only a repetition asks for: all packages, digests, how loops were compiled."""
    compiled = {"True": "yes", "False": "no"}
    named = (
        ("Training core", made.get("backend", [])),
        ("Loops compiled by XLA", [compiled.get(each, each) for each in made.get("jit", [])]),
        ("All packages", made.get("packages", [])),
        ("Not as in the lock", made.get("not_as_locked", [])),
        ("Digests of code", made.get("code", [])),
        ("Digests of environments", made.get("environment", [])),
    )
    return [(name, [", ".join(values)]) for name, values in named if values]


def commits(made: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the commits of the code, shortened."""
    return [commit[:_SHORT_COMMIT] for commit in made.get("commit", [])]


def uncommitted(made: Mapping[str, Sequence[str]]) -> bool:
    """Return whether some job ran code with changes that no commit holds."""
    return "True" in made.get("dirty", [])
