"""The next token of a sequence."""

from __future__ import annotations

from batchlab.declarations.columns import Column
from batchlab.declarations.task import Metric, Task

TASK = Task(
    summary="the next token at each place of a sequence, by the cross-entropy of its logits; every token counts alike, "
    "or by its weight in the data",
    metrics=(
        Metric("loss", "mean cross-entropy in nats at fixed weights", "loss", "lower", "nats per token", positive=True),
        Metric("perplexity", "e to the mean cross-entropy", "perplexity", "lower", positive=True),
        Metric(
            "accuracy",
            "share of tokens that are the most probable at fixed weights",
            "accuracy",
            "higher",
            "%",
            100,
            (0, 1),
        ),
    ),
    headline="loss",
    chance="at least the loss, on the training set, of the tokens' shares there",
    derived=(
        Column(
            "loss_gap",
            "test_loss − train_loss",
            title="generalisation gap, test − train loss",
            unit="nats per token",
            formula="test_loss - train_loss",
        ),
    ),
    targets="tokens",
    usual=True,
)
