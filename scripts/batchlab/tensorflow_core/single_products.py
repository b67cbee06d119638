"""Inner products of single examples' gradients, all pairs of a row of examples at once.

The gradient of a dense layer's kernel is a sum of outer products hᵢ δᵢᵀ over the examples, and that of its bias the sum
of the δᵢ, so the inner product of two examples' gradients is (hᵢ·hⱼ + 1)(δᵢ·δⱼ): one pass through the model gives all
pairs, and no single gradient is ever formed (Goodfellow 2015, arXiv:1510.01799, for i = j). Gradients of other
variables are computed one by one and kept until they are multiplied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import float_type, tf
from batchlab.tensorflow_core import outer_products
from batchlab.tensorflow_core.one_by_one import Replicas
from batchlab.tensorflow_core.row_loops import Landscape


def _products_from_factors(gradient: Any, examples: int) -> Any:
    """Return the inner products of one variable's single gradients, shape (examples, examples).

    Args:
        gradient: Its summed gradient as the tape returned it, in the function that is being traced.
        examples: Number of examples in the sum.

    Returns:
        None where the graph does not compute the gradient from one vector for each example: in a layer that is no dense
        one, that is applied to each element of a series or used twice, or that has a penalty.
    """
    if pair := outer_products.factors(gradient):
        inputs, deltas = pair
        products = tf.matmul(inputs, inputs, transpose_b=True)
    elif gradient.op.type == "BiasAddGrad":
        [deltas] = gradient.op.inputs
        products = 1.0
    else:
        return None
    if deltas.shape.rank != 2 or deltas.shape[0] != examples:
        return None
    return products * tf.matmul(deltas, deltas, transpose_b=True)


def _products_one_by_one(landscape: Landscape, rows: Any, places: list[int]) -> Any:
    """Return the inner products over the variables at `places`, whose single gradients are computed one by one."""
    examples = rows.shape[0]
    shapes = [landscape.weights[place].shape for place in places]

    def body(number: Any, *stacks: Any) -> tuple[Any, ...]:
        gradients = landscape.gradient(tf.reshape(rows[number], [1]))
        chosen = [tf.reshape(gradients[place], [1, -1]) for place in places]
        return number + 1, *(
            tf.tensor_scatter_nd_update(stack, [[number]], new) for stack, new in zip(stacks, chosen, strict=True)
        )

    empty = [tf.zeros((examples, shape.num_elements()), float_type()) for shape in shapes]
    _, *stacks = tf.while_loop(lambda number, *_: number < examples, body, (tf.constant(0), *empty))
    return tf.add_n([tf.matmul(stack, stack, transpose_b=True) for stack in stacks])


def inner_products(replica: Replicas) -> Callable[[NDArray[np.int32]], NDArray[np.float64]]:
    """Compile the inner products of single gradients; see `training.core.inner_products`."""
    landscape = Landscape(replica.model, replica.data)

    @tf.function(jit_compile=replica.jit, autograph=False)
    def products(rows: Any) -> Any:
        found = [_products_from_factors(gradient, rows.shape[0]) for gradient in landscape.gradient(rows)]
        parts = [part for part in found if part is not None]
        if others := [place for place, part in enumerate(found) if part is None]:
            parts.append(_products_one_by_one(landscape, rows, others))
        return tf.add_n(parts)

    return lambda rows: np.asarray(products(tf.constant(rows)), dtype=np.float64)
