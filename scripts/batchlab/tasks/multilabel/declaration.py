"""Several labels of one example, each of which applies or does not."""

from __future__ import annotations

from batchlab.declarations.task import Metric, Task
from batchlab.tasks.declared import ANSWER_WEIGHTS, OF_ANSWERS, answers

TASK = Task(
    summary="which of several labels apply to each example, by the cross-entropy of the sigmoid of a logit for each",
    metrics=(
        *answers("mean cross-entropy over examples and labels in nats at fixed weights"),
        Metric(
            "exact_match",
            "share of examples all of whose labels are right, at fixed weights",
            "exact matches",
            "higher",
            "%",
            100,
            (0, 1),
        ),
    ),
    headline="accuracy",
    chance="at most the accuracy of each label's more frequent answer on the test set, or at least the loss of the "
    "best constant prediction on the training set",
    derived=OF_ANSWERS,
    targets="flags",
    usual=True,
    options=(ANSWER_WEIGHTS,),
)
