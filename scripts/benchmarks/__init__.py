"""Benchmarks: the project beside its peers, in one run on one machine, after a check that all do the same work."""

OURS = "batchlab"
# Keras' defaults on TensorFlow, and other settings of `compile` among which the best one counts in each case.
DEFAULT = "fit"
FIT_SETTINGS = {
    DEFAULT: {},
    "fit_jit_50": {"jit_compile": True, "steps_per_execution": 50},
    "fit_no_jit_50": {"jit_compile": False, "steps_per_execution": 50},
}
BEST = "fit_best"
# Contenders with libraries of their own, which `make bench-peers` installs.
JAX, TORCH = "fit_jax", "torch"
PEERS = (JAX, TORCH)
