"""The child of the probe `throughput` on a model whose parts are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numerics.cases import EXAMPLES, arrays

from batchlab.probes.throughput.child import measure

MODEL = """
import keras

def build(input_shape, classes):
    layers = keras.layers
    parts = [layers.Dense(5), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(classes)]
    return keras.Sequential([keras.Input(input_shape), *parts])
"""


def test_each_point_is_begun_and_measured_and_the_workload_is_described(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", **arrays())
    (tmp_path / "own.py").write_text(MODEL)
    run = {"model": {"file": str(tmp_path / "own.py")}, "optimizer": {"name": "sgd"}, "learning_rate": 0.1}
    asked = {"factor": 16, "accumulations": [1, 3], "largest": 64}
    lines: list[dict[str, Any]] = []
    measure({"run": {**run, "precision": "float32"}, "data": str(tmp_path / "data.npz"), "points": asked}, lines.append)
    first, *rest = lines
    assert first["points"] == [(1, 1), (16, 1), (16, 3), (EXAMPLES, 1)]
    # 12 inputs, 5 units with scale and offset, 3 classes.
    assert first["facts"]["parameters"] == (12 + 1) * 5 + 2 * 5 + (5 + 1) * 3
    assert (first["facts"]["normalising"], first["facts"]["random"]) == (1, 1)
    assert first["facts"]["training_examples"] == EXAMPLES
    assert [line.get("begun") for line in rest[::2]] == [list(point) for point in first["points"]]
    assert all(0 < line["seconds"] < 1 for line in rest[1::2])
