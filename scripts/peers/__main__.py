"""`python -m peers CAMPAIGNS … -- SNAKEMAKE …`: what each peer chooses, trained by the same core; see `make peers`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from batchlab.configuration.faults import for_the_terminal
from batchlab.errors import BatchlabError
from batchlab.files import write_json, write_text
from batchlab.report.foresight import as_csv, provenance
from peers import trial
from peers.asked import asked, cells_of
from peers.choosing import RESULTS, STAMP, choices
from peers.table import rows


def main(paths: Sequence[str], command: Sequence[str]) -> int:
    """Return 0, or the exit code of Snakemake if it failed; the table is written at the end."""
    if not STAMP.exists():
        print("Lightning and KerasTuner are not installed; the table says so in their rows")
    table: list[dict[str, Any]] = []
    made: dict[str, Any] = {}
    for path in paths:
        workload = asked(path)
        taken = list(choices(workload))
        arms = trial.settings(workload, taken)
        file, folder = trial.write(workload, arms), Path(f"results/peers_{workload.name}")
        cells = folder / f"derived/{trial.STUDY}/cells.csv"
        code = subprocess.run([command[0], str(cells), *command[1:], "--configfile", str(file)]).returncode
        if code:
            return code
        table += rows(workload.name, taken, arms, cells_of(folder, trial.STUDY))
        made[workload.name] = provenance(Path(f"{cells}.provenance.json"))
    write_text(RESULTS / "choices.csv", as_csv(table))
    write_json(RESULTS / "provenance.json", made)
    print(f"The table is {RESULTS}/choices.csv")
    return 0


if __name__ == "__main__":
    split = sys.argv.index("--")
    try:
        sys.exit(main(sys.argv[1:split], sys.argv[split + 1 :]))
    except BatchlabError as problem:
        sys.exit(for_the_terminal(problem))
