"""Make one table of a study from others of its tables."""

from batchlab.records.job import job
from batchlab.tables.csv_files import read_tables, write_csv
from batchlab.tables.deriving import derived_table
from batchlab.tables.formulas import with_derived

with job(snakemake) as this:
    spec = this.spec
    read = read_tables(spec["reads"], this.input, spec["tables"])
    tables = {name: with_derived(table, spec["derived"]) for name, table in read.items()}
    made = derived_table(spec["derivation"], tables, spec["options"], spec["table"]["order"])
    write_csv(this.output["table"], made, spec["table"]["digits"])
