"""Training from one snapshot to the next: the state there, and history and distances on the way."""

from pathlib import Path

from batchlab.backend import runtime, streamed
from batchlab.records.digests import digest
from batchlab.records.job import job
from batchlab.training import state
from batchlab.training.checkpoint import Checkpoint
from batchlab.training.current_task import task_of
from batchlab.training.row_files import write_rows
from batchlab.training.segment import train

with job(snakemake) as this:
    params = snakemake.params
    this.facts |= runtime.configure(this.spec["precision"])
    folder = Path(this.output["state"]).parent
    checkpoint = Checkpoint(
        Path("results/checkpoints") / f"{folder.parent.name}-{folder.name}.npz",
        # The cores keep progress of different replicas, so neither goes on where the other was killed.
        digest(this.spec, params.get("code"), params.get("env"), runtime.NAME),
    )
    segment = train(
        this.spec,
        streamed.read(this.input["data"], task_of(this.spec)),
        state.read(this.input["initial"]),
        state.read(this.input["parent"]),
        checkpoint,
    )
    this.facts |= segment.facts
    state.write(this.output["state"], segment.snapshot)
    for name, rows in segment.tables.items():
        write_rows(this.output[name], rows, segment.columns[name])
    checkpoint.remove()
