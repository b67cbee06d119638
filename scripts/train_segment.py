"""Training from one snapshot to the next: the state there, and history and distances on the way.

The rule `train_together` runs it for several segments that differ in their learning rates alone. Each of them still has
a job of its own, which then only takes the files, without Keras.
"""

from pathlib import Path

from batchlab.records import ready
from batchlab.records.job import job

ahead = snakemake.rule == "train_together"
with job(snakemake, recorded=not ahead) as this:
    params, made = snakemake.params, None
    if not ahead:
        folder = Path(this.output["state"]).parent
        name = f"{folder.parent.name}-{folder.name}"
        made = ready.made_of(this.spec, params.get("code"), params.get("env"))
        found = ready.take(name, made, this.output)
        this.facts |= found or {}
    if ahead or not found:
        from batchlab.training.checkpoint import Checkpoint
        from batchlab.training.members import Member, train_members

        data, initial = this.input["data"], this.input["initial"]
        if ahead:
            alike = ready.planned(this.spec["members"], params.get("source", {}))
            members = [
                Member(each.spec, parent, each.outputs)
                for each, parent in zip(alike, this.input["parents"], strict=True)
            ]
            # The first names the checkpoint, which so has a place of its own.
            checkpoint = Checkpoint(ready.checkpoint_path(alike[0].name), "".join(each.made for each in alike))
            ready.note(alike, train_members(members, data, initial, checkpoint))
            Path(this.output["trained"]).touch()
        else:
            member = Member(this.spec, this.input["parent"], this.output)
            [facts] = train_members([member], data, initial, Checkpoint(ready.checkpoint_path(name), made))
            this.facts |= facts
