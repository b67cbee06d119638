"""What must be the same when a campaign is computed again: all results but measured times."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

# Records and settings files hold times, hosts and commits; a checkpoint's and a lock's presence is not a result.
NOT_RESULTS = ("settings", "checkpoints", "downloads")


def results(project: Path) -> dict[str, bytes]:
    """Return path → content of each result; measured seconds are taken out."""
    found = {}
    for path in sorted((project / "results").rglob("*")):
        name = path.relative_to(project).as_posix()
        if path.is_file() and not name.endswith("provenance.json") and not set(path.parts) & set(NOT_RESULTS):
            found[name] = _CLEANED.get(path.suffix, bytes)(path.read_bytes())
    return found


def arrays_without_seconds(content: bytes) -> bytes:
    """Return the arrays of a snapshot without the seconds that training took."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        kept = {name: file[name] for name in sorted(file.files) if not name.endswith("seconds")}
    return b"".join(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes() for name, array in kept.items())


def without_seconds(content: bytes) -> bytes:
    """Return a table without its columns and rows of measured seconds; a table without such is left as it is."""
    table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    measured = [column for column in table.columns if "seconds" in column]
    rows = table["metric"].str.contains("seconds") if "metric" in table else pd.Series(False, index=table.index)
    if not measured and not rows.any():
        return content
    return table[~rows].drop(columns=measured).to_csv(index=False).encode()


def page_without_seconds(content: bytes) -> bytes:
    """Return the report without what it says of the time that jobs took."""
    return re.sub(rb"<dd data-measured>.*?</dd>", b"", content, flags=re.DOTALL)


_CLEANED = {".csv": without_seconds, ".npz": arrays_without_seconds, ".html": page_without_seconds}
