"""A user's model of several inputs as one of one input: the row in which the data set keeps an example.

Planning puts it in place of the user's model where the data set has `inputs`. Everything that handles examples, from
their order to the cores, so goes on handling one array.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.backend.runtime import float_type, keras
from batchlab.errors import BatchlabError, nearest, one_line
from batchlab.models.construction import builder_of, check_model, options_given

# Before the name of an input, in that of the layer that takes it out of the row.
_PREFIX = "input_"


@keras.saving.register_keras_serializable("batchlab")
class TakenFromRow(keras.layers.Layer):
    """One input of a model, taken out of the row of an example.

    Args:
        start: Its first place in the row.
        shape: Its shape for one example.
        into: Its type, such as `float32` or `int32`.
        **more: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, start: int, shape: Sequence[int], into: str, **more: Any) -> None:
        super().__init__(**more)
        self.start, self.shape, self.into = start, tuple(shape), into

    @property
    def takes_integers(self) -> bool:
        """Whether the model asks for integers."""
        return bool(keras.backend.is_int_dtype(self.into))

    @property
    def size(self) -> int:
        """Numbers of the input in a row."""
        return math.prod(self.shape)

    @property
    def input_name(self) -> str:
        """Name of the user's `keras.Input`."""
        return str(self.name).removeprefix(_PREFIX)

    def call(self, rows: Any) -> Any:
        """Return the input, shape (examples, *shape), of rows (examples, width)."""
        values = rows[:, self.start : self.start + self.size]
        return keras.ops.cast(keras.ops.reshape(values, (-1, *self.shape)), self.into)

    def compute_output_spec(self, rows: Any) -> Any:
        """Return shape and type of the input: rows are numbers, and it may be integers."""
        return keras.KerasTensor((rows.shape[0], *self.shape), self.into)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "start": self.start, "shape": list(self.shape), "into": self.into}


def build(
    input_shape: Sequence[int], classes: int, of: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]
) -> keras.Model:
    """Build the user's model by its `build({name: shape, …}, classes, **options)`, behind one input for the row.

    Args:
        input_shape: (width of the row,).
        classes: Number of classes, or of outputs.
        of: Settings of the user's model.
        inputs: `name`, `shape` and `holds` of each input, in the order in which they lie in the row.

    Raises:
        BatchlabError: The user's model does not have these inputs, or cannot be trained.
    """
    where = f"model {of.get('file') or of.get('name')}"
    shapes = {each["name"]: tuple(each["shape"]) for each in inputs}
    function = builder_of(of)
    try:
        user = function(dict(shapes), classes, **options_given(of))
    except BatchlabError:
        raise
    except Exception as problem:
        raise BatchlabError(
            f"{where}: build() failed: {type(problem).__name__}: {one_line(str(problem))}; with several inputs its "
            "input_shape is a mapping, as in input_shape['image']"
        ) from problem
    named = _inputs_of(where, user, shapes)
    row = keras.Input(tuple(input_shape), name="row")
    taken, start = {}, 0
    for each in inputs:
        name, shape = each["name"], shapes[each["name"]]
        into = _type(where, named[name], each)
        taken[name] = TakenFromRow(start, shape, into, name=_PREFIX + name)(row)
        start += math.prod(shape)
    # Called layer by layer, so that the layers are those of the model that is returned, whatever looks at them.
    outputs = user.call(keras.tree.map_structure(lambda tensor: taken[tensor.name], user.input))
    if not isinstance(outputs, keras.KerasTensor):
        raise BatchlabError(f"{where}: has several outputs; return one, the outputs of the task")
    model = keras.Model(row, outputs, name=user.name)
    check_model(where.removeprefix("model "), model, input_shape, (classes,))
    return model


def _inputs_of(where: str, user: Any, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return name → input of the user's model; they are those of the data.

    Raises:
        BatchlabError: It is no functional model, or has other inputs.
    """
    if not isinstance(user, keras.Model):
        raise BatchlabError(f"{where}: build() returned {type(user).__name__} instead of a keras.Model")
    tensors = getattr(user, "inputs", None) or ()
    if not tensors:
        raise BatchlabError(
            f"{where}: does not know its inputs; return keras.Model(inputs, outputs) with a keras.Input(shape, name=…) "
            f"for each of {', '.join(shapes)}"
        )
    if user.compiled:
        raise BatchlabError(
            f"{where}: build() returns a compiled model, whose loss and optimizer would be ignored; the campaign names "
            "them: take out model.compile(…)"
        )
    named = {tensor.name: tensor for tensor in tensors}
    for name, shape in shapes.items():
        if name not in named:
            spare = [each for each in named if each not in shapes]
            hint = f" (it has {close!r})" if (close := nearest(name, spare)) else ""
            raise BatchlabError(
                f"{where}: has no input {name!r}{hint}, which the data set has; add keras.Input(input_shape[{name!r}], "
                f"name={name!r}), or take it out of the data set's inputs"
            )
        found = tuple(named[name].shape[1:])
        if len(found) != len(shape) or any(own not in (None, given) for own, given in zip(found, shape, strict=True)):
            raise BatchlabError(
                f"{where}: its input {name!r} has the shape {found}, and the data set's has {shape}; write "
                f"keras.Input(input_shape[{name!r}], name={name!r})"
            )
    if extra := [name for name in named if name not in shapes]:
        raise BatchlabError(
            f"{where}: has an input {extra[0]!r}, which the data set has not; its inputs are {', '.join(shapes)}"
        )
    return named


def _type(where: str, tensor: Any, given: Mapping[str, Any]) -> str:
    """Return the type of an input: the campaign's precision, or integers where the data are.

    Raises:
        BatchlabError: The model asks for something else.
    """
    name, holds, found = given["name"], given["holds"], keras.backend.standardize_dtype(tensor.dtype)
    whole = keras.backend.is_int_dtype(found)
    if whole and holds == "numbers":
        raise BatchlabError(
            f"{where}: its input {name!r} takes {found}, and the data are numbers that may be fractions; leave dtype "
            f"out of keras.Input, or make them whole numbers (columns: inputs: {{{name}: {{of: […], codes: true}}}})"
        )
    if not whole and holds == "codes":
        raise BatchlabError(
            f"{where}: its input {name!r} takes {found}, and the data are codes, whose order means nothing; write "
            f"keras.Input(…, dtype='int32') and an Embedding, or leave codes out, which makes a feature of each word"
        )
    if not whole and found != float_type():
        raise BatchlabError(
            f"{where}: its input {name!r} takes {found}, and the precision is {float_type()}; leave dtype out of "
            "keras.Input (the key precision of the campaign sets it)"
        )
    return str(found)
