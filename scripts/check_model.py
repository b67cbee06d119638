"""Try a user's model on the data set before anything is trained with it."""

from batchlab.files import write_json
from batchlab.models.trial import try_model
from batchlab.records.job import job
from batchlab.training import backend, resident

with job(snakemake) as this:
    this.facts |= backend.configure(this.spec["precision"])
    write_json(this.output["findings"], try_model(this.spec["model"], resident.read(this.input["data"])))
