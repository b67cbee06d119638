"""The training core that the environment chose, behind one interface; see `backend`.

Both cores train with the same order of the data, accumulation, positions, snapshots and tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend import runtime
from batchlab.backend.resident import Resident
from batchlab.training import trainer

Trainer: type[trainer.Trainer]
Evaluation: type[Any]
ReEstimation: type[Any]
compilation: Callable[[Any], tuple[bool, dict[str, Any]]]
gradient_at: Callable[[Any, Resident, NDArray[np.int32], bool], list[NDArray[Any]]]

if runtime.NAME == "jax":
    from batchlab.jax_core import functional, vectorising
    from batchlab.jax_core import scores as replica_evaluation
    from batchlab.jax_core import side_by_side as replica_trainer

    Trainer = replica_trainer.Trainer
    Evaluation, ReEstimation = replica_evaluation.Evaluation, replica_evaluation.ReEstimation
    compilation, gradient_at = vectorising.compilation, functional.gradient_at
else:
    from batchlab.tensorflow_core import gradients, inference, one_by_one, re_estimation, xla_choice

    Trainer = one_by_one.Trainer
    Evaluation, ReEstimation = inference.Evaluation, re_estimation.ReEstimation
    compilation, gradient_at = xla_choice.compilation, gradients.gradient_at
