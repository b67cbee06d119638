"""Friedman's first problem, a table of ten numbers of which five count (Friedman 1991, eq. 61), with noise."""

import numpy as np

EXAMPLES = {"train": 2000, "validation": 500, "test": 500}
INPUT_SHAPE = (10,)
NUMBERS = ["y"]


def examples(split, seed):
    """Return x, uniform in (0, 1), and y with noise of variance 1."""
    draw = np.random.default_rng([seed, list(EXAMPLES).index(split)])
    x = draw.uniform(size=(EXAMPLES[split], 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return x, y + draw.normal(size=len(y))
