"""The training core that the environment chose, behind one interface; see `backend`.

Both cores train with the same order of the data, accumulation, positions, snapshots and tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlab.training import backend, trainer

Trainer: type[trainer.Trainer]
Evaluation: type[Any]
ReEstimation: type[Any]
compilation: Callable[[Any], tuple[bool, dict[str, Any]]]

if backend.NAME == "jax":
    from batchlab.training.replicas import evaluation as replica_evaluation
    from batchlab.training.replicas import trainer as replica_trainer
    from batchlab.training.replicas import vectorising

    Trainer = replica_trainer.Trainer
    Evaluation, ReEstimation = replica_evaluation.Evaluation, replica_evaluation.ReEstimation
    compilation = vectorising.compilation
else:
    from batchlab.training import evaluation, jit, re_estimation, sequential

    Trainer = sequential.Trainer
    Evaluation, ReEstimation = evaluation.Evaluation, re_estimation.ReEstimation
    compilation = jit.compilation
