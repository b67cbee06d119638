"""One probe on the snapshots that it reads: the tables that it writes."""

from batchlab.backend import runtime, streamed
from batchlab.probes.measuring import measure
from batchlab.records.job import job
from batchlab.training import state
from batchlab.training.current_task import task_of
from batchlab.training.row_files import write_rows

with job(snakemake, folder=True) as this:
    this.facts |= runtime.configure(this.spec["precision"])
    states = this.input["state"]
    snapshots = tuple(state.read(path) for path in ([states] if isinstance(states, str) else states))
    measurement = measure(this.spec, streamed.read(this.input["data"], task_of(this.spec)), snapshots)
    this.facts |= measurement.facts
    for name, rows in measurement.tables.items():
        write_rows(f"{this.output['tables']}/{name}.csv", rows)
