"""Initial weights of every seed, and their loss and accuracy: epoch 0."""

from batchlab.backend import resident, runtime
from batchlab.records.job import job
from batchlab.training import state
from batchlab.training.row_files import write_table
from batchlab.training.segment import initialise

with job(snakemake) as this:
    this.facts |= runtime.configure(this.spec["precision"])
    segment = initialise(this.spec, resident.read(this.input["data"]))
    this.facts |= segment.facts
    state.write(this.output["state"], segment.snapshot)
    for name, table in segment.tables.items():
        write_table(this.output[name], table)
