"""One probe that measures in processes of its own, while nothing else runs: the tables that it writes."""

from batchlab.probes.apart import measure
from batchlab.records.job import job
from batchlab.training.row_files import write_rows

with job(snakemake, folder=True) as this:
    tables, facts = measure(this.spec, this.input["data"])
    this.facts |= facts
    for name, rows in tables.items():
        write_rows(f"{this.output['tables']}/{name}.csv", rows)
