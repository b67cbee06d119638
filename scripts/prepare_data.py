"""Prepare one data set: fetch, check and split it, and write it as one file, with what was understood beside it."""

from pathlib import Path

from batchlab.files import write_json
from batchlab.records.job import job
from batchlab.sources.prepare import prepare, write
from batchlab.sources.understood import lines

with job(snakemake) as this:
    target = Path(this.output["data"])
    # Downloads are shared by all splits of a data set, so they lie beside the folders of the prepared files.
    prepared = prepare(this.spec, downloads=target.parent.parent / "downloads")
    print(lines(prepared.understood), flush=True)
    write(target, prepared)
    write_json(this.output["understood"], prepared.understood)
    this.facts["data"] = prepared.facts
