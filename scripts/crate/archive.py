"""Writes a crate as one zip file, whose bytes depend on its content alone."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rocrate.rocrate import ROCrate

from batchlab.files import atomic_path
from batchlab.verification.agreement import Artefact
from crate.contents import intact, workflow_files
from crate.description import describe

# Zip files count from here; a crate holds no time of its own.
_EPOCH = (1980, 1, 1, 0, 0, 0)
CAMPAIGN = "campaign.json"


def write(target: str, spec: Mapping[str, Any]) -> int:
    """Write the crate of a campaign.

    Args:
        target: The file; WorkflowHub knows crates by the ending `.crate.zip`.
        spec: `campaign`, `title`, `summary`; `config`, JSON text of the campaign as Snakemake read it; `jobs`, each the
            fields of an `Artefact`.

    Returns:
        Number of files in it.

    Raises:
        BatchlabError: A result is missing or not what its record says.
    """
    found = intact([Artefact(**fields) for fields in spec["jobs"]], spec["campaign"])
    with tempfile.TemporaryDirectory(prefix="batchlab-crate-") as base:
        settings = Path(base, CAMPAIGN)
        settings.write_text(spec["config"] + "\n", encoding="utf-8")
        crate: ROCrate = describe(spec, found, workflow_files(json.loads(spec["config"])), settings)
        folder = Path(base, "crate")
        crate.write(folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return len(files)
