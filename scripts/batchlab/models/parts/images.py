"""What convolutional models share: the shape of an image."""

from __future__ import annotations

from collections.abc import Sequence

from batchlab.errors import BatchlabError


def image_shape(model: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Return height, width and channels of an example.

    Raises:
        BatchlabError: The data set has no images.
    """
    if len(shape) == 2:
        return (*shape, 1)
    if len(shape) != 3:
        raise BatchlabError(
            f"model {model}: needs images (height, width, channels), but the data set's examples have shape "
            f"{tuple(shape)}; choose mlp or another data set"
        )
    return tuple(shape)
