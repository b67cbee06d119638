"""What every script does around its one call: read the spec, keep a log, record provenance, report errors."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchlab import provenance
from batchlab.errors import BatchlabError
from batchlab.files import write_json


@dataclass
class Job:
    """One Snakemake job as the scripts see it.

    Attributes:
        spec: The settings of this job, exactly those that its result depends on.
        input: Named inputs; a name that holds several files is a list.
        output: Named outputs.
        threads: Number of threads the job may use.
        facts: What the script wants recorded beside the artefact (device, jit rule, timings, …).
    """

    spec: dict[str, Any]
    input: dict[str, Any]
    output: dict[str, Any]
    threads: int
    facts: dict[str, Any] = field(default_factory=dict)


def _named(items: Any) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else [str(item) for item in value] for name, value in items.items()}


@contextlib.contextmanager
def _streams_to(log: Path) -> Iterator[int]:
    """Send everything this process prints, C++ libraries included, to `log`; yield the terminal's descriptor."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    terminal, old_output = os.dup(2), os.dup(1)
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield terminal
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(old_output, 1)
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(old_output)


@contextlib.contextmanager
def job(snakemake: Any) -> Iterator[Job]:
    """Run a script's body as one job of the workflow.

    What the body prints goes to the rule's log. A `BatchlabError` becomes one line on the terminal and exit
    code 1; any other exception keeps its traceback in the log. On success a provenance record is written beside
    the outputs.

    Args:
        snakemake: The object that Snakemake gives to a `script:`; its rule has a `spec` param (JSON), perhaps a
            `source` param (settings that Snakemake does not compare), named inputs and outputs, and a log.
    """
    started = datetime.now(UTC)
    # `source` says where the user's files lie; `spec` identifies them by content.
    current = Job(
        spec={**json.loads(snakemake.params.spec), **snakemake.params.get("source", {})},
        input=_named(snakemake.input),
        output=_named(snakemake.output),
        threads=snakemake.threads,
    )
    with _streams_to(Path(snakemake.log[0])) as terminal:
        try:
            # The settings file only says when the spec changed; the record holds the spec itself.
            files = {name: value for name, value in current.input.items() if name != "settings"}
            inputs = provenance.fingerprints(files)
            yield current
            record = provenance.record(
                rule=snakemake.rule,
                params=snakemake.params,
                spec=current.spec,
                inputs=inputs,
                outputs=current.output,
                threads=current.threads,
                started=started,
                ended=datetime.now(UTC),
                facts=current.facts,
            )
            for name, remark in record["not_as_locked"].items():
                print(f"batchlab: warning: package {name}: {remark}", file=sys.stderr)
            write_json(provenance.record_path(next(iter(snakemake.output))), record)
        except BatchlabError as problem:
            message = f"batchlab: error: {problem}"
            print(message, file=sys.stderr)
            os.write(terminal, f"{message}\n".encode())
            sys.exit(1)
