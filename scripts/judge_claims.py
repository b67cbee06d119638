"""Judge the claims of one study by its tables."""

from batchlab.records.job import job
from batchlab.tables.claims import judge, tables_needed
from batchlab.tables.csv_files import read_tables, write_csv

with job(snakemake) as this:
    tables = read_tables(tables_needed(this.spec), this.input, this.spec["tables"])
    write_csv(this.output["claims"], judge(this.spec, tables))
