"""The task that runs learn: the one place where training names it."""

from __future__ import annotations

from batchlab.backend.task_interface import Objective
from batchlab.tasks.classification.objective import CLASSIFICATION

TASK: Objective = CLASSIFICATION
