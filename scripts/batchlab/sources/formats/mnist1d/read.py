"""Generate MNIST-1D: ten templates as short series, padded, shifted, scaled, sheared and made noisy.

S. Greydanus and D. Kobak (2024), Scaling down deep learning with MNIST-1D, ICML; arXiv:2011.14439. The steps and their
sizes are the paper's. It shows its templates without giving their values, so those here are drawn anew after the shapes
of the digits: the set is not the published one number for number, but about as hard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.sources.contents import Array, Contents

LENGTH = 40
# The published sizes of the steps: zeros behind the template, spread of its height, largest shift, deviations of
# smoothed and of independent noise, spread of the slope, and the width of the smoothing.
_PADDING, _SCALE, _SHIFT, _SMOOTH, _INDEPENDENT, _SHEAR, _WIDTH = (36, 60), 0.4, 48, 0.25, 0.02, 0.75, 2

# Twelve heights for each digit.
_TEMPLATES = (
    (0, 0.5, 0.8, 0.95, 1, 1, 1, 1, 0.95, 0.8, 0.5, 0),
    (0, -1, -1, -0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0, 0),
    (0, 0.6, 0.9, 0.9, 0.6, 0.1, -0.2, -0.6, -0.9, -0.9, -0.6, 0),
    (0, 0.8, 1, 0.8, 0.3, 0, 0, 0.3, 0.8, 1, 0.8, 0),
    (0, -0.3, -0.6, -0.9, -1.2, -1.2, 0, 0, 0, 0, 0, 0),
    (0, -1, -1, -1, -1, 0, 0.5, 0.8, 0.8, 0.5, -0.2, 0),
    (0, -0.5, -0.8, -0.95, -1, -1, -1, -1, -0.95, -0.8, -0.5, 0),
    (0, 1, 1, 0.8, 0.6, 0.4, 0.2, 0, -0.2, -0.4, 0, 0),
    (0, -0.8, -1, -0.8, -0.3, 0, 0, -0.3, -0.8, -1, -0.8, 0),
    (0, -0.6, -0.9, -0.9, -0.5, 0, 0, 0, 0, -0.15, -0.35, 0),
)


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return series of 40 values with mean 0 and deviation 1 over all, and their digits; a fifth is the test set.

    Examples come from the stream of `numpy.random.RandomState`, which NumPy keeps.

    Args:
        paths: None.
        options: `generated`, the number of examples, and `seed`.
    """
    random, count = np.random.RandomState(options["seed"]), options["generated"]
    y = random.permutation(np.arange(count) % len(_TEMPLATES))
    templates = np.array(_TEMPLATES, np.float64)
    templates = (templates - templates.mean(axis=1, keepdims=True)) / templates.std(axis=1, keepdims=True)
    templates = (templates - templates[:, :1]) / 6
    x = np.stack([_example(templates[label], random) for label in y])
    x = ((x - x.mean()) / x.std()).astype(np.float32)
    train = count - count // 5
    told = (("Generated", f"{count:,} series after the description of MNIST-1D, seed {options['seed']}"),)
    return Contents((x[:train], y[:train]), (x[train:], y[train:]), told=told)


def _example(template: Array, random: np.random.RandomState) -> Array:
    """Return one series of a template."""
    zeros = np.zeros(random.randint(_PADDING[0], _PADDING[1] + 1))
    length = len(template) + _PADDING[1]
    signal = _stretched(np.concatenate([template, zeros]), length) * (1 + _SCALE * (random.random_sample() - 0.5))
    inside = _stretched(np.concatenate([np.ones(len(template)), zeros]), length) > 0
    shift = random.randint(_SHIFT)
    smooth = _smoothed(_SMOOTH * random.standard_normal(length))
    noisy = np.where(np.roll(inside, shift), np.roll(signal, shift), smooth)
    noisy = noisy + _INDEPENDENT * random.standard_normal(length)
    slope = _SHEAR * (random.random_sample() - 0.5)
    return _stretched(noisy - slope * np.linspace(-0.5, 0.5, length), LENGTH)


def _stretched(values: Array, length: int) -> Array:
    """Return a series with another number of values, interpolated linearly."""
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(values)), values)


def _smoothed(values: Array) -> Array:
    """Return a series smoothed by a normal kernel, mirrored at its ends."""
    reach = 4 * _WIDTH
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _WIDTH) ** 2)
    return np.convolve(np.pad(values, reach, mode="symmetric"), kernel / kernel.sum(), mode="valid")
