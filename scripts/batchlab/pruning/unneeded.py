"""Folders and files of shared results that no campaign plans: snapshots, measurements, checkpoints, logs, data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from batchlab.configuration import campaign
from batchlab.configuration.yaml_files import parsed
from batchlab.errors import BatchlabError
from batchlab.planning.jobs import Job, Jobs
from batchlab.planning.plan import plan
from batchlab.records.ready import CHECKPOINTS, checkpoint_name

# What campaigns share → where it lies and how deep its folders are; a folder that no job makes is not needed.
_PLACES = {
    "data": ("results/data", 1),
    "segments": ("results/segments", 2),
    "probes": ("results/probes", 3),
}
# Rules whose results campaigns share, and with them their logs.
_LOGGED = ("prepare_data", "check_model", "initialise_model", "train_segment", "measure_probe", "measure_apart")


@dataclass(frozen=True)
class Unneeded:
    """Something that no campaign needs.

    Attributes:
        kind: `data`, `segments`, `probes`, `checkpoints` or `logs`.
        path: The folder or file.
        size: Bytes in it.
    """

    kind: str
    path: Path
    size: int


def campaigns(folder: Path, more: Iterable[Path] = ()) -> dict[Path, Jobs]:
    """Return the planned jobs of each campaign file in or below a folder, and of others.

    Raises:
        BatchlabError: One of them cannot be planned, so what it needs is not known.
    """
    found, named = {}, list(more)
    for path in dict.fromkeys([*sorted(folder.rglob("*.yaml")), *named]):
        try:
            raw = parsed(path)
            campaign_file = isinstance(raw, dict) and "campaign" in raw
            if not campaign_file and path in named:
                raise BatchlabError("the key 'campaign' is missing")
            if campaign_file:
                found[path] = Jobs(plan(campaign.read(raw, [path])))
        except BatchlabError as problem:
            raise BatchlabError(
                f"{path} cannot be planned, so nobody knows what it needs; mend it or move it away: {problem}"
            ) from None
    return found


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file())


def _folders(place: Path, depth: int) -> Iterator[Path]:
    """Yield the folders at a depth below a place, and folders above that depth that hold none."""
    if not place.is_dir():
        return
    for path in sorted(place.iterdir()):
        if path.is_dir() and not path.is_symlink():
            below = list(_folders(path, depth - 1)) if depth > 1 else []
            yield from below or [path]


def _log(job: Job) -> str:
    """Return the path of a job's log without its ending, as the rules write it."""
    parts = dict(job.wildcards)
    block = parts.pop("block", None)
    return "/".join(["logs", job.rule, *parts.values(), *([f"seeds-{block}"] if block else [])])


def unneeded(jobs: Iterable[Job]) -> list[Unneeded]:
    """Return what lies in this folder and belongs to none of these jobs, in order of its path.

    A checkpoint is needed as long as its training has not ended.
    """
    outputs: set[Path] = set()
    logs: set[str] = set()
    unfinished: set[str] = set()
    for job in jobs:
        outputs |= {Path(path) if job.folder else Path(path).parent for path in job.outputs.values()}
        if job.rule in _LOGGED:
            logs.add(_log(job))
        if job.rule == "train_segment" and not Path(job.name).exists():
            unfinished.add(checkpoint_name(job.wildcards["segment"], job.wildcards["block"]))
    found = [
        Unneeded(kind, path, _size(path))
        for kind, (place, depth) in _PLACES.items()
        for path in _folders(Path(place), depth)
        if path not in outputs
    ]
    if CHECKPOINTS.is_dir():
        files = sorted(CHECKPOINTS.iterdir())
        found += [
            Unneeded("checkpoints", path, _size(path))
            for path in files
            if path.name.removesuffix(".npz") not in unfinished
        ]
    for rule in _LOGGED:
        for path in sorted(Path("logs", rule).rglob("*")):
            if path.is_file() and path.as_posix().removesuffix(".log").removesuffix(".benchmark.tsv") not in logs:
                found.append(Unneeded("logs", path, _size(path)))
    return found
