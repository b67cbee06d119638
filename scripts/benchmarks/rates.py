"""A grid of learning rates in one job against a job for each: the same segments, trained by Snakemake job by job.

Run `python -m benchmarks.rates` (in `scripts/`). The campaign has one study with all rates, which are trained together,
or a study for each rate; studies do not train for one another, so these are trained alone. Data and initial weights are
made before the clock starts. Weights must be the same: bit by bit on TensorFlow, within rounding on JAX.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.paths import PROJECT

CORES = ("tensorflow", "jax")
FACTORS = (0.25, 0.5, 1, 2, 4, 8)
# Largest difference of weights on JAX, where more replicas side by side may be rounded otherwise.
TOLERANCE = 1e-3


def campaign(together: bool, epochs: int) -> dict[str, Any]:
    """Return the campaign: 6 rates and 3 seeds of a small network on digits."""

    def study(factors: list[float]) -> dict[str, Any]:
        arms = {"rate": {"batch_size": "small", "learning_rate_factor": factors}}
        return {"title": "Rates", "question": "How long do they take?", "arms": arms}

    studies = (
        {"rates": study(list(FACTORS))}
        if together
        else {f"rate_{place}": study([factor]) for place, factor in enumerate(FACTORS)}
    )
    return {
        "campaign": "rates",
        "run": list(studies),
        "dataset": "digits",
        "epochs": epochs,
        "seeds": {"count": 3, "block": 3},
        "batch_sizes": {"small": 32},
        "datasets": {"digits": {"name": "digits"}},
        "models": {"mlp": {"name": "mlp", "hidden": [64]}},
        "optimizers": {"sgd": {"name": "sgd", "learning_rate": 0.1}},
        "studies": studies,
    }


@contextlib.contextmanager
def project(together: bool, epochs: int) -> Iterator[Path]:
    """Yield a folder with the workflow and the campaign."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("Snakefile", "rules", "scripts", "config", "envs", "profiles"):
            (folder / part).symlink_to(PROJECT / part)
        (folder / "rates.json").write_text(json.dumps(campaign(together, epochs)))
        yield folder


def snakemake(folder: Path, core: str, until: str) -> tuple[float, float]:
    """Run Snakemake up to a rule and return seconds, and seconds of CPU."""
    command = [sys.executable, "-m", "snakemake", "--until", until, "--cores", "1", "--configfile", "rates.json"]
    wall, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "BATCHLAB_BACKEND": core}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BatchlabError(f"benchmark: snakemake failed:\n{done.stderr[-2000:]}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - wall, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def weights(folder: Path) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
    """Return the weights of each segment by name."""
    found = {}
    for path in sorted(folder.glob("results/segments/*/*/state.npz")):
        with np.load(path) as file:
            found[path.parts[-3]] = {key: file[key] for key in file.files if key.startswith("weights/")}
    return found


def compare(core: str, epochs: int) -> dict[str, tuple[float, float]]:
    """Return seconds and seconds of CPU of both ways.

    Raises:
        BatchlabError: They give other weights.
    """
    times, results = {}, []
    for way in ("alone", "together"):
        with project(way == "together", epochs) as folder:
            snakemake(folder, core, "initialise_model")
            times[way] = snakemake(folder, core, "train_segment")
            results.append(weights(folder))
    alone, together = results
    bound = 0.0 if core == "tensorflow" else TOLERANCE
    if alone.keys() != together.keys():
        raise BatchlabError("benchmark: other segments were trained")
    for name, expected in alone.items():
        for key, values in expected.items():
            if not np.abs(together[name][key] - values).max() <= bound:
                raise BatchlabError(f"benchmark: {name}: {key} differs")
    return times


def main() -> None:
    """Measure and print, the smaller of so many repeats."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", choices=CORES, nargs="*", default=list(CORES))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    for core in given.core:
        found = [compare(core, given.epochs) for _ in range(given.repeats)]
        (alone, alone_cpu), (together, together_cpu) = (
            tuple(min(times[way][place] for times in found) for place in range(2)) for way in ("alone", "together")
        )
        print(
            f"{core}: {len(FACTORS)} rates × 3 seeds, {given.epochs} epochs: {alone:.1f} s alone, {together:.1f} s "
            f"together, ratio {alone / together:.2f} (CPU {alone_cpu:.1f} and {together_cpu:.1f} s, "
            f"{alone_cpu / together_cpu:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
