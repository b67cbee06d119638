"""Write Vega's scripts once for all interactive figures of a campaign."""

from batchlab.charts.export import javascript
from batchlab.files import write_text
from batchlab.records.job import job

with job(snakemake) as this:
    write_text(this.output["bundle"], javascript())
