"""Takes over results that came from elsewhere: `python -m batchlab.records.adopt [results/<campaign> …]`.

A checkout or a copy gives all files new times. Nothing is made anew because of that, since the records decide (see
`currency`), but every file must then be read at each start. This step gives each file that is still as recorded the
time that it had when it was recorded. A file that was edited keeps its time. It also removes markers that have done
their work, and keeps what was parsed of the library. Where nothing is to be done, nothing is read but the records.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from batchlab.files import sha256_of
from batchlab.records.currency import MARKERS, stale_markers
from batchlab.records.digests import keep_parsed
from batchlab.records.provenance import files_in, is_record, read

# Folders beside that of a campaign, whose results campaigns share.
SHARED = ("data", "segments", "probes")


def adopt(campaign: Path) -> int:
    """Give results their recorded times, and remove markers that are no longer needed.

    Args:
        campaign: Folder of the campaign's results; those that campaigns share lie beside it.

    Returns:
        Number of files that got another time.

    Raises:
        OSError: A folder may not be written.
    """
    records = list(_records(campaign))
    wanted: dict[str, tuple[str, int]] = {}  # path → SHA-256 and time in nanoseconds
    for record in records:
        ended = round(datetime.fromisoformat(record["ended"]).timestamp() * 1e9)
        wanted.update({path: (seen["sha256"], ended) for path, seen in files_in(record["outputs"])})
    for record in records:
        for path, seen in files_in(record["inputs"]):
            digest, time = wanted.get(path, ("", 0))
            if seen["sha256"] == digest:
                wanted[path] = digest, max(time, seen.get("mtime_ns", 0))
    changed = 0
    for path, (digest, time) in wanted.items():
        file = Path(path)
        if file.is_file() and file.stat().st_mtime_ns != time and sha256_of(file) == digest:
            os.utime(file, ns=(time, time))
            changed += 1
    for marker in stale_markers(MARKERS):
        marker.unlink(missing_ok=True)
    return changed


def _records(campaign: Path) -> Iterator[dict[str, Any]]:
    for folder in (campaign, *(campaign.parent / name for name in SHARED)):
        for path in sorted(folder.rglob("*provenance.json")):
            if is_record(path):
                try:
                    yield read(path)
                except (OSError, ValueError):
                    continue  # what a damaged record describes is made anew


def campaigns(results: Path = Path("results")) -> list[Path]:
    """Return the folders of all campaigns that have results."""
    return sorted(folder for folder in results.glob("*/") if folder.name not in SHARED)


def main(arguments: list[str]) -> int:
    """Adopt the campaigns whose folders are given, or all; what cannot be written does no harm."""
    folders = [Path(folder) for folder in arguments] or campaigns()
    for folder in folders:
        try:
            adopt(folder)
        except OSError as problem:
            print(f"batchlab: {problem.filename or folder}: {problem.strerror}; file times stay as they are")
            break
    keep_parsed()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
