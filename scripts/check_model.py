"""Try a user's model on the data set before anything is trained with it."""

from batchlab.backend import runtime, streamed
from batchlab.files import write_json
from batchlab.records.job import job
from batchlab.training.current_task import task_of
from batchlab.training.model_trial import try_model

with job(snakemake) as this:
    this.facts |= runtime.configure(this.spec["precision"])
    write_json(
        this.output["findings"], try_model(this.spec["model"], streamed.read(this.input["data"], task_of(this.spec)))
    )
