"""A model at the weights of one replica after the other, to be measured and not trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.models.construction import build_model
from batchlab.training import core, state
from batchlab.training.evaluation import Evaluation


class FrozenModel:
    """A model without an optimizer.

    Args:
        model: The model's settings.
        data: The resident data set.

    Attributes:
        model: The built model, whose own variables `load` sets too.
        variables: Key in snapshots → variable.
        trainable: Keys of the trainable variables in the model's order.
        replicas: Passes through the model; see `core.Replicas`.
        evaluation: Metrics, and statistics of the training set.
    """

    def __init__(self, model: Mapping[str, Any], data: Resident) -> None:
        self.model = build_model(model, data.shape, data.output_shape)
        self.variables = state.variables_of(self.model)
        self.trainable = state.trainable_keys(self.model)
        self.replicas = core.replicas(self.model, data, self.variables)
        self.evaluation = Evaluation(self.replicas, self.model, data)

    @property
    def facts(self) -> dict[str, Any]:
        """How its passes are compiled, for the provenance record."""
        return self.replicas.facts

    def load(self, snapshot: state.Snapshot, seed: int) -> state.Position:
        """Take the weights of one replica and return where it stands.

        Raises:
            BatchlabError: The snapshot belongs to another model, or lacks the seed.
        """
        position = snapshot.load(seed, self.variables)
        self.replicas.restore([state.capture(self.variables)])
        return position

    def take(self, weights: state.Arrays) -> None:
        """Take weights by their keys in snapshots."""
        state.restore(self.variables, weights)
        self.replicas.restore([weights])
