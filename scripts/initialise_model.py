"""Initial weights of every seed, and their loss and accuracy: epoch 0."""

from batchlab.backend import runtime, streamed
from batchlab.records.job import job
from batchlab.training import state
from batchlab.training.current_task import task_of
from batchlab.training.row_files import write_rows
from batchlab.training.segment import initialise

with job(snakemake) as this:
    this.facts |= runtime.configure(this.spec["precision"])
    segment = initialise(this.spec, streamed.read(this.input["data"], task_of(this.spec)))
    this.facts |= segment.facts
    state.write(this.output["state"], segment.snapshot)
    for name, rows in segment.tables.items():
        write_rows(this.output[name], rows)
