"""All hyperparameters of Adam follow the batch size, as the limit of small learning rates asks."""

import math

from batchlab.declarations.rule import Hyperparameters, Rule, Scaling


def _scale(given: Scaling) -> Hyperparameters:
    ratio, reference = given.ratio, given.reference
    scaled = {"learning_rate": reference["learning_rate"] * math.sqrt(ratio)}
    scaled |= {name: 1 - ratio * (1 - reference[name]) for name in ("beta_1", "beta_2", "rho") if name in reference}
    scaled |= {name: reference[name] / math.sqrt(ratio) for name in ("epsilon",) if name in reference}
    return scaled


RULE = Rule(
    summary="learning rate × √κ; 1 − β₁, 1 − β₂ (1 − ρ) × κ; ε / √κ",
    source="Malladi et al. 2022, square-root scaling rule of Adam and RMSprop",
    scale=_scale,
)
