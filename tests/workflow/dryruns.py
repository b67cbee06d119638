"""Dry runs without starting Python each time: one process that has imported Snakemake and forks for every run.

The child is a whole run of the command `snakemake`, and nothing of it comes back but its output and exit code.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

_MESSAGES = {
    "data": r"Prepare the data set (?P<name>\S+)-\w+",
    "check": r"Try the model of (?P<name>\S+)-\w+",
    "initialise": r"Draw the initial weights (?P<name>\S+)-\w+, seeds (?P<seeds>\S+)",
    "train": r"Train (?P<name>\S+)-\w+, seeds (?P<seeds>\S+)",
    "together": r"Train \S+ and others like it, seeds \S+",
    "measure": r"Measure (?P<study>[a-z_]+) at (?P<name>\S+)-\w+, seeds (?P<seeds>\S+)",
    "tables": r"Tabulate the study (?P<name>\w+)",
    "derived": r"Derive (?P<study>\w+): (?P<name>\w+)",
    "claims": r"Judge the claims of (?P<name>\w+)",
    "joined": r"Join the studies' tables: (?P<name>\w+)",
    "shown": r"Compute what (?P<study>\w+): (?P<name>\w+) shows",
    "figures": r"Draw (?P<study>\w+): (?P<name>\w+)",
    "bundle": r"Write the scripts of the interactive figures",
    "report": r"Write the report of the campaign",
    "all": r"The campaign is complete",
    "outdated": r"Outdated: \S+",
}


def jobs_of(output: str) -> dict[str, Any]:
    """Return the jobs of a dry run by kind, in the form of `batchlab.pages.reruns.expected`, with names for numbers."""
    jobs: dict[str, Any] = {}
    seeds: set[str] = set()
    texts = re.findall(r"^Job \d+: (.*)$", output, re.M)
    for text in texts:
        kind, match = next((kind, m) for kind, pattern in _MESSAGES.items() if (m := re.fullmatch(pattern, text)))
        named = match.groupdict()
        seeds |= {named["seeds"]} if "seeds" in named else set()
        if "study" in named:
            jobs.setdefault(kind, {}).setdefault(named["study"], []).append(named["name"])
        else:
            jobs.setdefault(kind, []).append(named.get("name", kind))
    total = re.search(r"^total +(\d+)$", output, re.M)
    assert len(texts) == (int(total[1]) if total else 0), output
    for help_only in ("all", "outdated", "together"):
        jobs.pop(help_only, None)
    for single in {"bundle", "report"} & jobs.keys():
        jobs[single] = len(jobs[single]) == 1
    if seeds - {"0-1"}:
        jobs["seeds"] = sorted(seeds)
    return jobs


class DryRuns:
    """The process that forks, seen from the tests."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, folder: Path, arguments: Iterable[str]) -> tuple[int, str]:
        """Return exit code and output of `snakemake --dry-run` in a folder."""
        assert self.process.stdin and self.process.stdout
        print(json.dumps([str(folder), list(arguments)]), file=self.process.stdin, flush=True)
        code, output = json.loads(self.process.stdout.readline())
        return code, output

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def _serve() -> None:
    # What Snakemake and the Snakefile import only when they need it: a third of a dry run, once instead of each time.
    import jsonschema  # noqa: F401
    import pandas  # noqa: F401
    import smart_open  # noqa: F401

    command = next(iter(entry_points(group="console_scripts", name="snakemake"))).load()
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        command(["--version"])  # which imports all plugins
    gc.freeze()  # or the first collection of each child would copy all memory
    for line in sys.stdin:
        folder, arguments = json.loads(line)
        with tempfile.TemporaryFile("w+") as file:
            child = os.fork()
            if child == 0:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
                os.chdir(folder)
                code = 1
                try:
                    command(arguments)
                except SystemExit as end:
                    code = end.code if isinstance(end.code, int) else 1
                    if isinstance(end.code, str):
                        print(end.code)
                except BaseException:  # Python itself would tell, but for os._exit
                    traceback.print_exc()
                finally:
                    sys.stdout.flush()
                    sys.stderr.flush()
                    os._exit(code)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            file.seek(0)
            print(json.dumps([code, file.read()]), flush=True)


if __name__ == "__main__":
    _serve()
