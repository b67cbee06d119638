"""One probe on one snapshot: the tables that it writes."""

from batchlab.backend import resident, runtime
from batchlab.probes.measuring import measure
from batchlab.records.job import job
from batchlab.training import state
from batchlab.training.row_files import write_table

with job(snakemake) as this:
    this.facts |= runtime.configure(this.spec["precision"])
    measurement = measure(this.spec, resident.read(this.input["data"]), state.read(this.input["state"]))
    this.facts |= measurement.facts
    for name, table in measurement.tables.items():
        write_table(this.output[name], table)
