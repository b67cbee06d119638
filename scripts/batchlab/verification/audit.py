"""The whole check of a campaign, and its report: what was checked, what differs, what was not checked."""

from __future__ import annotations

import functools
import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.files import sha256_of
from batchlab.records.provenance import is_record
from batchlab.verification.agreement import Artefact, Difference, Evidence, examine
from batchlab.verification.recompute import Recomputed, recompute

Say = Callable[[str], None]

# Kinds of which a random sample is made again; those that take seconds are all made again, the others never.
SAMPLED = ("segments", "probes")
QUICK = ("tables", "claims", "drawn", "figures", "report")
# One and several, where the kind's name is not the plural.
_WORDS = {
    "data": ("data set", "data sets"),
    "check": ("trial of a model", "trials of models"),
    "drawn": ("figure's data", "figures' data"),
    "report": ("report", "reports"),
}
# Folders of a campaign.
PARTS = ("tables", "derived", "claims", "figures")
_NAMED = 5  # files that are named where many could be


def audit(spec: Mapping[str, Any], say: Say) -> list[Difference]:
    """Check the results of a campaign.

    Args:
        spec: `campaign`; `folder`, where its results are; `sample`, how many segments and how many probes are made
            again; `seed` of that choice, or None; `artefacts`, each the fields of an `Artefact`.
        say: Is given one line after the other, for a person.

    Returns:
        All differences. That nothing is there is one, too.
    """
    artefacts = [Artefact(**fields) for fields in spec["artefacts"]]
    digest = functools.cache(sha256_of)
    found = [examine(artefact, digest) for artefact in artefacts]
    there = [evidence for evidence in found if not evidence.absent]
    say(f"verifying the campaign {spec['campaign']}: {len(there)} of {_number(len(artefacts), 'artefact')} found")
    if not there:
        nothing = Difference(spec["folder"], "holds nothing to verify", "run the campaign first")
        say(f"difference: {nothing}")
        return [nothing]
    files = sum(evidence.files for evidence in there)
    say(f"compared the digests of {_number(files, 'file')} and the settings of {_counted(there)}")
    differences = [difference for evidence in there for difference in evidence.differences]
    _tell(differences, say)
    _warn(there, say)

    seed = secrets.randbits(32) if spec.get("seed") is None else spec["seed"]
    chosen = choose(there, spec["sample"], seed)
    say(f"recomputing {_counted(chosen) or 'nothing'} (sample {spec['sample']}, seed {seed})")
    recomputed = recompute(chosen, say)
    _tell(recomputed.differences, say)
    differences += recomputed.differences
    _conclude(recomputed, say)
    _left_out(found, chosen, recomputed, spec, say)
    say(f"{_number(len(differences), 'difference')} found")
    return differences


def choose(found: Sequence[Evidence], sample: int, seed: int) -> list[Evidence]:
    """Return what is made again: a random sample of segments and of probes, and all that takes seconds."""
    ready = [evidence for evidence in found if evidence.can_be_recomputed]
    generator = random.Random(seed)
    chosen: list[Evidence] = []
    for kind in SAMPLED:
        of_kind = sorted((e for e in ready if e.artefact.kind == kind), key=lambda evidence: evidence.artefact.name)
        chosen += generator.sample(of_kind, min(sample, len(of_kind)))
    return chosen + [evidence for evidence in ready if evidence.artefact.kind in QUICK]


def _number(count: int, word: str) -> str:
    """Return a number of things in words: `1 table`, `2 tables`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def _counted(found: Iterable[Evidence]) -> str:
    """Return how many artefacts there are of each kind, in words."""
    counts = Counter(evidence.artefact.kind for evidence in found)
    return ", ".join(f"{count} {_WORDS.get(kind, (kind[:-1], kind))[count > 1]}" for kind, count in counts.items())


def _listed(names: Iterable[str]) -> str:
    every = sorted(set(names))
    return ", ".join(every[:_NAMED]) + (f" and {len(every) - _NAMED} more" if len(every) > _NAMED else "")


def _tell(differences: Iterable[Difference], say: Say) -> None:
    for difference in differences:
        say(f"difference: {difference}")


def _warn(found: Sequence[Evidence], say: Say) -> None:
    """Report what makes results harder to repeat without making them wrong."""
    records = [evidence.record for evidence in found if evidence.record]
    remarks = Counter(f"{name} {remark}" for record in records for name, remark in record["not_as_locked"].items())
    for remark, count in sorted(remarks.items()):
        say(f"warning: {remark} ({_number(count, 'artefact')})")
    if dirty := sum(bool(record["git"].get("dirty")) for record in records):
        say(f"warning: made with changes that were not committed: {_number(dirty, 'artefact')}")


def _conclude(recomputed: Recomputed, say: Say) -> None:
    """Say how the recomputed artefacts were compared."""
    wrong = {difference.file for difference in recomputed.differences}
    equal = [e for e in recomputed.bitwise if wrong.isdisjoint(e.artefact.outputs.values())]
    if equal:
        say(f"equal bit by bit, measured times aside: {_counted(equal)}")
    if recomputed.within:
        reasons = _listed(reason for reasons in recomputed.within.values() for reason in reasons)
        count = _number(len(recomputed.within), "artefact")
        say(f"compared within tolerances: {count}, made on another platform ({reasons})")


def _left_out(
    found: Sequence[Evidence], chosen: Sequence[Evidence], recomputed: Recomputed, spec: Mapping[str, Any], say: Say
) -> None:
    """Say what was not checked, and why."""
    if absent := [evidence for evidence in found if evidence.absent]:
        say(f"not checked, not found: {_counted(absent)}")
    there = [evidence for evidence in found if not evidence.absent]
    if missing := {path for evidence in there for path in evidence.missing_inputs}:
        count = _number(len(missing), "input")
        say(f"not checked, not found: {count}; what was made from them cannot be made again here")
    names = {evidence.artefact.name for evidence in chosen}
    if rest := [e for e in there if e.can_be_recomputed and e.artefact.name not in names]:
        say(f"not recomputed, digests only: {_counted(rest)}")
    if recomputed.drawings:
        say(f"not compared: {_number(recomputed.drawings, 'drawing')} of another platform; the data behind them was")
    if unplanned := _unplanned(found, Path(spec["folder"])):
        say(f"not checked, not planned: {_number(len(unplanned), 'file')} ({_listed(unplanned)})")


def _unplanned(found: Sequence[Evidence], folder: Path) -> list[str]:
    """Return the tables, figures and pages in a campaign's folder that are no output of any planned job."""
    planned = {output for evidence in found for output in evidence.artefact.outputs.values()}
    files = (path for part in PARTS for path in folder.glob(f"{part}/**/*") if path.is_file())
    return [
        str(path)
        for path in files
        if not is_record(path)
        and not path.name.startswith(".")
        and planned.isdisjoint([str(path), *map(str, path.parents)])
    ]
