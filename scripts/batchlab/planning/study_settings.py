"""What a study asks for beside its arms, with every name of a batch size replaced: probes and derived tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from batchlab.configuration.schema import AGAINST, PROBE_KEYS, TABLE_KEYS
from batchlab.declarations import find
from batchlab.declarations.options import BatchSize, BatchSizes, Option, in_order, without_defaults
from batchlab.declarations.probe import Probe, Reads
from batchlab.errors import BatchlabError
from batchlab.planning.recipes import batch_sizes_of


@dataclass(frozen=True)
class ProbeSettings:
    """One probe of a study.

    Attributes:
        where: Its place in the campaign, for messages.
        kind: Name of its folder below `probes/`.
        arms: Column → values that an arm may have there to be measured.
        against: The same for the arm with which each of them is compared; empty for a probe of one arm.
        epochs: Snapshots to measure; `last` is the end of each arm.
        seeds: How many of the first seeds are measured; None for all.
        options: The kind's own options, all of them.
    """

    where: str
    kind: str
    arms: Mapping[str, list[Any]]
    against: Mapping[str, list[Any]]
    epochs: tuple[int | str, ...]
    seeds: int | None
    options: dict[str, Any]

    @property
    def declaration(self) -> Probe:
        """The declaration of the kind."""
        found: Probe = find.probes()[self.kind]
        return found


# Keys of a probe that choose arms.
_FILTERS = ("arms", AGAINST)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _with_sizes(
    config: Mapping[str, Any], where: str, options: Iterable[Option], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return options with every name of a batch size replaced."""
    sizes = {option.name for option in options if isinstance(option, BatchSize | BatchSizes)}
    return {
        key: in_order(batch_sizes_of(config, f"{where}.{key}", value)) if key in sizes else value
        for key, value in given.items()
    }


def _probe(config: Mapping[str, Any], where: str, given: Mapping[str, Any]) -> ProbeSettings:
    kind = given["probe"]
    own = {key: value for key, value in given.items() if key not in (*PROBE_KEYS, AGAINST)}
    options = _with_sizes(config, where, find.probes()[kind].options, own)
    arms, against = ({column: _listed(values) for column, values in given.get(key, {}).items()} for key in _FILTERS)
    for key, filtered in zip(_FILTERS, (arms, against), strict=True):
        if "batch_size" in filtered:
            filtered["batch_size"] = batch_sizes_of(config, f"{where}.{key}.batch_size", filtered["batch_size"])
    if find.probes()[kind].reads is Reads.ARMS and not against:
        raise BatchlabError(f"{where}.{AGAINST}: {kind} compares two arms; name the other one, such as {{recipe: …}}")
    return ProbeSettings(where, kind, arms, against, tuple(given["epochs"]), given.get("seeds"), options)


def probes_of(config: Mapping[str, Any], study: str) -> dict[str, ProbeSettings]:
    """Return the probes of a study by name.

    Args:
        config: The complete campaign.
        study: Name of the study.

    Raises:
        BatchlabError: For an unknown name of a batch size.
    """
    given = config["studies"][study].get("probes", {})
    return {
        name: _probe(config, f"studies.{study}.probes.{name}", probe)
        for name, probe in given.items()
        if probe is not None  # taken out by a campaign
    }


def derived_options(config: Mapping[str, Any], where: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a derived table that a study names, with every name of a batch size replaced.

    Raises:
        BatchlabError: For an unknown name of a batch size.
    """
    own = {key: value for key, value in given.items() if key not in TABLE_KEYS}
    return _with_sizes(config, where, find.derivations()[given["derivation"]].options, own)


def probe_spec_without_defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that identify a measurement; options with their default value are left out.

    So an option that is added to a probe changes nothing that was measured before.
    """
    own = spec["probe"]
    return {**spec, "probe": without_defaults(find.probes()[own["name"]].options, own)}


def figure_spec_without_defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings by which a figure is compared; options with their default value are left out."""
    return without_defaults(find.charts()[spec["chart"]].options, spec)


def table_spec_without_defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a derived table by which it is compared; `spec` has `derivation` and `options`."""
    options = find.derivations()[spec["derivation"]].options
    return {**spec, "options": without_defaults(options, spec["options"])}
