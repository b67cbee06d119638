"""Classification: one of several classes for each example."""

from __future__ import annotations

from batchlab.declarations.task import Task
from batchlab.tasks.declared import BALANCED_ACCURACY, CLASS_WEIGHTS, METRICS, OF_ANSWERS, answers

TASK = Task(
    summary="one of several classes for each example, by the cross-entropy of its logits",
    metrics=answers("mean cross-entropy in nats at fixed weights"),
    headline="accuracy",
    chance="at most the accuracy of the most frequent class on the test"
    " set, or at least the loss of the best constant prediction on the training set",
    derived=OF_ANSWERS,
    usual=True,
    options=(CLASS_WEIGHTS, METRICS),
    more=(BALANCED_ACCURACY,),
)
