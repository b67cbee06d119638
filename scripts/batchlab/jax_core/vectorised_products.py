"""Inner products of single examples' gradients, all pairs of a row of examples at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import jax
from batchlab.jax_core.functional import Stored, Values
from batchlab.jax_core.memory_budget import side_by_side
from batchlab.jax_core.side_by_side import Replicas
from batchlab.jax_core.vectorised_rows import Landscape
from batchlab.jax_core.vectorising import vectorisation_rule


def inner_products(replica: Replicas) -> Callable[[NDArray[np.int32]], NDArray[np.float64]]:
    """Compile the inner products of single gradients; see `training.core.inner_products`.

    The single gradients of a row are kept until they are multiplied.
    """
    program = replica.program

    def single(example: Any, trainable: Values, fixed: Values, stored: Stored) -> Values:
        return Landscape(program, stored, trainable, fixed).gradient(example[None])

    @jax.jit
    def products(rows: Any, trainable: Values, fixed: Values, stored: Stored) -> Any:
        arguments = (trainable, fixed, stored)
        fitting = side_by_side(single, rows[0], *arguments) if vectorisation_rule(program.model)[0] else 1
        gradients = jax.lax.map(lambda row: single(row, *arguments), rows, batch_size=min(fitting, len(rows)))
        flat = [gradient.reshape(len(rows), -1) for gradient in gradients]
        return sum(jax.numpy.matmul(part, part.T) for part in flat)

    return lambda rows: np.asarray(products(rows, *replica.present(), replica.stored), dtype=np.float64)
