"""Read the binary version of CIFAR-10. The Python version consists of pickles, which can run any code."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.sources.contents import Contents, Pair
from batchlab.sources.download import GZIP_PROBLEMS

_FOLDER = "cifar-10-batches-bin"
_TRAIN = tuple(f"{_FOLDER}/data_batch_{number}.bin" for number in range(1, 6))
_TEST = f"{_FOLDER}/test_batch.bin"
_EXAMPLES, _RECORD = 10_000, 1 + 3 * 32 * 32


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return images of shape (examples, 32, 32, 3) and labels, all bytes.

    Only the six members known by name are read, into memory: nothing of the archive is written to disk under a name
    that the archive chooses. A record is one label byte and the red, green and blue planes of 32 × 32 bytes.

    Args:
        paths: The archive.
        options: None is read here.
    """
    (path,) = paths
    parts: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.name in (*_TRAIN, _TEST) and member.isreg():
                    stream = archive.extractfile(member)
                    # One byte more than expected shows a member that is too long without reading all of it.
                    parts[member.name] = stream.read(_EXAMPLES * _RECORD + 1) if stream else b""
    except (tarfile.TarError, *GZIP_PROBLEMS) as problem:
        raise BatchlabError(f"{path}: is not an intact .tar.gz archive ({problem})") from None
    for name in (*_TRAIN, _TEST):
        if len(parts.get(name, b"")) != _EXAMPLES * _RECORD:
            found = f"has {len(parts[name])} bytes at least" if name in parts else "is missing"
            raise BatchlabError(f"{path}: member {name} {found}; {_EXAMPLES * _RECORD} bytes are expected")

    def decode(names: Sequence[str]) -> Pair:
        records = np.frombuffer(b"".join(parts[name] for name in names), np.uint8).reshape(-1, _RECORD)
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), records[:, 0].copy()

    return Contents(decode(_TRAIN), decode([_TEST]))
