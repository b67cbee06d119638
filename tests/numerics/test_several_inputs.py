"""Models with several inputs: against NumPy, and against the same model with one input that it takes apart itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numerics import cases
from numerics.streaming_side import both
from numerics.task_cases import gradient
from numpy.typing import NDArray
from slow import slow_but
from unit.sources import prepare

from batchlab.backend import streamed
from batchlab.backend.resident import Resident, from_arrays
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.planning.model_files import taking_rows
from batchlab.probes import measuring
from batchlab.sources.settings import resolve
from batchlab.tasks.classification.objective import CLASSIFICATION
from batchlab.training import segment, state
from batchlab.training.model_trial import try_model

Array = NDArray[np.float64]

TOWNS, WIDTH = 5, 8
# The row: 6 numbers of a grid, the number of a town, and a number.
INPUTS: list[dict[str, Any]] = [
    {"name": "grid", "shape": [2, 3], "holds": "numbers"},
    {"name": "town", "shape": [1], "holds": "codes"},
    {"name": "weight", "shape": [1], "holds": "numbers"},
]
BODY = f"""
    flat = keras.layers.Flatten(name="flat")(grid)
    hidden = keras.layers.Dense(4, "tanh", name="hidden")(keras.layers.Concatenate(name="both")([flat, weight]))
    place = keras.layers.Flatten(name="place")(keras.layers.Embedding({TOWNS}, 2, name="towns")(town))
    joined = keras.layers.Concatenate(name="all")([hidden, place]){{more}}
    logits = keras.layers.Dense(classes, name="logits")(joined)
"""
SEVERAL = (
    """
import keras

def build(input_shape, classes):
    # In another order than in the row, and one of them as a mapping would have it.
    weight = keras.Input(input_shape["weight"], name="weight")
    town = keras.Input(input_shape["town"], name="town", dtype="int32")
    grid = keras.Input(input_shape["grid"], name="grid")"""
    + BODY
    + "    return keras.Model({{'weight': weight, 'grid': grid, 'town': town}}, logits)\n"
)
BY_HAND = (
    """
import keras

