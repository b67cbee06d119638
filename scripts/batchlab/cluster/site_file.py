"""What a site says about itself: one file, `profiles/slurm/site.yaml`, which is filled in once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchlab.configuration.yaml_files import parsed
from batchlab.errors import BatchlabError, shown, unknown
from batchlab.paths import PROJECT

FOLDER = PROJECT / "profiles" / "slurm"
# What stands in the example where only the site knows the answer, and what says that a site has no such thing.
_ASKED, _NONE = "FILL IN", "none"


@dataclass(frozen=True)
class Site:
    """A site.

    Attributes:
        account: Who is charged; empty for nobody in particular.
        partition: Where jobs run; empty for the site's default.
        constraint: Features that a node must have; empty for none.
        gpu: `gpus`, or the generic resource that means one GPU, such as `gpu:1`.
        longest: The longest run time of a submission, in minutes.
        scratch: Folder on a node's own disk for data that many jobs read; empty for none.
        memory, time: What the foreseen memory and run time are multiplied by.
    """

    account: str = ""
    partition: str = ""
    constraint: str = ""
    gpu: str = "gpus"
    longest: int = 24 * 60
    scratch: str = ""
    memory: float = 1.0
    time: float = 1.0

    @property
    def resources(self) -> dict[str, str]:
        """What every submission says to Slurm, by the names of Snakemake's plugin."""
        said = {"slurm_account": self.account, "slurm_partition": self.partition, "constraint": self.constraint}
        return {name: value for name, value in said.items() if value}


def _value(where: str, kind: str, value: Any) -> Any:
    if kind == "str":
        if not isinstance(value, (str, int)) or isinstance(value, bool) or not str(value).strip():
            raise BatchlabError(f"{where}: {shown(value)} is no text; write a name, or none")
        return "" if value == _NONE else str(value)
    whole = kind == "int"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or value <= 0:
        raise BatchlabError(f"{where}: {shown(value)} is no {'whole ' if whole else ''}number above 0")
    return value


def read(environment: Mapping[str, str]) -> Site | None:
    """Return what the site's file says; None without such a file.

    Args:
        environment: Of this process; `BATCHLAB_SITE` names another file.

    Raises:
        BatchlabError: Something is not filled in, unknown or of another kind.
    """
    path = Path(environment.get("BATCHLAB_SITE") or FOLDER / "site.yaml")
    if not path.is_file():
        return None
    found = parsed(path)
    if not isinstance(found, Mapping):
        raise BatchlabError(f"{path}: this is no list of `key: value`; copy site.example.yaml beside it again")
    fields = {field.name: str(field.type) for field in dataclasses.fields(Site)}
    for key, value in found.items():
        if key not in fields:
            raise unknown(str(path), "key", key, fields)
        if value == _ASKED:
            raise BatchlabError(f"{path}: {key} is not filled in; the line above it says how to find it out")
    return Site(**{key: _value(f"{path}: {key}", fields[key], value) for key, value in found.items()})


def known(environment: Mapping[str, str]) -> Site | None:
    """Return what the site's file says; None without one, or if it is wrong, which matters only to who submits."""
    try:
        return read(environment)
    except BatchlabError:
        return None


def required(environment: Mapping[str, str]) -> Site:
    """Return what the site's file says.

    Raises:
        BatchlabError: There is no such file, or something in it is wrong.
    """
    site = read(environment)
    if site is None:
        where = environment.get("BATCHLAB_SITE") or "profiles/slurm/site.yaml"
        raise BatchlabError(f"{where} is missing; copy profiles/slurm/site.example.yaml there and fill in three lines")
    return site
