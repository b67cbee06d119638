"""The one place that starts Keras and TensorFlow: backend, threads, precision, determinism, device, compilation.

Modules of the library import `keras` and `tf` from here, so that the environment is set before either is loaded.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from typing import Any

from batchlab.errors import BatchlabError

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@contextlib.contextmanager
def _no_greeting() -> Iterator[None]:
    """Keep from the terminal what TensorFlow's C++ says while it is loaded, before any log level applies."""
    terminal = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(silence)
        os.close(terminal)


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Import without the garbage collector, which goes through a million lasting objects again and again.

    That halves the time of the import (1.9 instead of 3.4 s). Frozen, they stay out of later collections too.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


with _no_greeting(), _no_collections():
    import keras
    import tensorflow as tf

# Each batch size is a function of its own; TensorFlow takes that for needless retracing and warns.
tf.get_logger().setLevel("ERROR")

__all__ = ["configure", "device", "float_type", "jit_rule", "keras", "tf"]

PRECISIONS = ("float32", "float64")


def configure(precision: str = "float32", threads: int = 1) -> dict[str, Any]:
    """Prepare Keras and TensorFlow for reproducible numbers; call it before the first tensor is made.

    With one thread every sum has one order, so results are bitwise the same on machines with different numbers of
    cores. With two they are not (matrix products are cut differently), so the scripts never ask for more: cores are
    used by jobs side by side. The device is the CPU unless the environment variable `BATCHLAB_DEVICE` is `gpu`.

    Args:
        precision: `float32` or `float64`, the type of weights, activations and gradients.
        threads: Threads that operations may use.

    Returns:
        Facts for the provenance record: device, threads, precision, deterministic.
    """
    if precision not in PRECISIONS:
        raise BatchlabError(f"precision: {precision!r} is not offered; choose one of {', '.join(PRECISIONS)}")
    wanted = os.environ.get("BATCHLAB_DEVICE", "cpu")
    if wanted not in ("cpu", "gpu"):
        raise BatchlabError(f"BATCHLAB_DEVICE={wanted!r} in the environment; set it to cpu or gpu")
    if wanted == "cpu":
        tf.config.set_visible_devices([], "GPU")
    elif not tf.config.list_physical_devices("GPU"):
        raise BatchlabError("BATCHLAB_DEVICE=gpu, but TensorFlow finds no GPU; unset it or install CUDA's libraries")
    # Setting an unchanged number is skipped, because TensorFlow refuses any setting once it has started.
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    if tf.config.threading.get_inter_op_parallelism_threads() != threads:
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    keras.config.set_floatx(precision)
    return {"device": device(), "compute_threads": threads, "precision": precision, "deterministic": True}


def device() -> str:
    """Return `cpu` or `gpu`: where tensors are placed."""
    return "gpu" if tf.config.get_visible_devices("GPU") else "cpu"


def float_type() -> Any:
    """Return TensorFlow's type for the configured precision."""
    return tf.as_dtype(keras.config.floatx())


def operations(model: Any) -> set[str]:
    """Return the types of all TensorFlow operations in the model's forward pass in training mode.

    Reading the graph sees through custom layers, where a list of layers would not.
    """

    @tf.function(autograph=False)
    def forward(x: Any) -> Any:
        return model(x, training=True)

    signature = tf.TensorSpec((2, *model.input_shape[1:]), float_type())
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
    found = operations(model)
    if any("Random" in name for name in found):
        return False, "random numbers in the forward pass (dropout)"
    if device == "cpu" and any("Conv" in name for name in found):
        return False, "convolution on a CPU"
    return True, "neither convolution on a CPU nor random numbers in the forward pass"
