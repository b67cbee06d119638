"""Names of data sets, models, optimizers and studies that a campaign uses: each must be declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchlab.configuration.faults import Collected
from batchlab.declarations import find
from batchlab.errors import BatchlabError, nearest, shown, unknown
from batchlab.models.signature import built_in_models


def _offered(table: str) -> Iterable[str]:
    """Return the names that a campaign can declare by name alone."""
    if table == "dataset":
        return find.published()
    return built_in_models() if table == "model" else ()


def check_declared(where: str, table: str, name: str, config: Mapping[str, Any]) -> None:
    """Refuse the name of a data set, a model or an optimizer that the campaign does not declare.

    Args:
        where: Path of the name in the campaign.
        table: `dataset`, `model` or `optimizer`.
        name: The name.
        config: The campaign, whose `datasets`, `models` and `optimizers` declare.

    Raises:
        BatchlabError: The line says what is declared, what else there is, and how it is declared.
    """
    declared = config[f"{table}s"]
    if name in declared:
        return
    offered = [each for each in _offered(table) if each not in declared]
    close = nearest(name, [*declared, *offered])
    hint = f"did you mean {close!r}? " if close and close != name else ""
    kind = "data set" if table == "dataset" else table
    way_out = f"declare it under {table}s"
    if offered:
        example = close if close in offered else offered[0]
        own = "flowers: {file: flowers.csv, label: species}" if table == "dataset" else "mine: {file: mine.py}"
        own = f", or a file of yours as {own}" if table != "optimizer" else ""
        way_out = (
            f"known besides: {', '.join(offered)}; declare one as {table}s: {{{example}: {{name: {example}}}}}{own}"
        )
    names = ", ".join(sorted(declared)) or "none"
    raise BatchlabError(f"{where}: unknown {kind} {shown(name)}; {hint}declared here: {names}; {way_out}")


def check_names(config: Mapping[str, Any]) -> None:
    """Refuse defaults and studies of a campaign that nothing declares, all of them at once."""
    faults = Collected()
    for table in ("dataset", "model", "optimizer"):
        with faults.part():
            check_declared(table, table, config[table], config)
    for name in config["run"]:
        if name not in config["studies"]:
            faults.add(unknown("run", "study", name, config["studies"]))
    faults.tell()
