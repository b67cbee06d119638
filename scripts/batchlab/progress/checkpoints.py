"""How far a training job is, from the side file that it writes every twenty seconds or so (`training.checkpoint`)."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path

from batchlab.planning.jobs import Job
from batchlab.records.ready import CHECKPOINTS, checkpoint_name

# Of a seed that has ended before its cap.
_ENDED = ("reached", "stopped")


def _progress(path: Path) -> list[tuple[int, bool]] | None:
    """Return the examples that each seed has seen and whether it has ended, for the seeds that have begun.

    None without a readable file.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open("progress.npy") as file:
            content = file.read()
        # An array of one text: a header that ends with its line, then UTF-32.
        text = content[content.index(b"\n") + 1 :].decode("utf-32-le")
        positions = json.loads(text)["progress"]["positions"]
        return [(int(position["examples"]), position["status"] in _ENDED) for position in positions]
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError):
        return None


def epochs(job: Job, examples: int, trainings: int = 1) -> tuple[float, str] | None:
    """Return the share of a training job that is done, and its epoch in words; None where nothing is known yet.

    Args:
        job: A job of the rule `train_segment`.
        examples: Examples in an epoch.
        trainings: How many are made together, of which the job is the first.
    """
    name = checkpoint_name(job.wildcards["segment"], job.wildcards["block"])
    positions = _progress(CHECKPOINTS / f"{name}.npz")
    if not positions:
        return None
    start, stop, seeds = job.spec["start"], job.spec["stop"], trainings * len(job.spec["seeds"])
    share = sum((stop if ended else position) - start for position, ended in positions) / (seeds * (stop - start))
    # Seeds train one after the other on TensorFlow, side by side on JAX: the last that goes on tells the epoch.
    last = math.ceil(stop / examples)
    going = [position for position, ended in positions if not ended] or [positions[-1][0]]
    text = f"epoch {going[-1] // examples} of {last}"
    if len(positions) == seeds:
        return share, text
    return share, f"{'seed' if trainings == 1 else 'run'} {len(positions)} of {seeds}, {text}"
