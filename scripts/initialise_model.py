"""Initial weights of every seed, and their loss and accuracy: epoch 0."""

from batchlab.records.job import job
from batchlab.training import backend, resident, state
from batchlab.training.segment import initialise
from batchlab.training.tables import write_table

with job(snakemake) as this:
    this.facts |= backend.configure(this.spec["precision"])
    segment = initialise(this.spec, resident.read(this.input["data"]))
    this.facts |= segment.facts
    state.write(this.output["state"], segment.snapshot)
    for name, table in segment.tables.items():
        write_table(this.output[name], table)
