"""KerasTuner over the batch size, or batch size and rate, for a given time, with Keras' fit on TensorFlow."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import keras_tuner

from batchlab.backend.runtime import keras
from batchlab.training.optimizers import optimizer_class
from peers.process.workload import Workload, load, machine_seconds

# Rates are tried from the present one divided by this to the present one times this.
_RANGE = 32.0
_SECONDS = "seconds_to_target"
# Keras' fit takes a third of the time with small batches if it comes back to Python only now and then.
_FAST = {"steps_per_execution": 50, "jit_compile": False}


class _TimeIsOverError(Exception):
    """No trial begins after the given time."""


class _Clock(keras.callbacks.Callback):
    """Notes how long each epoch takes, and ends the training one epoch after the target is reached.

    The first epoch compiles, so it says nothing of the time of an epoch.
    """

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self._workload, self._seconds, self.epochs = workload, list[float](), 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self._begun = machine_seconds()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop the clock."""
        self._seconds.append(machine_seconds() - self._begun)
        value, target = (logs or {})[self._workload.metric], self._workload.target
        if not self.epochs and (value >= target if self._workload.better == "max" else value <= target):
            self.epochs = epoch + 1
        if self.epochs and len(self._seconds) > 1:
            self.model.stop_training = True

    def seconds(self, epochs: int) -> float:
        """Return the seconds to the target, ten times those of the whole training where it is not reached."""
        each = statistics.median(self._seconds[1:] or self._seconds)
        return each * (self.epochs or 10 * epochs)


class _End(keras.callbacks.Callback):
    """Ends a training when the time of the search is over; what it has reached by then is judged."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self._end = end

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the clock."""
        if machine_seconds() >= self._end:
            self.model.stop_training = True


class _Searched(keras_tuner.HyperModel):
    """The model, whose training is what is searched."""

    def __init__(self, workload: Workload, end: float) -> None:
        super().__init__()
        self._workload, self._end, self._built = workload, end, 0

    def build(self, hp: Any) -> Any:
        """Return the compiled model, with other initial weights each time; what is searched is named here."""
        examples = self._workload.examples
        sizes = [2**power for power in range(1, examples.bit_length())]
        hp.Choice("batch_size", sizes, default=min(32, sizes[-1]), ordered=True)
        run, search = self._workload.request["run"], self._workload.request["search"]
        rate = run["learning_rate"]
        if search != "keras_tuner_size":
            rate = hp.Float("learning_rate", rate / _RANGE, rate * _RANGE, sampling="log", default=rate)
        model = self._workload.model(self._built)
        self._built += 1
        options = {key: value for key, value in run["optimizer"].items() if key != "name"}
        optimizer = optimizer_class(run["optimizer"]["name"])(learning_rate=rate, **options)
        model.compile(optimizer, self._workload.loss(), metrics=self._workload.metrics(), **_FAST)
        return model

    def fit(self, hp: Any, model: Any, **more: Any) -> Any:
        """Train; return what is judged."""
        workload, request = self._workload, self._workload.request
        clock = _Clock(workload) if request["search"] == "keras_tuner_time" else None
        history = model.fit(
            workload.x,
            workload.y,
            batch_size=hp.get("batch_size"),
            epochs=request["epochs"],
            validation_data=(workload.x_validation, workload.y_validation),
            callbacks=[*more.get("callbacks", ()), _End(self._end), *([clock] if clock else ())],
            verbose=0,
        )
        return {_SECONDS: clock.seconds(request["epochs"])} if clock else history


class _Tuner(keras_tuner.BayesianOptimization):
    """The Bayesian search, which ends when its time is over."""

    def __init__(self, end: float, **options: Any) -> None:
        self._end = end
        super().__init__(**options)

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """Begin a trial if there is time."""
        if machine_seconds() >= self._end:
            raise keras_tuner.errors.FatalError(_TimeIsOverError())
        return super().run_trial(trial, *args, **kwargs)


def search(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return `batch_size`, `learning_rate`, `seconds` of all cores that it took, trials `tried`, and `versions`.

    Args:
        request: `search`, its name; `run`, settings of a run (`model`, `optimizer`, `learning_rate`, `task`); `data`,
            path of the prepared data set; `epochs`; `target` (`metric`, `value`, `better`); `seconds` of all cores that
            it may take.
    """
    workload = load(request)
    begun = machine_seconds()
    end = begun + request["seconds"]
    judged = (_SECONDS, "min") if request["search"] == "keras_tuner_time" else (workload.metric, workload.better)
    with tempfile.TemporaryDirectory() as folder:
        tuner = _Tuner(
            end,
            hypermodel=_Searched(workload, end),
            objective=keras_tuner.Objective(*judged),
            max_trials=10_000,
            directory=folder,
            project_name="search",
            seed=0,
        )
        try:
            tuner.search()
        except keras_tuner.errors.FatalError as problem:
            if not isinstance(problem.args[0], _TimeIsOverError):
                raise
        done = [trial for trial in tuner.oracle.trials.values() if trial.score is not None]
        best = tuner.oracle.get_best_trials(1)[0].hyperparameters.values
    return {
        "batch_size": best["batch_size"],
        "learning_rate": best.get("learning_rate", request["run"]["learning_rate"]),
        "seconds": machine_seconds() - begun,
        "tried": len(done),
        "versions": {name: version(name) for name in ("keras-tuner", "keras", "tensorflow-cpu")},
    }
