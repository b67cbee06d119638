"""Runs scripts of rules outside Snakemake, each in a folder of its own: `python -m batchlab.verification.rerun < jobs`.

Standard input is a JSON list of jobs. Each gives `folder`, `script`, `rule`, `input`, `output`, `params`, `threads` and
`log`, as the script would find them in the object `snakemake`. What goes wrong is written to the job's log.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class Named:
    """Named values with the access that Snakemake gives: by attribute, by `get`, by `items`, or one after the other."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values.values())

    def items(self) -> Any:
        """Return pairs of name and value."""
        return self._values.items()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of that name."""
        return self._values.get(name, default)


def run(job: Mapping[str, Any]) -> None:
    """Run one script with what its rule would give it."""
    os.chdir(job["folder"])
    given = SimpleNamespace(
        rule=job["rule"],
        input=Named(job["input"]),
        output=Named(job["output"]),
        params=Named(job["params"]),
        threads=job["threads"],
        log=[job["log"]],
    )
    try:
        runpy.run_path(job["script"], init_globals={"snakemake": given})
    except SystemExit:
        pass  # the script has reported its error
    except Exception:
        with Path(job["log"]).open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)


if __name__ == "__main__":
    for each in json.load(sys.stdin):
        run(each)
