"""What declarations of tasks share whose answers are right or wrong. Standard library only."""

from __future__ import annotations

from batchlab.declarations.columns import Column
from batchlab.declarations.options import OPTIONAL, Choices, ClassWeights
from batchlab.declarations.task import Metric

CLASS_WEIGHTS = ClassWeights(
    "class_weights",
    "how much examples of each class count in updates: `balanced` (all classes alike), or a mapping of names to "
    "weights, of those that are not named 1; metrics are of the examples as they are",
    OPTIONAL,
)
ANSWER_WEIGHTS = ClassWeights(
    "class_weights",
    "how much answers count in updates: `balanced` (yes and no alike in each label), or a mapping of labels' names to "
    "the weight of yes, 1 where none is named; metrics are of the examples as they are",
    OPTIONAL,
)
METRICS = Choices("metrics", "metrics beside loss and accuracy", OPTIONAL, words=("balanced_accuracy",))
BALANCED_ACCURACY = Metric(
    "balanced_accuracy",
    "mean over the classes of the share of correct answers at fixed weights",
    "balanced accuracy",
    "higher",
    "%",
    100,
    (0, 1),
)


def answers(loss: str) -> tuple[Metric, ...]:
    """Return loss and accuracy.

    Args:
        loss: What the loss is.
    """
    return (
        Metric("loss", loss, "loss", "lower", "nats per example", positive=True),
        Metric("accuracy", "share of correct answers at fixed weights", "accuracy", "higher", "%", 100, (0, 1)),
    )


def _error(split: str) -> Column:
    return Column(
        f"{split}_error",
        f"1 − {split}_accuracy",
        title=f"{split} error",
        unit="%",
        factor=100,
        bounds=(0, 1),
        formula=f"1 - {split}_accuracy",
        quantity="error",
        series=split,
        better="lower",
    )


# Columns derived of loss and accuracy.
OF_ANSWERS = (
    Column(
        "generalisation_gap",
        "train_accuracy − test_accuracy",
        title="generalisation gap, train − test accuracy",
        unit="pp",
        factor=100,
        bounds=(-1, 1),
        formula="train_accuracy - test_accuracy",
    ),
    Column(
        "loss_gap",
        "test_loss − train_loss",
        title="loss gap, test − train",
        unit="nats per example",
        formula="test_loss - train_loss",
    ),
    *(_error(split) for split in ("train", "validation", "test")),
)
