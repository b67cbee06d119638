"""One artefact and its record: are the files those that were made, from these inputs, with these settings?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchlab.records.differences import changes, first, short
from batchlab.records.provenance import files_in, files_of, fingerprinted, read, record_path

Digest = Callable[[str], str]

_AGAIN = "delete it and run the campaign again"
_UPDATE = "run the campaign to bring it up to date"


@dataclass(frozen=True)
class Artefact:
    """The outputs of one job, as the plan of the campaign wants them.

    Attributes:
        kind: `data`, `check`, `segments`, `probes`, `tables`, `claims`, `drawn` (the table that a figure shows),
            `figures` or `report`.
        rule: Name of the rule.
        script: Name of the rule's script.
        name: Path of the first output, after which the record is named.
        outputs: Paths of all outputs by name.
        spec: Settings of the job.
        code: Digest of its code.
        environment: Digest of its locked packages.
        identity: Names or digest of what leads to it, as in its record; None where it is not compared.
        made_from: Of a study's tables, `code` and `environment`: the sorted digests of all steps before.
        folder: Whether its only output is a folder.
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
    folder: bool = False

    @property
    def record(self) -> Path:
        """Where its record is."""
        return record_path(self.name, self.folder)


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
        missing_inputs: Recorded inputs that are not there.
        differences: What is not as recorded or planned.
    """

    artefact: Artefact
    record: dict[str, Any] | None = None
    files: int = 0
    missing_inputs: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def absent(self) -> bool:
        """Whether nothing of the artefact is there."""
        return self.record is None and not self.differences

    @property
    def can_be_recomputed(self) -> bool:
        """Whether files, inputs and settings are those of the record."""
        return self.record is not None and not self.missing_inputs and not self.differences


def examine(artefact: Artefact, digest: Digest) -> Evidence:
    """Compare an artefact's files, inputs, settings and code with its record and with the plan.

    Args:
        artefact: What is planned.
        digest: Gives the SHA-256 of a file; each file is asked for more than once.
    """
    evidence = Evidence(artefact)
    path = artefact.record
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
    recorded = {path: seen["sha256"] for path, seen in files_in(record["outputs"])}
    known = dict(fingerprinted(record["outputs"]))
    for output in evidence.artefact.outputs.values():
        if not Path(output).exists():
            yield Difference(output, "is missing, but its record is there", "run the campaign again")
        elif output not in known:
            yield Difference(output, "is not in the record of its job", _AGAIN)
        else:
            yield from _files(evidence, output, recorded, digest)


def _files(evidence: Evidence, output: str, recorded: Mapping[str, str], digest: Digest) -> Iterator[Difference]:
    """Yield what differs between an output, file or folder, and the digests of its files."""
    inside = [f"{output}/{name}" for name in files_of(output)] if Path(output).is_dir() else [output]
    for path in dict.fromkeys([*(path for path in recorded if path.startswith(f"{output}/")), *inside]):
        if path not in recorded:
            yield Difference(path, "is not in the record of its job", _AGAIN)
        elif not Path(path).is_file():
            yield Difference(path, "is missing, but its record is there", "run the campaign again")
        else:
            evidence.files += 1
            if (found := digest(path)) != recorded[path]:
                sums = f"sha256 {recorded[path][:12]}… recorded, {found[:12]}… found"
                yield Difference(path, f"was edited, damaged or replaced ({sums})", f"restore it, or {_AGAIN}")


def _inputs(evidence: Evidence, record: Mapping[str, Any], digest: Digest) -> Iterator[Difference]:
    """Yield the inputs that are no longer those from which the artefact was made; note those that are missing."""
    recorded = {path: seen["sha256"] for path, seen in files_in(record["inputs"])}
    for path, known in recorded.items():
        if not Path(path).is_file():
            evidence.missing_inputs.append(path)
            continue
        evidence.files += 1
        if (found := digest(path)) != known:
            sums = f"sha256 {known[:12]}… recorded, {found[:12]}… found"
            yield Difference(evidence.artefact.name, f"was made from another {path} ({sums})", _AGAIN)


def _settings(artefact: Artefact, record: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield how settings, code and environment in the record differ from those that are planned now."""
    if found := changes(record["spec"], artefact.spec):
        yield Difference(artefact.name, f"was made with other settings ({first(found)})", _UPDATE)
    planned_facts = {"rule": artefact.rule, "seeds": record["spec"].get("seeds"), "identity": artefact.identity}
    for key, true in planned_facts.items():
        if true is not None and record.get(key) != true:
            what = f"was made with {key} {short(true)}, but its record says {short(record.get(key))}"
            yield Difference(artefact.name, what, _AGAIN)
    for key, what in (("code", "other code"), ("environment", "other locked versions of packages")):
        planned = getattr(artefact, key)
        if record[key] != planned:
            digests = f"digest {record[key]} recorded, {planned} now"
            yield Difference(artefact.name, f"was made with {what} ({digests})", _UPDATE)
        if artefact.made_from and record.get("made_from", {}).get(key) != artefact.made_from[key]:
            yield Difference(artefact.name, f"was made from what was made with {what}", _UPDATE)
