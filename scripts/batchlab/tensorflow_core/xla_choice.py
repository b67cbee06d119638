"""The pass `xla_by_rule`: whether XLA compiles loops, by model and device; the decision is recorded."""

from __future__ import annotations

from typing import Any

from batchlab.backend import passes, runtime
from batchlab.backend.model_inputs import input_type
from batchlab.backend.runtime import tf


def operations(model: Any) -> set[str]:
    """Return the types of all TensorFlow operations in the model's forward pass in training mode.

    Reading the graph sees through custom layers, where a list of layers would not.
    """

    @tf.function(autograph=False)
    def forward(x: Any) -> Any:
        return model(x, training=True)

    signature = tf.TensorSpec((2, *model.input_shape[1:]), input_type(model))
    graph = forward.get_concrete_function(signature).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return {node.op for node in nodes}


def jit_rule(model: Any, device: str) -> tuple[bool, str]:
    """Decide whether a model's loops are compiled by XLA, and say why.

    Measured on CPU (see docs/decisions.md): XLA makes dense layers and batch normalisation 1.5 to 10 times faster,
    convolutions 13 times slower, and random numbers drawn inside the loop 4 times slower.

    Args:
        model: A built Keras model.
        device: `cpu` or `gpu`.

    Returns:
        The decision and its reason in a few words.
    """
    if not passes.enabled("xla_by_rule"):
        return True, "the pass xla_by_rule is switched off"
    found = operations(model)
    if any("Random" in name for name in found):
        return False, "random numbers in the forward pass (dropout)"
    if device == "cpu" and any("Conv" in name for name in found):
        return False, "convolution on a CPU"
    return True, "neither convolution on a CPU nor random numbers in the forward pass"


def compilation(model: Any) -> tuple[bool, dict[str, Any]]:
    """Return the decision on the present device, and what the provenance record should say about it."""
    jit, reason = jit_rule(model, runtime.device())
    return jit, {"jit": jit, "jit_reason": reason}
