"""Which files go into a crate, and what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.files import sha256_of
from batchlab.verification.agreement import Artefact, Evidence, examine

# The workflow: what must be there to run it anew.
_WORKFLOW = (
    *("Snakefile", "Makefile", "README.md", "LICENSE", "CITATION.cff"),
    *("rules", "scripts", "config", "envs", "profiles", "docs"),
)
_MEDIA_TYPES = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".html": "text/html",
    ".js": "text/javascript",
    ".pdf": "application/pdf",
    ".json": "application/json",
    ".md": "text/markdown",
    ".npz": "application/zip",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
# Snapshots and measurements are too large for an archive, and follow from what is in it.
LEFT_OUT = ("check", "segments", "probes")


def media_type(path: str) -> str:
    """Return the media type of a file by its ending; what has none of the known ones here is text."""
    return _MEDIA_TYPES.get(Path(path).suffix, "text/plain")


def workflow_files(config: Mapping[str, Any]) -> list[str]:
    """Return the files of the workflow, and those of the user that the campaign names, relative to the project."""
    named = [
        entry["file"] for table in ("datasets", "models") for entry in config.get(table, {}).values() if "file" in entry
    ]
    found = [path for name in (*_WORKFLOW, *named) for path in _files(Path(name))]
    return sorted({path.as_posix() for path in found if not path.is_absolute() and ".." not in path.parts})


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        hidden = (each for each in path.rglob("*") if each.is_file())
        yield from (each for each in hidden if "__pycache__" not in each.parts and not each.name.startswith("."))
    elif path.is_file():
        yield path


def intact(artefacts: Iterable[Artefact], campaign: str) -> list[Evidence]:
    """Return what is there of a campaign, if all that a crate holds is there and agrees with its records.

    Raises:
        BatchlabError: Something is missing, or is not what its record says.
    """
    found = [examine(artefact, sha256_of) for artefact in artefacts]
    for evidence in found:
        if evidence.absent and evidence.artefact.kind not in (*LEFT_OUT, "data"):
            raise BatchlabError(f"{evidence.artefact.name}: is missing; run the campaign {campaign} first")
        if evidence.differences:
            raise BatchlabError(f"{evidence.differences[0]} (`verify` lists everything that differs)")
    return [evidence for evidence in found if not evidence.absent]
