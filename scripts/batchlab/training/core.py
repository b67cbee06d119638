"""The training core that the environment chose, behind one interface; see `backend`.

Both cores train with the same order of the data, accumulation, positions, snapshots and tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.training import backend, trainer
from batchlab.training.resident import Resident

Trainer: type[trainer.Trainer]
Evaluation: type[Any]
ReEstimation: type[Any]
compilation: Callable[[Any], tuple[bool, dict[str, Any]]]
gradient_at: Callable[[Any, Resident, NDArray[np.int32], bool], list[NDArray[Any]]]

if backend.NAME == "jax":
    from batchlab.training.replicas import evaluation as replica_evaluation
    from batchlab.training.replicas import functional, vectorising
    from batchlab.training.replicas import trainer as replica_trainer

    Trainer = replica_trainer.Trainer
    Evaluation, ReEstimation = replica_evaluation.Evaluation, replica_evaluation.ReEstimation
    compilation, gradient_at = vectorising.compilation, functional.gradient_at
else:
    from batchlab.training import evaluation, jit, re_estimation, sequential, updates

    Trainer = sequential.Trainer
    Evaluation, ReEstimation = evaluation.Evaluation, re_estimation.ReEstimation
    compilation, gradient_at = jit.compilation, updates.gradient_at
