"""Write which batch size to take: a file for scripts and a page for people."""

from batchlab.files import write_json, write_text
from batchlab.records.job import job
from batchlab.report.advice_page import render_advice
from batchlab.report.advising import answer

with job(snakemake) as this:
    found = answer(this.spec)
    write_json(this.output["answer"], found)
    write_text(this.output["page"], render_advice(this.spec, found, this.output["page"]))
