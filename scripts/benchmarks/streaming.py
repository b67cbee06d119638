"""Memory and time of training on a data set that stays on disk.

`python -m benchmarks.streaming --gigabytes 10` makes images of that size in a folder for temporary files, trains a
small network on them for one epoch, and says how much memory that took. The file is removed afterwards.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import numpy as np

from batchlab.backend import runtime, streamed
from batchlab.planning.optimizer_options import OPTIMIZER_OPTIONS
from batchlab.training import segment
from batchlab.training.current_task import task_of

_SHAPE, _CLASSES = (128, 128, 3), 10
_BYTES = int(np.prod(_SHAPE))
_BLOCK = 1000


def make(path: Path, gigabytes: float) -> int:
    """Write a prepared file of images of noise, and return the number of training examples.

    Args:
        path: The file.
        gigabytes: Size of the training images.
    """
    examples = max(_BLOCK, round(gigabytes * 1e9 / _BYTES))
    draw = np.random.default_rng(0)
    block = draw.integers(0, 256, (_BLOCK, *_SHAPE), np.uint8)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for split, count in (("train", examples), ("validation", _BLOCK), ("test", _BLOCK)):
            with archive.open(f"x_{split}.npy", "w", force_zip64=True) as member:
                header = {"descr": "|u1", "fortran_order": False, "shape": (count, *_SHAPE)}
                np.lib.format.write_array_header_1_0(member, header)
                for start in range(0, count, _BLOCK):
                    member.write(np.roll(block, start // _BLOCK, axis=0)[: count - start].tobytes())
            with archive.open(f"y_{split}.npy", "w") as member:
                np.lib.format.write_array(member, draw.integers(0, _CLASSES, count).astype(np.int32))
        for name, value in (("scale", np.array(255.0)), ("classes", np.array(_CLASSES))):
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, value)
    return examples


class Peak:
    """Largest anonymous memory of this process in bytes, looked at ten times a second; pages of files are not in it."""

    def __init__(self) -> None:
        self.bytes = 0
        self._done = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            text = Path("/proc/self/status").read_text(encoding="ascii")
            [kilobytes] = [int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon")]
            self.bytes = max(self.bytes, kilobytes << 10)

    def stop(self) -> int:
        """Stop looking and return the peak."""
        self._done.set()
        return self.bytes


def main() -> None:
    """Make the images, train, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--folder", default=None, help="where the images are made; the folder for temporary files")
    arguments = parser.parse_args()
    runtime.configure()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "data.npz"
        examples = make(path, arguments.gigabytes)
        spec = {
            "model": {"name": "mlp", "hidden": [8]},
            "seeds": [0],
            "optimizer": {"name": "sgd", **OPTIMIZER_OPTIONS["sgd"]},
            "learning_rate": 0.01,
            "batch_size": 64,
            "accumulation": 1,
            "start": 0,
            "stop": examples,
        }
        peak, clock = Peak(), time.perf_counter()
        data = streamed.read(str(path), task_of({}))
        start = segment.initialise(spec, data).snapshot
        trained = segment.train(spec, data, start, start)
        print(
            f"{examples * _BYTES / 1e9:.1f} GB of images, {'on disk' if streamed.is_streamed(data) else 'in memory'}, "
            f"window of {trained.facts.get('window', examples):,} examples: {peak.stop() / 1e9:.2f} GB of memory, "
            f"{time.perf_counter() - clock:.0f} s for an epoch and two evaluations"
        )


if __name__ == "__main__":
    main()
