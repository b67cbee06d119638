"""Classification: one of several classes for each example."""

from __future__ import annotations

from batchlab.declarations.columns import Column
from batchlab.declarations.task import Metric, Task


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


TASK = Task(
    summary="one of several classes for each example, by the cross-entropy of its logits",
    metrics=(
        Metric(
            "loss", "mean cross-entropy in nats at fixed weights", "loss", "lower", "nats per example", positive=True
        ),
        Metric("accuracy", "share of correct answers at fixed weights", "accuracy", "higher", "%", 100, (0, 1)),
    ),
    headline="accuracy",
    derived=(
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
    ),
)