def build(input_shape, classes):
    row = keras.Input(input_shape)
    grid = keras.layers.Reshape((2, 3), name="cut")(row[:, :6])
    town, weight = keras.ops.cast(row[:, 6:7], "int32"), row[:, 7:8]"""
    + BODY
    + "    return keras.Model(row, logits)\n"
)


def arrays(examples: int = cases.EXAMPLES) -> dict[str, NDArray[Any]]:
    found = cases.arrays(examples, (WIDTH,))
    for split in ("train", "validation", "test"):
        count = len(found[f"y_{split}"])
        found[f"x_{split}"][:, 6] = (np.arange(count) * 3 + found[f"y_{split}"]) % TOWNS
    return found


def resident() -> Resident:
    return from_arrays(arrays(), CLASSIFICATION)


def several(folder: Path, more: str = "", code: str = SEVERAL, inputs: Any = INPUTS) -> dict[str, Any]:
    (folder / "several.py").write_text(code.format(more=more) if "{more}" in code else code)
    return {"name": "several_inputs", "of": {"file": str(folder / "several.py"), "code": "01234"}, "inputs": inputs}


def by_hand(folder: Path, more: str = "") -> dict[str, Any]:
    (folder / "by_hand.py").write_text(BY_HAND.format(more=more))
    return {"file": str(folder / "by_hand.py"), "code": "56789"}


def loss_gradient(weights: list[Array], x: Array, labels: NDArray[Any]) -> list[Array]:
    """Return the gradient of the mean cross-entropy by backpropagation, written out."""
    kernel, bias, towns, last, shift = weights
    town, numbers = x[:, 6].astype(int), np.delete(x, 6, axis=1)
    hidden = np.tanh(numbers @ kernel + bias)
    joined = np.concatenate([hidden, towns[town]], axis=1)
    logits = joined @ last + shift
    delta = np.exp(logits - logits.max(axis=1, keepdims=True))
    delta /= delta.sum(axis=1, keepdims=True)
    delta[np.arange(len(labels)), labels] -= 1
    delta /= len(labels)
    back = delta @ last.T
    before = back[:, :4] * (1 - hidden**2)
    of_towns = np.zeros_like(towns)
    np.add.at(of_towns, town, back[:, 4:])
    return [numbers.T @ before, before.sum(axis=0), of_towns, joined.T @ delta, delta.sum(axis=0)]


def ordered(named: dict[str, Any]) -> list[Array]:
    keys = ("hidden/kernel", "hidden/bias", "towns/embeddings", "logits/kernel", "logits/bias")
    return [next(np.asarray(value, np.float64) for name, value in named.items() if name.endswith(key)) for key in keys]


@pytest.mark.parametrize("micro", slow_but([16, 4, 1], 4))
def test_the_gradient_is_that_of_numpy_whatever_the_accumulation(tmp_path: Path, micro: int) -> None:
    with cases.precision("float64"):
        data = resident()
        model = build_model(several(tmp_path), data.shape, data.output_shape, seed=2)
        names = [variable.path for variable in model.trainable_variables]
        weights = ordered(dict(zip(names, model.trainable_variables, strict=True)))
        rows = np.arange(16, dtype=np.int32)
        found = ordered(dict(zip(names, gradient(model, data, rows, micro), strict=True)))
    values = arrays()
    expected = loss_gradient(weights, values["x_train"][:16], values["y_train"][:16])
    assert cases.relative_error(found, expected) < 1e-9


def weights_of(snapshot: state.Snapshot) -> dict[str, Array]:
    return {key: values for key, values in snapshot.arrays.items() if key.startswith("weights/")}


@pytest.mark.slow
def test_accumulation_changes_nothing_in_training(tmp_path: Path) -> None:
    model = several(tmp_path)
    with cases.precision("float64"):
        data = resident()
        start = cases.initial(data, cases.spec(model=model))
        first, *others = (
            ordered(weights_of(cases.trained(data, start, model=model, accumulation=k).snapshot)) for k in (1, 4, 16)
        )
    assert max(cases.relative_error(other, first) for other in others) < 1e-10


DROPOUT = "\n    joined = keras.layers.Dropout(0.4, name='drop')(joined)"


CASES: dict[str, tuple[str, dict[str, str]]] = {
    "plain": ("", {}),
    "dropout": (DROPOUT, {}),
    "by example": (DROPOUT, {"masks": "by_example"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_training_is_bitwise_that_of_one_input_that_is_taken_apart(tmp_path: Path, case: str) -> None:
    more, masks = CASES[case]
    data, found = resident(), []
    for model in (several(tmp_path, more), by_hand(tmp_path, more)):
        settings = {"model": {**model, **masks}, "optimizer": cases.optimizer("adam"), "seeds": [3, 4]}
        start = cases.initial(data, cases.spec(**settings))
        found.append(cases.trained(data, start, **settings, accumulation=4))
    ours, theirs = (weights_of(each.snapshot) for each in found)
    assert ours.keys() == theirs.keys() and len(ours) >= 5
    for key, values in ours.items():
        np.testing.assert_array_equal(values, theirs[key], err_msg=key)
    one, other = ([{**row, "seconds": 0} for row in each.history] for each in found)
    assert one == other


@pytest.mark.slow
def test_masks_by_example_do_not_follow_accumulation(tmp_path: Path) -> None:
    model = {**several(tmp_path, DROPOUT), "masks": "by_example"}
    with cases.precision("float64"):
        data = resident()
        start = cases.initial(data, cases.spec(model=model))
        whole, parts = (
            ordered(weights_of(cases.trained(data, start, model=model, accumulation=k, stop=32).snapshot))
            for k in (1, 4)
        )
    assert cases.relative_error(parts, whole) < 1e-12


@pytest.mark.slow
def test_a_probe_measures_it_as_it_measures_one_input(tmp_path: Path) -> None:
    data, found = resident(), []
    for model in (several(tmp_path), by_hand(tmp_path)):
        start = cases.initial(data, cases.spec(model=model))
        probe = {"name": "gradient_norms", "trials": 3, "samples": 16, "batch_sizes": [2, 8]}
        measured = measuring.measure({**cases.spec(model=model), "position": 0, "probe": probe}, data, (start,))
        found.append(measured.tables)
    assert len(found[0]["gradient_norms"]) == 12
    assert found[0] == found[1]


@pytest.mark.slow
def test_training_from_a_file_is_training_from_memory(tmp_path: Path) -> None:
    model = several(tmp_path)
    in_memory, on_disk = both(tmp_path, arrays(2301))
    start = cases.initial(in_memory, cases.spec(model=model))
    memory, streamed.memory = streamed.memory, lambda: 10_000  # type: ignore[assignment]
    try:
        one, other = (
            segment.train(cases.spec(model=model, stop=2301, accumulation=2), data, start, start)
            for data in (in_memory, on_disk)
        )
    finally:
        streamed.memory = memory
    assert [row["train_loss"] for row in one.history] == [row["train_loss"] for row in other.history]
    for key, values in one.snapshot.arrays.items():
        np.testing.assert_array_equal(values, other.snapshot.arrays[key], err_msg=key)


TWO = """
import keras

