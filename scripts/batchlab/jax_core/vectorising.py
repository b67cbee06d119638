"""From functions of one replica to functions of all: side by side, or one after the other.

Where convolutions run one after the other, that is the pass `convolutions_one_by_one` of `backend.passes`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlab.backend import passes
from batchlab.backend.model_inputs import input_type
from batchlab.backend.runtime import float_type, jax
from batchlab.errors import BatchlabError
from batchlab.jax_core.functional import forward, present_values


def _traced(model: Any) -> str:
    """Return the text of the program that a forward pass in training mode runs, in all layers."""

    def logits(inputs: Any) -> Any:
        trainable, fixed = present_values(model)
        return forward(model, trainable, fixed, inputs, True)[0]

    return str(jax.make_jaxpr(logits)(jax.numpy.zeros((2, *model.input_shape[1:]), input_type(model))))


def vectorisation_rule(model: Any) -> tuple[bool, str]:
    """Decide whether replicas (or trials) are computed side by side, and say why.

    Kernels of several replicas make one convolution with as many groups, which is slower than one convolution after
    the other (see docs/decisions.md). Reading the traced program sees through custom layers, where a list of layers
    would not.

    Raises:
        BatchlabError: Double precision is wanted, and Keras computes parts of this model in single precision.
    """
    program = _traced(model)
    if float_type() == "float64" and "f32[" in program:
        raise BatchlabError(
            f"precision: float64, but under JAX Keras computes parts of model {model.name} in float32 "
            "(batch normalisation, tanh and others); give the same command with BATCHLAB_BACKEND=tensorflow, what is "
            "done stays"
        )
    if passes.enabled("convolutions_one_by_one") and "conv_general_dilated" in program:
        return False, "convolution: replicas one after the other"
    return True, "no convolution: replicas side by side"


def compilation(model: Any) -> dict[str, Any]:
    """Return what the provenance record should say about how a model is compiled."""
    vectorise, reason = vectorisation_rule(model)
    return {
        "jit": True,
        "jit_reason": "JAX compiles every loop",
        "vectorised": vectorise,
        "vectorised_reason": reason,
    }


def over_replicas(function: Callable[..., Any], own: int, vectorise: bool) -> Callable[..., Any]:
    """Return a function of all replicas from a function of one.

    Args:
        function: Its first `own` arguments belong to the replica; the others are shared.
        own: How many arguments get a leading axis for the replicas, as the result does.
        vectorise: Whether replicas are computed side by side (`vmap`) or one after the other (`lax.map`).
    """

    def together(*arguments: Any) -> Any:
        shared = arguments[own:]
        if vectorise:
            return jax.vmap(lambda *values: function(*values, *shared))(*arguments[:own])
        return jax.lax.map(lambda values: function(*values, *shared), arguments[:own])

    return together
