"""One artefact against its record: are the files those that were made, from these inputs, with these settings?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchlab.records.provenance import fingerprinted, read, record_path

Digest = Callable[[str], str]

_AGAIN = "delete it and run the campaign again"
_UPDATE = "run the campaign to bring it up to date"
_SHOWN = 3  # differing settings that are named


@dataclass(frozen=True)
class Artefact:
    """The outputs of one job, as the plan of the campaign wants them.

    Attributes:
        kind: `data`, `segments`, `probes`, `tables`, `claims`, `figures` or `report`.
        rule: Name of the rule.
        script: Name of the rule's script.
        name: Path of the first output, after which the record is named.
        outputs: Paths of all outputs by name.
        spec: Settings of the job.
        code: Digest of its code.
        environment: Digest of its locked packages.
        identity: Names or digest of what leads to it, as a record tells it; None where it is not compared.
        made_from: Of a study's tables, `code` and `environment`: the sorted digests of all steps before.
    """

    kind: str
    rule: str
    script: str
    name: str
    outputs: dict[str, str]
    spec: dict[str, Any]
    code: str
    environment: str
    identity: Any = None
    made_from: dict[str, list[str]] | None = None


@dataclass(frozen=True)
class Difference:
    """Something that is not as it should be: the file, what differs, what to do."""

    file: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}; {self.remedy}"


@dataclass
class Evidence:
    """What was found of one artefact.

    Attributes:
        artefact: The artefact.
        record: Its record; None if there is none that can be read.
        files: Number of files whose digest was compared, inputs included.
        missing_inputs: Recorded inputs that do not lie there.
        differences: What is not as recorded or planned.
    """

    artefact: Artefact
    record: dict[str, Any] | None = None
    files: int = 0
    missing_inputs: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def absent(self) -> bool:
        """Whether nothing of the artefact lies there."""
        return self.record is None and not self.differences

    @property
    def can_be_recomputed(self) -> bool:
        """Whether files, inputs and settings are those of the record."""
        return self.record is not None and not self.missing_inputs and not self.differences


def changes(recorded: Any, planned: Any, key: str = "") -> list[str]:
    """Return in words where two settings differ: `optimizer.momentum: 0.9 recorded, 0 planned`."""
    if isinstance(recorded, dict) and isinstance(planned, dict):
        found = []
        for name in sorted(recorded.keys() | planned.keys()):
            inner = f"{key}.{name}" if key else name
            if name not in planned:
                found.append(f"{inner}: recorded, not planned")
            elif name not in recorded:
                found.append(f"{inner}: planned, not recorded")
            else:
                found += changes(recorded[name], planned[name], inner)
        return found
    if isinstance(recorded, list) and isinstance(planned, list) and len(recorded) == len(planned):
        pairs = enumerate(zip(recorded, planned, strict=True))
        return [change for at, (old, new) in pairs for change in changes(old, new, f"{key}[{at}]")]
    return [] if recorded == planned else [f"{key}: {_short(recorded)} recorded, {_short(planned)} planned"]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"


def examine(artefact: Artefact, digest: Digest) -> Evidence:
    """Compare an artefact's files, inputs, settings and code with its record and with the plan.

    Args:
        artefact: What the plan wants.
        digest: Gives the SHA-256 of a file; each file is asked for more than once.
    """
    evidence = Evidence(artefact)
    path = record_path(artefact.name)
    if not path.exists():
        there = [output for output in artefact.outputs.values() if Path(output).exists()]
        if there:
            evidence.differences.append(Difference(there[0], "has no record of how it was made", _AGAIN))
        return evidence
    try:
        record = read(path)
    except ValueError as problem:
        what = f"is not a record that can be used ({problem})"
        evidence.differences.append(
            Difference(str(path), what, f"delete {artefact.name} too and run the campaign again")
        )
        return evidence
    evidence.record = record
    evidence.differences += [*_outputs(evidence, record, digest), *_inputs(evidence, record, digest)]
    evidence.differences += _settings(artefact, record)
    return evidence


def _outputs(evidence: Evidence, record: Mapping[str, Any], digest: Digest) -> Iterator[Difference]:
    """Yield what differs between an artefact's files and their digests in the record."""
    recorded = dict(fingerprinted(record["outputs"]))
    for output in evidence.artefact.outputs.values():
        if not Path(output).is_file():
            yield Difference(output, "is missing, but its record is there", "run the campaign again")
        elif output not in recorded:
            yield Difference(output, "is not in the record of its job", _AGAIN)
        else:
            evidence.files += 1
            if (found := digest(output)) != recorded[output]:
                sums = f"sha256 {recorded[output][:12]}… recorded, {found[:12]}… found"
                yield Difference(output, f"was edited, damaged or replaced ({sums})", f"restore it, or {_AGAIN}")


def _inputs(evidence: Evidence, record: Mapping[str, Any], digest: Digest) -> Iterator[Difference]:
    """Yield the inputs that are no longer those from which the artefact was made; note those that are missing."""
    for path, recorded in dict.fromkeys(fingerprinted(record["inputs"])):
        if not Path(path).is_file():
            evidence.missing_inputs.append(path)
            continue
        evidence.files += 1
        if (found := digest(path)) != recorded:
            sums = f"sha256 {recorded[:12]}… recorded, {found[:12]}… found"
            yield Difference(evidence.artefact.name, f"was made from another {path} ({sums})", _AGAIN)


def _settings(artefact: Artefact, record: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield how settings, code and environment in the record differ from those that are planned now."""
    if found := changes(record["spec"], artefact.spec):
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        yield Difference(artefact.name, f"was made with other settings ({'; '.join(found[:_SHOWN])}{more})", _UPDATE)
    told = {"rule": artefact.rule, "seeds": record["spec"].get("seeds"), "identity": artefact.identity}
    for key, true in told.items():
        if true is not None and record.get(key) != true:
            what = f"was made with {key} {_short(true)}, but its record tells {_short(record.get(key))}"
            yield Difference(artefact.name, what, _AGAIN)
    for key, what in (("code", "other code"), ("environment", "other locked versions of packages")):
        planned = getattr(artefact, key)
        if record[key] != planned:
            digests = f"digest {record[key]} recorded, {planned} now"
            yield Difference(artefact.name, f"was made with {what} ({digests})", _UPDATE)
        if artefact.made_from and record.get("made_from", {}).get(key) != artefact.made_from[key]:
            yield Difference(artefact.name, f"was made from what was made with {what}", _UPDATE)
