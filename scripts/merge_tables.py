"""Concatenate the tables of all studies, each output from the inputs of the same name."""

from batchlab.records.job import job
from batchlab.tables.csv_files import merge_tables

with job(snakemake) as this:
    for name, target in this.output.items():
        sources = this.input[name]
        merge_tables(target, [sources] if isinstance(sources, str) else sources)
