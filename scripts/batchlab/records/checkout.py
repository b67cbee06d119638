"""Reruns in a fresh checkout: results that came with it, such as `results/paper`, are made anew only where they must.

Snakemake remembers the parameters of a job in its own folder `.snakemake` and judges files by their times. Results that
came with a checkout, or were copied from another machine, are not in its memory, and their file times mean nothing: a
changed parameter would rerun nothing, and an unchanged one anything. The records beside the results know both. So each
table, figure and page has one more input, its settings file, whose time says whether the result agrees with it; data,
segments and probes get one where they were made elsewhere by other code; and file times are put in order once.

What this module remembers lies in `.snakemake` too, so that it knows exactly what Snakemake knows.
Standard library only, because the Snakefile imports this module at parse time.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from batchlab.files import sha256_of, write_text
from batchlab.records.digests import canonical
from batchlab.records.provenance import MEMORY, checkout_name, fingerprinted, read, record_path


def settings_file(path: str, artefact: str, settings: Mapping[str, Any]) -> str:
    """Write the settings planned for an artefact where they changed, and return `path`.

    The file is as old as can be if the artefact's record says that it was made with these settings, and new otherwise:
    then Snakemake takes the artefact for outdated. So it does with an artefact that has no record.

    Args:
        path: Where the settings file is.
        artefact: First output of the step.
        settings: `code` and `environment` (digests), `spec` (the step's settings) unless the artefact's path says it,
            and, of a study's tables, `made_from` (the digests of the steps before).
    """
    file, planned = Path(path), dict(settings)
    there = Path(artefact).exists()
    record = _read(record_path(artefact)) if there else {}
    if there and not record:
        planned["record"] = None  # another text, because Snakemake compares the content of what it knows
    text = canonical(planned) + "\n"
    changed = not file.is_file() or file.read_text(encoding="utf-8") != text
    if changed:
        write_text(file, text)
    # A file that came with the checkout has a time that means nothing.
    if changed or (there and _elsewhere(record)):
        os.utime(file, (0, 0) if _agrees(record, planned) else None)
    return path


def settings_of_shared(artefact: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the settings file of data, a segment or a probe, if it needs one.

    Snakemake knows with which code it made a result here. One that was made elsewhere by other code gets a settings
    file; it remains an input then, because a step whose inputs have changed runs again.

    Args:
        artefact: First output of the step; its path identifies its settings.
        settings: `code` and `environment` (digests).
    """
    file = MEMORY / "settings" / f"{artefact}.json"
    if Path(artefact).exists():
        record = _read(record_path(artefact))
        if file.exists() or (_elsewhere(record) and not _agrees(record, settings)):
            settings_file(str(file), artefact, settings)
    return [str(file)] if file.exists() else []


def _elsewhere(record: Mapping[str, Any]) -> bool:
    """Return whether an artefact was made in another checkout, or nobody knows where."""
    return record.get("checkout") != checkout_name()


def _agrees(record: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Return whether a record holds these settings, and perhaps more."""
    return all(
        _agrees(record.get(key) or {}, value) if key == "made_from" else canonical(record.get(key)) == canonical(value)
        for key, value in settings.items()
    )


def _read(path: Path) -> dict[str, Any]:
    """Return a record, or nothing where there is none or a damaged one: then its artefact is of unknown origin."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def order_file_times(campaign: str | Path) -> None:
    """Give results that came with a checkout, or were copied, the order in time in which they were made.

    It is done once for each campaign. Each file gets a time later than those of the files that it was made from, as its
    record names them. A file that is not the one in its record, such as a table edited by hand, keeps its time, so that
    what is made from it is made anew. Times that are in order already are left alone.

    Args:
        campaign: Folder of the campaign's results; those that campaigns share lie beside it.
    """
    folder = Path(campaign)
    seen = MEMORY / "campaigns" / folder.name
    if seen.exists() or not (paths := sorted(folder.rglob("*.provenance.json"))):
        return
    for shared in ("data", "segments", "probes"):
        paths += sorted((folder.parent / shared).rglob("*.provenance.json"))
    records = []
    for path in paths:
        with contextlib.suppress(ValueError):  # what a damaged record describes is made anew
            records.append(read(path))
    sources = {
        output: [source for source, _ in fingerprinted(record["inputs"])]
        for record in records
        for output, _ in fingerprinted(record["outputs"])
    }

    made = [each for record in records for each in fingerprinted(record["outputs"]) if Path(each[0]).is_file()]
    times = {path: Path(path).stat().st_mtime for path, _ in made}
    if any(times.get(source, 0) > times[output] for output in times for source in sources[output]):
        order: list[str] = []
        with contextlib.suppress(CycleError):  # records that contradict each other say nothing about times
            order += TopologicalSorter(sources).static_order()
        rank = {path: number for number, path in enumerate(order)}
        start = min(times.values()) - len(order)
        for output, recorded in made:
            if output in rank and sha256_of(output) == recorded:
                os.utime(output, (start, start + rank[output]))
    write_text(seen, "")
