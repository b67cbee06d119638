"""Settings of probes, checked before anything runs: which of them a probe has, and whether they fit its arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.errors import BatchlabError, unknown

# Kind of probe → its own settings; the values are those that it cannot do without.
_SETTINGS: dict[str, dict[str, bool]] = {
    "gradient_norms": dict.fromkeys(("methods", "batch_sizes", "trials", "samples", "per_layer"), False),
    "weight_drift": {"updates": True, "accumulations": False},
    "trajectory": {"updates": True, "batch_sizes": True},
    "running_statistics": {},
}
# Of every probe, whatever it measures.
_COMMON = ("probe", "arms", "epochs", "seeds")
# Settings of probes that hold where the campaign gives none.
PROBE_DEFAULTS: dict[str, dict[str, Any]] = {
    "gradient_norms": {
        "methods": ["fixed_weights", "same_samples"],
        "batch_sizes": [2**power for power in range(1, 11)],
        "samples": 1024,
        "trials": 1000,
    },
    "weight_drift": {"accumulations": [1, 4, 16]},
}


def check_settings(where: str, probe: Mapping[str, Any]) -> None:
    """Raise if a probe is given a setting that it does not have, or lacks one that it needs."""
    kind = probe["probe"]
    own = _SETTINGS[kind]
    for key in probe:
        if key not in own and key not in _COMMON:
            raise unknown(where, f"setting of {kind}", key, [*own, *_COMMON])
    for key, needed in own.items():
        if needed and key not in probe:
            raise BatchlabError(f"{where}: the key {key!r} is missing; {kind} needs it")


def check_fit(where: str, kind: str, own: Mapping[str, Any], arm: str, batch_size: int, examples: int) -> None:
    """Raise if a probe asks for what the arm or the training set cannot give.

    Args:
        where: Path of the probe in the campaign.
        kind: Which probe.
        own: Its settings with all defaults, batch sizes as numbers.
        arm: Name of the arm that is measured.
        batch_size: The arm's batch size after the snapshot.
        examples: Size of the training set.
    """
    sizes = own.get("batch_sizes", ())
    if sizes and max(sizes) > examples:
        raise BatchlabError(
            f"{where}.batch_sizes: {max(sizes)} is larger than the training set ({examples} examples); "
            "name sizes that it holds"
        )
    if kind == "gradient_norms" and "same_samples" in own["methods"]:
        samples = own["samples"]
        if samples > examples:
            raise BatchlabError(
                f"{where}.samples: {samples} is larger than the training set ({examples} examples); choose fewer"
            )
        if wrong := [size for size in sizes if samples % size]:
            raise BatchlabError(
                f"{where}.batch_sizes: {wrong[0]} does not divide samples = {samples}; choose divisors of it"
            )
    if kind == "weight_drift":
        wrong = [k for k in own["accumulations"] if batch_size % k]
        if wrong:
            raise BatchlabError(
                f"{where}.accumulations: K = {wrong[0]} does not divide B = {batch_size} of arm {arm}; choose divisors"
            )
