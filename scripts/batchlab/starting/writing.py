"""Write a first campaign: look into the data, choose what fits, and check that it can be planned."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from batchlab.configuration.campaign import SHARED_FOLDERS, load, read
from batchlab.declarations import find
from batchlab.errors import BatchlabError
from batchlab.models.signature import built_in_models
from batchlab.paths import PROJECT
from batchlab.planning import plan
from batchlab.sources.fingerprints import remember
from batchlab.sources.keys import UncountedError
from batchlab.sources.listing import listed_once
from batchlab.sources.settings import resolve
from batchlab.starting import campaign_text
from batchlab.starting.sizes import fitting

# Of fewer examples a tenth is too small a set to choose learning rates by.
_SMALL = 2000


def _name(data: str, wanted: str | None) -> str:
    """Return the name of the campaign: the wanted one, or what remains of a file's name."""
    made = re.sub(r"[^a-z0-9]+", "_", Path(data).stem.lower()).strip("_")[:40]
    made = made if made[:1].isalpha() else f"data_{made}".rstrip("_")
    name = wanted or (f"{made}_data" if made in SHARED_FOLDERS else made)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name) or name in SHARED_FOLDERS:
        raise BatchlabError(f"NAME: {name!r} is not possible; take lower-case letters, digits and underscores")
    return name


def _keys(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(f"{{{text}}}")
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict) or None in found.values():
        raise BatchlabError(
            f"KEYS: {text!r} is not understood; write keys of docs/data.md as 'missing: drop, test: 0.1'"
        )
    return found


def _dataset(data: str, label: str | None, keys: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the data set.

    Raises:
        BatchlabError: There is no such file, or it cannot be read as it is; the line says which key helps.
    """
    if not data:
        raise BatchlabError("DATA: is missing; write make new DATA=flowers.csv LABEL=species")
    if data in find.published():
        return {"name": data, **keys}
    if not Path(data).exists():
        known = ", ".join(find.published())
        raise BatchlabError(
            f"DATA: there is no file or folder {data!r}, and no published set of that name; known: {known}"
        )
    # -1 is the last column; positive numbers also name columns, where these have no names.
    column = int(label) if label and label[0] == "-" and label[1:].isdecimal() else label
    return {"file": data, **({"label": column} if column else {}), **keys}


def _counted(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with sizes that planning cannot see, if they can be counted."""
    try:
        resolve(settings)
    except UncountedError as problem:
        if not problem.keys:
            raise
        return {**settings, **problem.keys}
    return settings


def _sized(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with more examples to choose by where there are few."""
    if "validation" in settings or "name" in settings:
        return settings
    total = resolve(settings)
    of_file = total.split in ("validation", "given")
    few = total.shape.examples_train + total.shape.examples_validation + total.shape.examples_test < _SMALL
    return {**settings, "validation": 0.2} if few and not of_file else settings


def write(data: str, label: str | None, name: str | None, keys: str, folder: Path) -> str:
    """Write `<folder>/<name>.yaml` and return what to do next.

    Args:
        data: A file, or the name of a published set.
        label: Column of the labels, for a table.
        name: Name of the campaign; None for one made of the file's name.
        keys: Further keys of the data set, as YAML between braces.
        folder: Where the campaign is written.

    Raises:
        BatchlabError: The data cannot be used as they are, or there is such a campaign already.
    """
    campaign = _name(data, name)
    target = folder / f"{campaign}.yaml"
    if target.exists():
        raise BatchlabError(f"{target}: is there already, and is not overwritten; give NAME=… or delete it")
    with listed_once():  # a folder may hold 100,000 images
        return _write(campaign, target, _dataset(data, label, _keys(keys)))


def _write(campaign: str, target: Path, dataset: dict[str, Any]) -> str:
    """Write the file of a campaign and return what to do next."""
    settings, folder = _sized(_counted(dataset)), target.parent
    found = resolve(settings)
    if found.shape.inputs:
        names = ", ".join(each.name for each in found.shape.inputs)
        raise BatchlabError(
            f"{target}: make new takes a built-in model, which has one input, and the data have {names}; write a model "
            'and a campaign as docs/own-data.md shows under "Several inputs"'
        )
    table = len(found.shape.input_shape) == 1 and found.shape.targets != "tokens"
    if "name" not in settings and table and "standardise" not in settings:
        settings["standardise"] = True
    fit = fitting(found.shape.examples_train, found.shape.input_shape, found.shape.targets)
    schema = os.path.relpath(PROJECT / "config/schema.json", folder)
    text = campaign_text.text(campaign, str(target), schema, settings, found.shape, fit, built_in_models())
    plan(load(read(yaml.safe_load(text))))  # what is written can be run
    folder.mkdir(parents=True, exist_ok=True)
    with target.open("x", encoding="utf-8") as file:
        file.write(text)
    remember()  # so that planning does not read large data again
    sizes = ", ".join(
        str(size) for size in sorted({fit.batch_sizes[size] for size in ("tiny", "small", "medium", "large")})
    )
    quoted = f"'{target}'" if " " in str(target) else str(target)
    return (
        f"Wrote {target}: {found.shape.examples_train:,} examples to train on, {campaign_text.held(found.shape)}; "
        f"B = {sizes} at {len(fit.rates)} learning rates, {fit.epochs} epochs, 5 seeds.\n"
        f"make plan CONFIG={quoted} says how long it takes, make figures CONFIG={quoted} runs it."
    )
