"""Prepared data in memory: the features of a file, and a damaged file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from unit.sources import prepared

from batchlab.backend import resident
from batchlab.errors import BatchlabError
from batchlab.tasks.classification.objective import CLASSIFICATION


def test_features_are_stored_values_divided_by_the_scale(tmp_path: Path) -> None:
    path = prepared({"name": "digits"}, tmp_path)
    data = resident.read(str(path), CLASSIFICATION)
    with np.load(path) as file:
        stored = np.concatenate([file[f"x_{split}"] for split in resident.SPLITS])
        labels = np.concatenate([file[f"y_{split}"] for split in resident.SPLITS])
    assert (data.counts, data.shape, data.output_shape) == ((1297, 250, 250), (8, 8, 1), (10,))
    assert np.array_equal(np.asarray(data.inputs(data.x)), stored.astype(np.float32) / np.float32(16))
    assert np.array_equal(np.asarray(data.y), labels)


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = prepared({"name": "digits"}, tmp_path)
    content = path.read_bytes()
    header = content.index(b"{'descr'")
    damages = [content[:1000], b"", content.replace(b"\x05\x0d\x09", b"\x05\x0d\x0a", 1)]
    damages += [content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :] for at in range(header - 10, header + 70)]
    for damage in damages:
        path.write_bytes(damage)
        with pytest.raises(BatchlabError, match=r"data\.npz: is not an intact prepared data set"):
            resident.read(str(path), CLASSIFICATION)
    with pytest.raises(BatchlabError, match="absent"):
        resident.read(str(tmp_path / "absent.npz"), CLASSIFICATION)
