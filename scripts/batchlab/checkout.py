"""Reruns in a fresh checkout: results that came with it, such as `results/paper`, are made anew only where they must.

Snakemake remembers the parameters of a job in its own folder `.snakemake` and judges files by their times. A checkout
has no such folder and meaningless file times: a changed parameter would rerun nothing, and an unchanged one anything.
The records beside the results know both. So each table, figure and page has one more input, its settings file, whose
time says whether the result agrees with it; and the times of results that came with a checkout are put in order once.

Standard library only, because the Snakefile imports this module at parse time.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.digests import canonical
from batchlab.files import sha256_of, write_text
from batchlab.provenance import fingerprinted, read, record_path

_SETTINGS = ("spec", "code", "environment")


def settings_file(path: str, artefact: str, settings: Mapping[str, Any]) -> str:
    """Write the settings planned for an artefact where they changed, and return `path`.

    The file is as old as can be if the artefact's record says that it was made with these settings, and new otherwise:
    then Snakemake takes the artefact for outdated.

    Args:
        path: Where the settings file is.
        artefact: First output of the step.
        settings: `spec` (the step's settings), `code` and `environment` (digests).
    """
    file, text = Path(path), canonical(dict(settings)) + "\n"
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        write_text(file, text)
        if canonical(_recorded(artefact)) + "\n" == text:
            os.utime(file, (0, 0))
    return path


def _recorded(artefact: str) -> dict[str, Any]:
    """Return the settings in an artefact's record."""
    record = _read(record_path(artefact))
    return {key: record.get(key) for key in _SETTINGS}


def _read(path: Path) -> dict[str, Any]:
    """Return a record, or nothing where there is none or a damaged one: then its artefact is of unknown origin."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def order_file_times(campaign: str | Path) -> None:
    """Give results that came with a checkout, or were copied, the order in time in which they were made.

    It is done where no settings files are yet. Each file gets a time later than those of the files that it was made
    from, as its record names them. A file that is not the one in its record, such as a table edited by hand, keeps its
    time, so that what is made from it is made anew.

    Args:
        campaign: Folder of the campaign's results; those that campaigns share lie beside it.
    """
    folder = Path(campaign)
    if (folder / "settings").exists():
        return
    folders = [folder]
    if not Path(".snakemake/metadata").exists():  # else Snakemake knows the shared ones
        folders += [folder.parent / name for name in ("data", "segments", "probes")]
    paths = sorted(path for each in folders for path in each.rglob("*.provenance.json"))
    records = []
    for path in paths:
        with contextlib.suppress(ValueError):  # what a damaged record describes is made anew
            records.append(read(path))
    sources = {
        output: [source for source, _ in fingerprinted(record["inputs"])]
        for record in records
        for output, _ in fingerprinted(record["outputs"])
    }

    @functools.cache
    def rank(path: str) -> int:
        return 1 + max((rank(source) for source in sources.get(path, ())), default=0)

    made = [each for record in records for each in fingerprinted(record["outputs"]) if Path(each[0]).is_file()]
    start = min((Path(output).stat().st_mtime for output, _ in made), default=0.0) - len(made)
    for output, recorded in made:
        if sha256_of(output) == recorded:
            os.utime(output, (start, start + rank(output)))
