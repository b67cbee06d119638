"""What the inner products of single examples' gradients say about a batch, its parts and the training set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def part_norms(products: Array, size: int) -> Array:
    """Return ‖Σ gᵢ‖² of the disjoint parts of a batch.

    Args:
        products: Inner products of the batch's single gradients, shape (examples, examples).
        size: Examples of one part; a rest that fills none is left out.

    Returns:
        Shape (examples // size,).
    """
    count = len(products) // size
    within = products[: count * size, : count * size].reshape(count, size, count, size)
    sums: Array = np.einsum("aiaj->a", within)
    return sums


def unbiased_moments(products: Array, small: int, population: int) -> tuple[float, float]:
    """Return unbiased estimates of tr Σ and ‖G‖² from the gradients of one batch.

    The batch has B of N examples, drawn without replacement, so that E‖ḡ‖² = ‖G‖² + S (1/B − 1/N) for the mean gradient
    ḡ and S = tr Σ · N / (N − 1). The same holds for its parts of b examples, whose squared norms are averaged; two
    equations give both unknowns (McCandlish et al. 2018, appendix A.1, here with the factor for a finite population).
    With b = 1 they are those of the variance within the batch.

    Args:
        products: Inner products of the batch's single gradients, shape (B, B).
        small: b, less than B.
        population: N.
    """
    size = len(products)
    whole, parts = float(products.sum()) / size**2, float(part_norms(products, small).mean()) / small**2
    spread = (parts - whole) / (1 / small - 1 / size)
    return spread * (population - 1) / population, whole - spread * (1 / size - 1 / population)


def cosines(products: Array) -> Array:
    """Return the cosine of each pair of different examples' gradients, i < j row by row; NaN where a gradient is 0.

    Args:
        products: Inner products, shape (examples, examples).
    """
    norms = np.sqrt(np.maximum(np.diagonal(products), 0.0))
    first, second = np.triu_indices(len(products), 1)
    lengths = norms[first] * norms[second]
    values: Array = np.full(len(first), np.nan)
    np.divide(products[first, second], lengths, out=values, where=lengths > 0)
    return np.clip(values, -1.0, 1.0)
