"""Generate examples whose labels a random network gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.sources.contents import Contents


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return inputs (examples, features) and labels.

    Feature j of an input is normal with variance j^(-decay), j from 1. The teacher has standard normal weights divided
    by the square root of their number of inputs, `hidden` tanh units (none: it is linear), and no biases; the label is
    its largest output. A share `noise` of the labels is replaced by classes drawn at random, so that nothing beats an
    accuracy of 1 - noise (1 - 1 / classes). Streams are those of `numpy.random.RandomState`, which NumPy keeps: one for
    the teacher, one for inputs and one for labels, so that fewer examples are the first ones of more.

    Args:
        paths: None.
        options: Complete options of the set.
    """
    teacher, inputs, labels = (np.random.RandomState([options["seed"], stream]) for stream in range(3))
    features, classes, hidden = (options[key] for key in ("features", "classes", "hidden"))
    deviation = np.arange(1, features + 1) ** (-options["decay"] / 2)
    x = inputs.standard_normal((options["generated"], features)) * deviation
    signal = x
    if hidden:
        signal = np.tanh(x @ teacher.standard_normal((features, hidden)) / np.sqrt(features))
    outputs = signal @ teacher.standard_normal((signal.shape[1], classes)) / np.sqrt(signal.shape[1])
    y = outputs.argmax(axis=1)
    draws = labels.random_sample((options["generated"], 2))
    y = np.where(draws[:, 0] < options["noise"], (draws[:, 1] * classes).astype(np.int64), y)
    kind = f"{hidden} tanh units" if hidden else "a linear map"
    told = (
        ("Generated", f"{options['generated']:,} examples by a teacher of {kind}, seed {options['seed']}"),
        ("Noise", f"{options['noise']:.1%} of the labels drawn at random; best accuracy {_best(options):.1%}"),
    )
    return Contents((x.astype(np.float32), y), told=told)


def _best(options: Mapping[str, Any]) -> float:
    return 1 - options["noise"] * (1 - 1 / options["classes"])