def build(input_shape, classes):
    grid = keras.Input(input_shape["grid"], name="grid")
    {town}
    flat = keras.layers.Concatenate()([keras.layers.Flatten()(grid), keras.ops.cast(town, "float32")])
    {end}
"""
TOWN = 'town = keras.Input(input_shape["town"], name="town", dtype="int32")'
END = "return keras.Model([grid, town], keras.layers.Dense(classes)(flat))"


@pytest.mark.parametrize(
    ("town", "end", "holds", "words"),
    [
        (TOWN.replace('name="town"', 'name="city"'), END, "codes", "has no input 'town'.*name='town'"),
        (
            TOWN,
            "more = keras.Input((2,), name='more'); " + END.replace("town]", "town, more]"),
            "codes",
            "input 'more'",
        ),
        (TOWN.replace('input_shape["town"]', "(2,)"), END, "codes", r"'town' has the shape \(2,\).*\(1,\)"),
        (TOWN, END, "numbers", "'town' takes int32, and the data are numbers.*codes: true"),
        (TOWN.replace(', dtype="int32"', ""), END, "codes", "'town' takes float32, and the data are codes"),
        (TOWN.replace("int32", "float16"), END, "integers", "'town' takes float16, and the precision is float32"),
        (
            TOWN,
            "return keras.Model([grid, town], [flat, keras.layers.Dense(classes)(flat)])",
            "codes",
            "several outputs",
        ),
        (TOWN, "return keras.Model([grid, town], keras.layers.Dense(9)(flat))", "codes", r"must return shape \(2, 3\)"),
        (TOWN, "return 3", "codes", "returned int instead"),
        (TOWN, "return keras.Model(grid[0], 1)", "codes", r"build\(\) failed"),
        (TOWN, "m = " + END[7:] + "; m.compile('sgd', 'mse'); return m", "codes", r"take out model.compile"),
        (
            TOWN,
            "wide = keras.layers.Reshape((1, -1))(flat); return keras.Model([grid, town], "
            "keras.layers.Dense(classes)(keras.layers.LSTM(2, stateful=True)(wide)))",
            "codes",
            "stateful=True",
        ),
    ],
)
def test_other_models_are_refused_in_one_line(tmp_path: Path, town: str, end: str, holds: str, words: str) -> None:
    inputs = [INPUTS[0], {**INPUTS[1], "holds": holds}]
    settings = several(tmp_path, code=TWO.format(town=town, end=end), inputs=inputs)
    with pytest.raises(BatchlabError, match=words) as caught:
        build_model(settings, (7,), (3,))
    assert "\n" not in str(caught.value) and "several.py" in str(caught.value)


def test_the_example_of_the_manual_fits_its_data(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "own-data.md").read_text(encoding="utf-8")
    [code] = [block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "two_views" in block]
    [keys] = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.S) if "two_views" in block]
    (tmp_path / "two_views.py").write_text(code)
    draw, n = np.random.default_rng(1), 60
    arrays = {"scans": draw.integers(0, 256, (n, 16, 16)).astype(np.uint8), "measures": draw.normal(size=(n, 3))}
    np.savez(tmp_path / "patients.npz", **arrays, wards=np.arange(n) % 12, y=np.arange(n) % 3)
    campaign = yaml.safe_load(keys)
    dataset = {**campaign["datasets"]["patients"], "file": str(tmp_path / "patients.npz")}
    options = {key: value for key, value in campaign["models"]["two_views"].items() if key != "file"}
    settings = {"code": "01234", "file": str(tmp_path / "two_views.py"), **options}
    taken = taking_rows("models.two_views", settings, resolve(dataset).shape.inputs)
    found = try_model(taken, from_arrays(dict(prepare(dataset, tmp_path).arrays), CLASSIFICATION))
    assert found["parameters"] == 9 * 8 + 8 + 12 * 4 + (8 + 3 + 4) * 32 + 32 + 32 * 3 + 3


def test_a_model_of_several_inputs_is_tried_before_it_is_trained(tmp_path: Path) -> None:
    data = resident()
    assert try_model(several(tmp_path), data)["parameters"] == 7 * 4 + 4 + TOWNS * 2 + 6 * 3 + 3
    softmax = SEVERAL.replace('name="logits"', 'name="logits", activation="softmax"')
    with pytest.raises(BatchlabError, match="returns probabilities"):
        try_model(several(tmp_path, code=softmax), data)
    few = SEVERAL.replace(f"Embedding({TOWNS}", f"Embedding({TOWNS - 2}")
    with pytest.raises(BatchlabError, match=r"input 'town'.* 0 to 4"):
        try_model(several(tmp_path, code=few), data)
