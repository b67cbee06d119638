"""Make the table of one figure: every number that it shows."""

from importlib import import_module

from batchlab.charts.figure import figure_from
from batchlab.charts.planned import numbers_module
from batchlab.charts.rows import rows_of
from batchlab.records.job import job
from batchlab.tables.csv_files import read_tables, write_csv

with job(snakemake) as this:
    figure = figure_from(this.spec)
    rows = rows_of(figure, this.spec, read_tables(this.spec["tables"], this.input, this.spec["tables"]))
    data = import_module(numbers_module(this.spec["chart"])).data
    write_csv(this.output["data"], data(figure, rows))
