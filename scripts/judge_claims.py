"""Judge the claims of one study by its tables."""

from batchlab.records.job import job
from batchlab.tables.claims import judge, tables_needed
from batchlab.tables.csv_files import write_csv
from batchlab.tables.selection import read_table

with job(snakemake) as this:
    tables = {name: read_table(this.input[name]) for name in tables_needed(this.spec)}
    write_csv(this.output["claims"], judge(this.spec, tables))
