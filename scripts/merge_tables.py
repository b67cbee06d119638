"""Concatenate one table of all studies: of each folder among the inputs its file, and files as they are."""

from pathlib import Path

from batchlab.records.job import job
from batchlab.tables.csv_files import merge_tables

with job(snakemake) as this:
    given = this.input["merged"]
    sources = [Path(path) for path in ([given] if isinstance(given, str) else given)]
    name = f"{this.spec['table']}.csv"
    merge_tables(this.output["merged"], [path / name if path.is_dir() else path for path in sources])
