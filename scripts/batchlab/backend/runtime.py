"""The one place that starts Keras and sets state that a whole process shares; nothing else does.

Reproducible numbers need, in this order:

1. before Keras is imported, the environment: the backend, and the flags that XLA reads when JAX starts;
2. at import, for speed alone: the other core's library stays hidden, and the garbage collector waits;
3. `configure`, before the first tensor is made: device, threads, deterministic operations, precision;
4. `fresh_start`, before a model is built: Keras' counter of names, so that the paths of variables, which are the keys
   of snapshots, do not depend on what was built before; and the seed of initial weights and random layers.

The environment variables `BATCHLAB_BACKEND` (`tensorflow` or `jax`) and `BATCHLAB_DEVICE` (`cpu` or `gpu`) choose, so
that the choice is outside of every job's settings; it is recorded with each result. Modules of the library import
`keras`, and those of one core `tf` or `jax`, from here, so that the environment is set before any is loaded. The other
core's library is not loaded at all.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import sys
from collections.abc import Iterator
from typing import Any

from batchlab.backend import passes
from batchlab.errors import BatchlabError

BACKENDS, DEVICES, PRECISIONS = ("tensorflow", "jax"), ("cpu", "gpu"), ("float32", "float64")

_WANTED = os.environ.get("BATCHLAB_BACKEND", "tensorflow")

# A choice that cannot be had is refused by `configure`, inside a job, where an error becomes one line.
NAME = "jax" if _WANTED == "jax" and importlib.util.find_spec("jax") else "tensorflow"

os.environ["KERAS_BACKEND"] = NAME
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


# What XLA reads when JAX starts. With one thread every sum has one order.
_XLA = {
    "cpu": ("--xla_cpu_multi_thread_eigen=false", "intra_op_parallelism_threads=1"),
    "gpu": ("--xla_gpu_deterministic_ops=true",),
}


def _prepare_jax() -> None:
    """Set what JAX reads from the environment when it is loaded; a user's own flags come last and win."""
    wanted = os.environ.get("BATCHLAB_DEVICE", "cpu")
    os.environ["XLA_FLAGS"] = " ".join([*_XLA.get(wanted, ()), os.environ.get("XLA_FLAGS", "")]).strip()
    if wanted == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
        # The size of the CPU client's pool of threads.
        os.environ["NPROC"] = "1"


@contextlib.contextmanager
def _hidden(library: str) -> Iterator[None]:
    """Let what is run inside find that a library is absent, though it may be installed, unless it is loaded already.

    TensorFlow imports JAX wherever it can, which costs every job 0.3 s, and Keras' `set_random_seed` TensorFlow, which
    costs seconds (it looks once and remembers).
    """
    absent = library not in sys.modules
    if absent:
        sys.modules[library] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if absent:
            del sys.modules[library]


if NAME == "jax":
    _prepare_jax()
    with _no_collections():
        import jax
        import keras
    with _hidden("tensorflow"):
        keras.utils.set_random_seed(0)
else:
    with _no_greeting(), _no_collections(), _hidden("jax"):
        import keras
        import tensorflow as tf

    # Each batch size is a function of its own; TensorFlow takes that for needless retracing and warns.
    tf.get_logger().setLevel("ERROR")


def configure(precision: str = "float32", threads: int = 1) -> dict[str, Any]:
    """Prepare Keras and its backend for reproducible numbers; call it before the first tensor is made.

    With one thread every sum has one order, so results are bitwise the same on machines with different numbers of
    cores. With two they are not (matrix products are cut differently), so the scripts never ask for more: cores are
    used by jobs side by side. The device is the CPU unless the environment variable `BATCHLAB_DEVICE` is `gpu`.

    Args:
        precision: `float32` or `float64`, the type of weights, activations and gradients.
        threads: Threads that operations may use; under JAX always 1.

    Returns:
        Facts for the provenance record: backend, device, threads, precision, deterministic; JAX's version and flags.
        Under JAX `deterministic` is false where the user's own `XLA_FLAGS` took back one of ours.
    """
    if precision not in PRECISIONS:
        raise BatchlabError(f"precision: {precision!r} is not offered; choose one of {', '.join(PRECISIONS)}")
    if _WANTED not in BACKENDS:
        raise BatchlabError(f"BATCHLAB_BACKEND={_WANTED!r} in the environment; set it to {' or '.join(BACKENDS)}")
    if _WANTED != NAME:
        raise BatchlabError("BATCHLAB_BACKEND=jax, but JAX is not installed; unset it or install jax (see docs/gpu.md)")
    wanted = os.environ.get("BATCHLAB_DEVICE", "cpu")
    if wanted not in DEVICES:
        raise BatchlabError(f"BATCHLAB_DEVICE={wanted!r} in the environment; set it to {' or '.join(DEVICES)}")
    if problem := passes.fault():
        raise BatchlabError(problem)
    facts = _configure_jax(wanted, precision) if NAME == "jax" else _configure_tensorflow(wanted, threads)
    keras.config.set_floatx(precision)
    off = {"without_passes": list(passes.switched_off())} if passes.switched_off() else {}
    return {"backend": NAME, "device": device(), "precision": precision, "deterministic": True, **facts, **off}


def fresh_start(seed: int) -> None:
    """Let the next model have the names and the random numbers of a new process with this seed."""
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)


def _configure_tensorflow(wanted: str, threads: int) -> dict[str, Any]:
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
    # A GPU would otherwise round the factors of a product to 10 bits.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return {"compute_threads": threads}


def _configure_jax(wanted: str, precision: str) -> dict[str, Any]:
    try:
        jax.devices(wanted)
    except RuntimeError as problem:
        raise BatchlabError(
            f"BATCHLAB_DEVICE={wanted}, but JAX finds no such device; unset it or install jax[cuda12] (see docs/gpu.md)"
        ) from problem
    jax.config.update("jax_enable_x64", precision == "float64")
    # A GPU would otherwise round the factors of a product to 10 bits.
    jax.config.update("jax_default_matmul_precision", "highest")
    flags = _flags_in_force(wanted)
    deterministic = len(flags) == len(_XLA[wanted])
    return {
        "compute_threads": 1,
        "jax": jax.__version__,
        "deterministic": deterministic,
        "deterministic_flags": flags,
    }


def _flags_in_force(wanted: str) -> list[str]:
    """Return those of our flags that no flag of the user, which come later, has replaced."""
    last = {flag.partition("=")[0]: flag for flag in os.environ["XLA_FLAGS"].split()}
    return [flag for flag in _XLA[wanted] if flag in last.values()]


def device() -> str:
    """Return `cpu` or `gpu`: where tensors are placed."""
    if NAME == "jax":
        return str(jax.default_backend())
    return "gpu" if tf.config.get_visible_devices("GPU") else "cpu"


def device_memory() -> tuple[int, int]:
    """Return the peak of the bytes that the GPU has held for this process, and those it has; 0 where it is not told."""
    if device() != "gpu":
        return 0, 0
    if NAME == "jax":
        told = jax.local_devices()[0].memory_stats() or {}
        return int(told.get("peak_bytes_in_use", 0)), int(told.get("bytes_limit", 0))
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"]), 0


def float_type() -> str:
    """Return the name of the configured precision."""
    return str(keras.config.floatx())
