"""Every Keras optimizer and its hyperparameters, readable without Keras: planning checks a campaign against it.

Not offered, and why:

- `learning_rate` is a key of the arm itself, because rules and phases change it;
- `name` would only rename variables in the snapshots;
- `gradient_accumulation_steps` averages micro-batches of unequal size with equal weight and carries windows over
  the end of an epoch; the training core accumulates sums itself;
- `use_ema`, `ema_momentum`, `ema_overwrite_frequency` keep a second set of weights that is written over the first at
  moments that the snapshots do not know;
- `loss_scale_factor` belongs to 16-bit training, which is not offered, and leaves every update unchanged otherwise.

`LossScaleOptimizer` and `MultiOptimizer` wrap other optimizers and are left out for the same reasons.
"""

from __future__ import annotations

from typing import Any

_COMMON: dict[str, Any] = {"weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None}
_ADAM: dict[str, Any] = {**_COMMON, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07}

# name → hyperparameter → Keras' default
OPTIMIZER_OPTIONS: dict[str, dict[str, Any]] = {
    "adadelta": {**_COMMON, "rho": 0.95, "epsilon": 1e-07},
    "adafactor": {
        **_COMMON,
        "beta_2_decay": -0.8,
        "epsilon_1": 1e-30,
        "epsilon_2": 0.001,
        "clip_threshold": 1.0,
        "relative_step": True,
    },
    "adagrad": {**_COMMON, "initial_accumulator_value": 0.1, "epsilon": 1e-07},
    "adam": {**_ADAM, "amsgrad": False},
    "adamax": _ADAM,
    "adamw": {**_ADAM, "weight_decay": 0.004, "amsgrad": False},
    "ftrl": {
        **_COMMON,
        "learning_rate_power": -0.5,
        "initial_accumulator_value": 0.1,
        "l1_regularization_strength": 0.0,
        "l2_regularization_strength": 0.0,
        "l2_shrinkage_regularization_strength": 0.0,
        "beta": 0.0,
    },
    "lamb": _ADAM,
    "lion": {**_COMMON, "beta_1": 0.9, "beta_2": 0.99},
    "muon": {
        **_COMMON,
        "weight_decay": 0.004,
        "adam_beta_1": 0.9,
        "adam_beta_2": 0.999,
        "adam_weight_decay": 0.004,
        "adam_lr_ratio": 1,
        "epsilon": 1e-07,
        "exclude_layers": None,
        "exclude_embeddings": True,
        "muon_a": 3.4445,
        "muon_b": -4.775,
        "muon_c": 2.0315,
        "momentum": 0.95,
        "ns_steps": 5,
        "nesterov": True,
        "rms_rate": 0.2,
    },
    "nadam": _ADAM,
    "rmsprop": {**_COMMON, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-07, "centered": False},
    "schedulefreeadamw": {**_ADAM, "epsilon": 1e-08, "warmup_steps": 0},
    "sgd": {**_COMMON, "momentum": 0.0, "nesterov": False},
}
