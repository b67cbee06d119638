"""Build the tables of one study from its segments and probes."""

from batchlab.records.job import job
from batchlab.records.provenance import together
from batchlab.tables.csv_files import write_tables
from batchlab.tables.study import study_tables

with job(snakemake, folder=True) as this:
    tables = study_tables(this.spec)
    write_tables(this.output["tables"], tables, this.spec["tables"])
    this.facts["made_from"] = together([*this.input["data"], *this.input["files"]])
    this.facts["rows"] = {name: len(tables[name]) for name in this.spec["tables"]}
