"""Jobs, times and sizes in words."""

from __future__ import annotations

from collections import defaultdict

from batchlab.planning.jobs import Job
from batchlab.planning.parts import Plan

# Kinds of jobs that count as part of another stage.
_PART_OF = {"check": "training", "segments": "training", "claims": "tables", "drawn": "figures"}


def stage(job: Job) -> str:
    """Return the stage of a run that a job belongs to: data, training, probes, tables, figures or report."""
    return _PART_OF.get(job.kind, job.kind)


def duration(seconds: float) -> str:
    """Return seconds in words: `7 s`, `3 min 20 s`, `4 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(megabytes: float) -> str:
    """Return megabytes in words: `12 MB`, `3.4 GB`."""
    return f"{max(1, round(megabytes))} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def seeds_in_words(job: Job) -> str:
    """Return the seeds of a job: `, seeds 0–7`, or nothing."""
    seeds = job.spec.get("seeds")
    if not seeds or "block" not in job.wildcards:
        return ""
    return f", seed {seeds[0]}" if len(seeds) == 1 else f", seeds {seeds[0]}–{seeds[-1]}"


class Words:
    """Names jobs by study and arm, not by digests.

    Args:
        plan: The plan of the campaign.
    """

    def __init__(self, plan: Plan) -> None:
        self._segments: defaultdict[str, dict[str, str]] = defaultdict(dict)  # segment → study → arm's label
        self._probes: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._data = {}
        for name, study in plan.studies.items():
            for arm in study.arms:
                for segment in arm.chain:
                    self._segments[segment.name].setdefault(name, arm.recipe.label)
                    self._data[segment.name] = f"{arm.recipe.model} on {arm.recipe.dataset}"
            for arm, epoch, probe in study.probes:
                where = "the end" if epoch is None else f"epoch {epoch}"
                self._probes[probe.name].setdefault(name, f"{arm.recipe.label} at {where}")

    def _of(self, found: dict[str, str]) -> str:
        """Return study and arm of the first study that needs a job, and how many others do."""
        study, arm = next(iter(found.items()))
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return f"{study}{more}: {arm}"

    def study(self, job: Job) -> str:
        """Return the first study that needs a job; nothing for one that belongs to the campaign as a whole."""
        named = job.wildcards
        parts = [self._probes.get(named.get("probe", ""), {}), self._segments.get(named.get("segment", ""), {})]
        return next((study for found in parts for study in found), named.get("study", ""))

    def of(self, job: Job) -> str:
        """Return what a job does, as `train switch: large → small, seeds 0–7`."""
        named, seeds = job.wildcards, seeds_in_words(job)
        match job.rule:
            case "prepare_data":
                return f"prepare the data set {named['dataset'].rpartition('-')[0] or named['dataset']}"
            case "check_model":
                return f"try the model {self._data[named['initial']]}"
            case "initialise_model":
                return f"draw initial weights of {self._data[named['initial']]}{seeds}"
            case "train_segment":
                return f"train {self._of(self._segments[named['segment']])}{seeds}"
            case "measure_probe" | "measure_apart":
                return f"measure {named['kind'].replace('_', ' ')} of {self._of(self._probes[named['probe']])}{seeds}"
            case "figure_data":
                return f"compute figure {named['study']}/{named['figure']}"
            case "draw_figure":
                return f"draw {named['study']}/{named['figure']}"
        return job.message[0].lower() + job.message[1:]
