"""The catalogue: the studies below every campaign, one file in `config/studies/` for each group of questions."""

from __future__ import annotations

from typing import Any

from batchlab.configuration.yaml_files import parsed
from batchlab.errors import BatchlabError
from batchlab.paths import PROJECT

FOLDER = PROJECT / "config" / "studies"


def catalogue() -> dict[str, Any]:
    """Return what all files of the catalogue hold together, file by file in the order of their names.

    Raises:
        BatchlabError: For a study, a reference or another key that two files have.
    """
    together: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for key, value in parsed(path).items():
            known = together.setdefault(key, {} if isinstance(value, dict) else None)
            if isinstance(value, dict) and isinstance(known, dict):
                twice = known.keys() & value.keys()
                known.update(value)
            else:
                twice = {""} if known is not None else set()
                together[key] = value
            if twice:
                name = ".".join(filter(None, (key, min(twice))))
                raise BatchlabError(f"{path}: {name} stands in another file of {FOLDER} already; keep one of them")
    return together
