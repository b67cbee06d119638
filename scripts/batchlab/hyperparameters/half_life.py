"""Running averages keep their half-life in examples."""

from batchlab.declarations.options import Choices
from batchlab.declarations.rule import Rule

AVERAGES = ("adam_beta_1", "adam_beta_2", "beta_1", "beta_2", "momentum", "rho")

RULE = Rule(
    summary="momentum and β ^ κ, so that a gradient's weight halves after the same number of examples",
    source="Marek et al. 2025 (arXiv:2507.07101), for β₂",
    scale=lambda given: {
        name: given.present[name] ** given.ratio for name in given.options["of"] if name in given.present
    },
    options=(Choices("of", "hyperparameters that follow", AVERAGES, words=AVERAGES),),
)
