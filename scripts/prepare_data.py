"""Prepare one data set: fetch, check and split it, and write it as one file."""

from pathlib import Path

from batchlab.records.job import job
from batchlab.sources.prepare import prepare, write

with job(snakemake) as this:
    target = Path(this.output["data"])
    # Downloads are shared by all splits of a data set, so they lie beside the folders of the prepared files.
    prepared = prepare(this.spec, downloads=target.parent.parent / "downloads")
    write(target, prepared)
    this.facts["data"] = prepared.facts
