"""Lightning's batch-size finder, and its learning-rate finder after it, on the same model with Keras on PyTorch."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import lightning
import torch
from lightning.pytorch.tuner import Tuner
from torch.utils.data import DataLoader, TensorDataset

from batchlab.errors import BatchlabError
from peers.process.workload import Workload, load, machine_seconds


class _Module(lightning.LightningModule):
    """The model with its data, loss and optimizer, as Lightning asks for them."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.batch_size, self.learning_rate = 2, workload.request["run"]["learning_rate"]
        self.model, self._loss = workload.model(0), workload.loss()
        self._data = TensorDataset(torch.from_numpy(workload.x), torch.from_numpy(workload.y))
        self._settings = workload.request["run"]["optimizer"]

    def train_dataloader(self) -> Any:
        """Return shuffled batches."""
        return DataLoader(self._data, batch_size=self.batch_size, shuffle=True)

    def training_step(self, batch: Any, number: int) -> Any:
        """Return the loss of a batch."""
        x, y = batch
        return self._loss(y, self.model(x, training=True))

    def configure_optimizers(self) -> Any:
        """Return PyTorch's optimizer with the campaign's settings."""
        return _optimizer(self._settings, self.model.parameters(), self.learning_rate)


def _optimizer(settings: Mapping[str, Any], parameters: Any, rate: float) -> Any:
    name = settings["name"]
    if name == "sgd":
        more = {"momentum": settings["momentum"], "nesterov": settings["nesterov"]}
        return torch.optim.SGD(parameters, rate, **more)
    if name in ("adam", "adamw"):
        kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
        more = {"weight_decay": settings["weight_decay"] or 0.0} if name == "adamw" else {}
        return kind(parameters, rate, (settings["beta_1"], settings["beta_2"]), settings["epsilon"], **more)
    raise BatchlabError(f"peers: no optimizer of PyTorch is named here for {name}; sgd, adam and adamw are")


def search(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return `batch_size`, `learning_rate`, `seconds` of all cores that it took, sizes or rates `tried`, `versions`.

    Args:
        request: See `tuner_search.search`.
    """
    workload = load(request)
    begun = machine_seconds()
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            accelerator="cpu",
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
        module = _Module(workload)
        tuner = Tuner(trainer)
        size = tuner.scale_batch_size(module)
        tried = max(1, int(size or 1).bit_length() - 1)
        if request["search"] == "lightning_rate":
            # With its defaults it would take at most as many steps as an epoch has.
            trainer.fit_loop.max_epochs = None
            found = tuner.lr_find(module)
            tried = len(found.results["lr"])
            if found.suggestion() is None:
                raise BatchlabError("peers: Lightning's rate finder suggests no rate")
    return {
        "batch_size": int(size),
        "learning_rate": float(module.learning_rate),
        "seconds": machine_seconds() - begun,
        "tried": tried,
        "versions": {name: version(name) for name in ("lightning", "torch", "keras")},
    }
