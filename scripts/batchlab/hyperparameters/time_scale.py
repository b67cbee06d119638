"""Weight decay keeps its time scale in epochs."""

from batchlab.declarations.rule import Hyperparameters, Rule, Scaling


def _scale(given: Scaling) -> Hyperparameters:
    faster = given.present["learning_rate"] / given.reference["learning_rate"]
    return {
        name: given.present[name] * given.ratio / faster
        for name in ("weight_decay", "adam_weight_decay")
        if name in given.present
    }


RULE = Rule(
    summary="weight decay × κ / (factor of the learning rate), so that weights forget after the same number of epochs",
    source="Wang & Aitchison 2024 (arXiv:2405.13698)",
    scale=_scale,
)
