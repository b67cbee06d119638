"""Gradients of dense kernels as sums of outer products, for updates of few examples on a CPU.

The gradient of a dense layer's kernel is hᵀ δ = Σ hᵢ δᵢᵀ, summed over the examples, with the layer's inputs h and the
gradient δ with respect to its outputs before activation. XLA hands that product to a routine made for long sums, which
writes the whole gradient to memory, where another loop reads it for the update. For few examples the sum written out
is faster: one loop adds the outer products and updates the weight in the same pass.

This is the pass `outer_products` of `backend.passes`; without it the update is the matrix product's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlab.backend import passes
from batchlab.backend.runtime import device, tf

# Measured (docs/decisions.md): the product is as fast for more examples, and faster for narrower kernels.
MOST_EXAMPLES, FEWEST_UNITS = 8, 64


def pay(model: Any, examples: int, jit: bool) -> bool:
    """Tell whether outer products pay for updates of so many examples on the present device.

    A model with variables that updates do not train (statistics of normalisation) gains nothing: the compiler copies
    its kernels at the condition, see `update`.
    """
    wanted = passes.enabled("outer_products")
    return wanted and jit and device() == "cpu" and examples <= MOST_EXAMPLES and not model.non_trainable_variables


def factors(gradient: Any) -> tuple[Any, Any] | None:
    """Return h and δ, shapes (examples, inputs) and (examples, units), of a gradient that the graph computes as hᵀ δ.

    Args:
        gradient: A gradient as the tape returned it, in the function that is being traced.

    Returns:
        The factors, of known shapes; None for a gradient that is computed in any other way.
    """
    operation = gradient.op
    if operation.type != "MatMul" or not operation.get_attr("transpose_a") or operation.get_attr("transpose_b"):
        return None
    inputs, deltas = operation.inputs
    return (inputs, deltas) if inputs.shape.is_fully_defined() and deltas.shape.is_fully_defined() else None


def update(gradients: list[Any], wanted: Any, apply: Callable[[list[Any]], None]) -> None:
    """Call `apply` with equal gradients, of which those of dense kernels are sums of outer products.

    Args:
        gradients: As `factors` needs them.
        wanted: A tensor that is true whenever the update is reached, which the compiler must not be able to know. A
            condition keeps it from computing the factors anew for each weight inside the loop over a kernel.
        apply: Updates the variables.
    """
    pairs = [factors(gradient) for gradient in gradients]
    pairs = [pair if pair and pair[1].shape[1] >= FEWEST_UNITS else None for pair in pairs]
    deltas = [pair[1] for pair in pairs if pair]
    if not deltas:
        apply(gradients)
        return
    # A kernel is updated in place only where nobody can read it later. That the gradient has passed through it to the
    # layers before, the compiler knows only if the update needs that gradient too; otherwise it copies the kernel each
    # time. So a zero that needs them all is added (a NaN would be one in the weights anyhow).
    zero = tf.minimum(tf.abs(tf.add_n([delta[0, 0] for delta in deltas])), 0.0)
    pairs = [pair and (pair[0], pair[1] + zero) for pair in pairs]

    def updated() -> None:
        apply(
            [
                tf.reduce_sum(pair[0][:, :, None] * pair[1][:, None, :], axis=0) if pair else gradient
                for pair, gradient in zip(pairs, gradients, strict=True)
            ]
        )

    tf.cond(wanted, updated, lambda: None)
