"""From the folders of segments and probes to the tidy tables of a study; `docs/tables.md` lists their columns."""

from batchlab.tables.csv_files import merge_tables, write_csv, write_tables
from batchlab.tables.study import study_tables

__all__ = ["merge_tables", "study_tables", "write_csv", "write_tables"]
