"""Running averages keep their half-life in examples."""

from batchlab.declarations.options import OPTIONAL, Choices, Number
from batchlab.declarations.rule import Hyperparameters, Rule, Scaling

AVERAGES = ("adam_beta_1", "adam_beta_2", "beta_1", "beta_2", "momentum", "rho")


def _scale(given: Scaling) -> Hyperparameters:
    """Return β ^ κ, or ½ ^ (B / half-life) where the half-life is given."""
    names = [name for name in given.options["of"] if name in given.present]
    if (examples := given.options.get("examples")) is not None:
        return dict.fromkeys(names, 0.5 ** (given.batch_size / examples))
    return {name: given.present[name] ** given.ratio for name in names}


RULE = Rule(
    summary="momentum and β ^ κ, so that a gradient's weight halves after the same number of examples",
    source="Marek et al. 2025 (arXiv:2507.07101), for β₂",
    scale=_scale,
    options=(
        Choices("of", "hyperparameters that follow", AVERAGES, words=AVERAGES),
        Number(
            "examples",
            "half-life in examples: ½ ^ (B / half-life) in place of the optimizer's own value and its reference",
            OPTIONAL,
            above=0,
        ),
    ),
)
