"""Which training core computes and on which device: a matter of the machine, not of the campaign.

A profile says it (`config: {backend: jax, device: gpu}`), or `--config backend=jax`, or the environment variables
`BATCHLAB_BACKEND` and `BATCHLAB_DEVICE`, which win. Jobs read the environment (see `backend.runtime`), so no job's
settings hold the choice and no digest knows of it. Standard library only, because the Snakefile imports this module.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

from batchlab.errors import unknown

CHOICES = {"backend": ("tensorflow", "jax"), "device": ("cpu", "gpu")}


def choose(config: MutableMapping[str, Any], environment: MutableMapping[str, str]) -> None:
    """Take the machine's keys out of a configuration and put them into the environment of the jobs.

    A job on a cluster reads the Snakefile again: it finds the same in both.

    Args:
        config: What Snakemake read from profile and command line, beside the campaign.
        environment: Of this process, whose children inherit it. A variable that says otherwise wins; a line says so.

    Raises:
        BatchlabError: For a value that is not one of `CHOICES`.
    """
    for key, allowed in CHOICES.items():
        name = f"BATCHLAB_{key.upper()}"
        wanted, exported = config.pop(key, None), environment.get(name) or None
        for where, value in ((key, wanted), (name, exported)):
            if value is not None and value not in allowed:
                raise unknown(where, key, value, allowed)
        if wanted and exported and wanted != exported:
            print(f"batchlab: {name}={exported} in the environment, so not {key} {wanted}", file=sys.stderr)
        if chosen := exported or wanted:
            environment[name] = chosen
        else:
            environment.pop(name, None)
