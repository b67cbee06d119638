"""Write the campaign's report page from its figures and tables."""

from batchlab.files import write_text
from batchlab.records.job import job
from batchlab.report import claims_page, render

with job(snakemake) as this:
    write_text(this.output["page"], render(this.spec, this.output["page"]))
    write_text(this.output["claims"], claims_page(this.spec))
