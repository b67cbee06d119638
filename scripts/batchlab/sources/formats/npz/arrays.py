"""Which arrays of an archive are used, and whether they fit together.

Standard library only. It serves planning, which reads headers, and the job that reads the arrays, so that both agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from batchlab.declarations.source import FileShape
from batchlab.errors import BatchlabError
from batchlab.sources.labels import check_classes, check_repeated

POOL = ("x", "y")
GIVEN_SPLIT = ("x_train", "y_train", "x_test", "y_test")


def arrays_of(names: Iterable[str], path: Path) -> tuple[str, ...]:
    """Return the names of the arrays that are used: `POOL` or `GIVEN_SPLIT`."""
    present = set(names)
    for layout in (GIVEN_SPLIT, POOL):
        if present >= set(layout):
            return layout
    raise BatchlabError(
        f"{path}: needs the arrays x and y, or x_train, y_train, x_test and y_test; "
        f"it holds: {', '.join(sorted(present)) or 'nothing'}"
    )


def shape_of(path: Path, shapes: dict[str, tuple[int, ...]], labels: dict[str, tuple[int, set[int]]]) -> FileShape:
    """Return what an archive holds, after checking that its arrays fit together.

    Args:
        path: The archive, for messages.
        shapes: Shape of every array of examples, by name.
        labels: Number of labels and the set of distinct labels, by name.
    """
    inputs = {name: _example_shape(shape, f"{path}: {name}") for name, shape in shapes.items()}
    for name, shape in shapes.items():
        partner = name.replace("x", "y", 1)
        if labels[partner][0] != shape[0]:
            raise BatchlabError(f"{path}: {name} has {shape[0]} examples, {partner} has {labels[partner][0]} labels")
    if len(set(inputs.values())) > 1:
        raise BatchlabError(f"{path}: x_train and x_test hold examples of different shapes: {inputs}")
    first = next(iter(shapes))
    own = first.replace("x", "y", 1)
    classes = check_classes(labels[own][1], f"{path}: {own}")
    check_repeated(labels[own][0], classes, f"{path}: {own}")
    if unknown := sorted(label for _, found in labels.values() for label in found if not 0 <= label < classes):
        raise BatchlabError(f"{path}: y_test holds the label {unknown[0]}, which no training example has")
    test = shapes["x_test"][0] if "x_test" in shapes else None
    return FileShape(shapes[first][0], test, inputs[first], classes)


def check_label_shape(shape: tuple[int, ...], where: str) -> None:
    """Raise unless labels have the shape (examples,) or (examples, 1)."""
    if len(shape) != 1 and not (len(shape) == 2 and shape[1] == 1):
        raise BatchlabError(f"{where}: labels must have the shape (examples,), not {shape}; one-hot is not accepted")


def _example_shape(shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    """Return the shape of one example of an array of examples; grey images without a channel axis get one."""
    if 0 in shape or not shape:
        raise BatchlabError(f"{where}: holds no data (shape {shape})")
    if len(shape) == 2:
        return shape[1:]
    if len(shape) == 3:
        return (*shape[1:], 1)
    if len(shape) == 4:
        return shape[1:]
    raise BatchlabError(
        f"{where}: shape {shape} is not understood; allowed are (examples, features), (examples, height, width) "
        "and (examples, height, width, channels)"
    )
