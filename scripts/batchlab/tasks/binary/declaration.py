"""Binary classification: two classes, told apart by one output."""

from __future__ import annotations

from batchlab.declarations.task import Task
from batchlab.tasks.declared import BALANCED_ACCURACY, CLASS_WEIGHTS, METRICS, OF_ANSWERS, answers

TASK = Task(
    summary="one of two classes for each example, by the cross-entropy of the sigmoid of one logit",
    metrics=answers("mean cross-entropy in nats at fixed weights"),
    headline="accuracy",
    chance="at most the accuracy of the more frequent class on the test set, or at least the loss of the best constant "
    "prediction on the training set",
    derived=OF_ANSWERS,
    options=(CLASS_WEIGHTS, METRICS),
    more=(BALANCED_ACCURACY,),
)
