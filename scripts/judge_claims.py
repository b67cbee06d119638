"""Judge the claims of one study by its tables."""

from batchlab.claims import judge, tables_needed
from batchlab.jobs import job
from batchlab.selection import read_table
from batchlab.tables import write_csv

with job(snakemake) as this:
    tables = {name: read_table(this.input[name]) for name in tables_needed(this.spec)}
    write_csv(this.output["claims"], judge(this.spec, tables))
