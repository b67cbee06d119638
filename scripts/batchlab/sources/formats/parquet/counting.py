"""Counts what the footer of a Parquet file does not say, in a process of its own: planning loads no reader.

`python -m batchlab.sources.formats.parquet.counting` reads path and options as JSON, and writes the counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.paths import SCRIPTS
from batchlab.sources.keys import UncountedError

_SECONDS = 300
_WHAT = {
    "rows": "how many rows have no gap in any column",
    "features": "how many features its words become",
    "classes": "how many classes the label has",
}


def to_be_said(path: Path, options: Mapping[str, Any], known: Mapping[str, int | None]) -> BatchlabError:
    """Return the error for sizes that the footer does not say, with their values if they can be counted.

    Args:
        path: The file.
        options: Complete options of the format.
        known: Sizes by the key that says them; None for one that is to be said.
    """
    unsaid = [key for key, value in known.items() if value is None]
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps({"path": str(path), "options": {**options}}, default=list),
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPTS), *filter(None, sys.path)])},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        counted = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        counted = {}
    if "problem" in counted:
        return BatchlabError(counted["problem"])
    keys = {key: counted[key] for key in unsaid if key in counted}
    said = ", ".join(f"{key}: {value}" for key, value in keys.items()) or ", ".join(f"{key}: …" for key in unsaid)
    what = " and ".join(_WHAT[key] for key in unsaid)
    other = ", or labels: numbers to learn the numbers (regression)" if counted.get("numeric") else ""
    return UncountedError(f"{path}: its footer does not tell {what}; say {said}{other}", {} if other else keys)


def _main() -> None:
    from batchlab.sources.formats.parquet.parquet_rows import open_rows

    given = json.load(sys.stdin)
    try:
        counts: dict[str, Any] = open_rows(Path(given["path"]), given["options"]).counts
    except BatchlabError as problem:
        counts = {"problem": str(problem)}
    json.dump(counts, sys.stdout)


if __name__ == "__main__":
    _main()
