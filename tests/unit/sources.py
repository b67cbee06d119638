"""Data sets prepared as the workflow prepares them, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.sources import prepare as preparation
from batchlab.sources.settings import resolve


def prepare(dataset: Mapping[str, Any], downloads: Path) -> preparation.Prepared:
    """Prepare a data set from its settings."""
    settings = resolve(dataset)
    return preparation.prepare({**settings.spec, **settings.source}, downloads)  # type: ignore[typeddict-item]


def prepared(dataset: Mapping[str, Any], folder: Path) -> Path:
    """Prepare a data set and return the path of the file."""
    target = folder / "data.npz"
    preparation.write(target, prepare(dataset, folder / "downloads"))
    return target


@dataclass(frozen=True)
class Read:
    """A prepared file, features divided by the stored scale."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    input_shape: tuple[int, ...]
    classes: int


def load(path: Path, dtype: str = "float32") -> Read:
    """Read a prepared file."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    parts = ("train", "validation", "test")
    x = {f"x_{part}": arrays[f"x_{part}"].astype(dtype) / arrays["scale"].astype(dtype) for part in parts}
    y = {f"y_{part}": arrays[f"y_{part}"] for part in parts}
    return Read(**x, **y, input_shape=arrays["x_train"].shape[1:], classes=int(arrays["classes"]))
