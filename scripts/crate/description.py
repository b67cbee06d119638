"""The metadata of a crate, by Workflow Run RO-Crate 0.5 on RO-Crate 1.1.

The three profiles build on each other. Process Run Crate: each job is a `CreateAction` with its tool (`instrument`),
inputs (`object`), outputs (`result`) and times. Workflow Run Crate: so is the campaign as a whole, whose tool is the
workflow, the crate's `mainEntity`. Provenance Run Crate: rules are steps (`HowToStep`), which the workflow's engine
carried out (`ControlAction`, `OrganizeAction`).
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from batchlab import __version__
from batchlab.files import sha256_of
from batchlab.records.provenance import files_in
from batchlab.verification.agreement import Evidence
from crate.contents import LEFT_OUT, media_type

# Readers and validators know these versions; 0.6 asks for RO-Crate 1.3.
RO_CRATE = "1.1"
_RUN = "0.5"
PROFILES = {
    f"https://w3id.org/ro/wfrun/process/{_RUN}": ("Process Run Crate", _RUN),
    f"https://w3id.org/ro/wfrun/workflow/{_RUN}": ("Workflow Run Crate", _RUN),
    f"https://w3id.org/ro/wfrun/provenance/{_RUN}": ("Provenance Run Crate", _RUN),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"  # `sha256`
_LICENCE = "https://spdx.org/licenses/MIT"
_CONFIGURATION, _REPORT = "#parameter-configfile", "#parameter-report"


def describe(spec: Mapping[str, Any], found: Sequence[Evidence], workflow: Sequence[str], settings: Path) -> ROCrate:
    """Return the crate of a campaign, not yet written.

    Args:
        spec: See `archive.write`.
        found: Artefacts that are there, each after those that it was made from.
        workflow: Files of the workflow.
        settings: File with the campaign's settings.
    """
    return _Description(spec, found, workflow, settings).crate


class _Description:
    def __init__(
        self, spec: Mapping[str, Any], found: Sequence[Evidence], workflow: Sequence[str], settings: Path
    ) -> None:
        self.spec, self.found = spec, found
        self.records = {evidence.artefact.name: evidence.record or {} for evidence in found}
        self.crate = ROCrate(version=RO_CRATE)
        self.crate.metadata.extra_contexts.append(_TERMS)
        self._root()
        self.settings = self._file(settings, "campaign.json", name=f"Settings of the campaign {spec['campaign']}")
        self.workflow = self._workflow(workflow)
        self.results = self._results()
        self._jobs()

    def _add(self, identifier: str, kind: str | list[str], **properties: Any) -> Entity:
        """Add an entity that is no file, or return the one that is there."""
        known: Entity | None = self.crate.get(identifier)
        return known or self.crate.add(ContextEntity(self.crate, identifier, {"@type": kind, **properties}))

    def _file(self, source: str | Path, destination: str, **properties: Any) -> Entity:
        facts = {
            "name": Path(destination).name,
            "sha256": sha256_of(source),
            "contentSize": str(Path(source).stat().st_size),
            "encodingFormat": media_type(destination),
        }
        return self.crate.add_file(str(source), destination, properties={**facts, **properties})

    def _root(self) -> None:
        """Describe the crate itself. Its date is that of its last result, so that equal results give equal crates."""
        licence = self._add(
            _LICENCE, "CreativeWork", name="MIT License", description="Of workflow and results; data have their own"
        )
        profiles = [
            self._add(address, "CreativeWork", name=name, version=version)
            for address, (name, version) in PROFILES.items()
        ]
        root = self.crate.root_dataset
        root["name"] = self.spec["title"]
        root["description"] = self.spec["summary"] or f"Results of the campaign {self.spec['campaign']} of batchlab."
        root["datePublished"] = max(record["ended"] for record in self.records.values())
        root["license"] = licence
        root["author"] = self._add("#authors", "Organization", name="The batchlab authors")
        root["conformsTo"] = profiles

    def _workflow(self, files: Sequence[str]) -> Entity:
        """Add the workflow: the Snakefile as the main entity, the scripts as its tools, rules as steps, other files."""
        versions = [record["packages"].get("snakemake") for record in self.records.values()]
        engine = max(filter(None, versions), default=None)
        main: Entity = self.crate.add_workflow(
            "Snakefile",
            "Snakefile",
            main=True,
            lang="snakemake",
            lang_version=engine,
            properties={
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
                "name": "batchlab",
                "description": "How do batch size and gradient accumulation affect the training of a neural network?",
                "sha256": sha256_of("Snakefile"),
                "contentSize": str(Path("Snakefile").stat().st_size),
                "encodingFormat": media_type("Snakefile"),
                "version": __version__,
            },
        )
        main["license"] = self.crate.get(_LICENCE)
        main["input"] = self._add(
            _CONFIGURATION, "FormalParameter", name="configfile", additionalType="File", valueRequired="True"
        )
        main["output"] = self._add(_REPORT, "FormalParameter", name="report", additionalType="File")
        self.settings["exampleOfWork"] = self.crate.get(_CONFIGURATION)
        self.engine = self._add(
            "#snakemake", "SoftwareApplication", name="Snakemake", url="https://snakemake.github.io"
        )
        if engine:
            self.engine["softwareVersion"] = engine
        scripts = dict.fromkeys(f"scripts/{evidence.artefact.script}" for evidence in self.found)
        self.tools = {path: self._tool(path) for path in scripts}
        main["hasPart"] = _value(list(self.tools.values()))
        for path in files:
            if path != "Snakefile" and path not in self.tools:
                self._file(path, path)
        readme = self.crate.get("README.md")
        if readme:
            readme["about"] = self.crate.root_dataset
        return main

    def _commits(self) -> str:
        """Return the git commits from which the results were made."""
        states = [record["git"] for record in self.records.values()]
        known = {f"{git['commit']}{' with changes' if git['dirty'] else ''}" for git in states if git}
        return ", ".join(sorted(known)) or "not known"

    def _tool(self, path: str) -> Entity:
        """Add the script of a rule with the versions of the packages that it ran with."""
        text = ast.get_docstring(ast.parse(Path(path).read_text(encoding="utf-8"))) or ""
        used = [e for e in self.found if f"scripts/{e.artefact.script}" == path]
        records = [self.records[evidence.artefact.name] for evidence in used]
        # Package URLs, a standard for naming software without an address.
        packages = {(f"pypi/{name}", version) for record in records for name, version in record["packages"].items()}
        packages |= {("generic/python", record["python"]) for record in records}
        requirements = [
            self._add(f"pkg:{name}@{version}", "SoftwareApplication", name=Path(name).name, softwareVersion=version)
            for name, version in sorted(packages)
        ]
        return self._file(
            path,
            path,
            **{
                "@type": ["File", "SoftwareSourceCode"],
                "name": Path(path).stem,
                "description": text,
                "version": ", ".join(sorted({evidence.artefact.code for evidence in used})),
                "softwareRequirements": _value(requirements),
            },
        )

    def _results(self) -> dict[str, Entity]:
        """Add all outputs: files, or a mention with the digest where a file is too large to be kept."""
        entities: dict[str, Entity] = {}
        for evidence in self.found:
            artefact, record = evidence.artefact, self.records[evidence.artefact.name]
            for path, seen in files_in(record["outputs"]):
                digest = seen["sha256"]
                if artefact.kind in LEFT_OUT:
                    entities[path] = self._mention(path, digest, "The workflow makes it again.")
                else:
                    entities[path] = self._file(path, path, **_words(evidence, record, path))
        return entities

    def _mention(self, path: str, digest: str, why: str) -> Entity:
        return self._add(f"#{path}", "CreativeWork", name=path, sha256=digest, description=f"Not in this crate. {why}")

    def _jobs(self) -> None:
        """Add the actions: jobs, the steps that they belong to, the campaign as a whole, and the engine's run."""
        actions = [self._job(evidence) for evidence in self.found]
        controls, steps = [], []
        for position, rule in enumerate(_order(self.found)):
            jobs = [a for a, evidence in zip(actions, self.found, strict=True) if evidence.artefact.rule == rule]
            tool = jobs[0]["instrument"]
            step = self._add(f"#step-{rule}", "HowToStep", name=rule, position=str(position), workExample=tool)
            control = {"name": f"Jobs of {rule}", "instrument": step, "object": _value(jobs)}
            steps.append(step)
            controls.append(self._add(f"#control-{rule}", "ControlAction", **control))
        self.workflow["step"] = _value(steps)
        started = min(record["started"] for record in self.records.values())
        ended = max(record["ended"] for record in self.records.values())
        kept = [self.results[o] for e in self.found if e.artefact.kind not in LEFT_OUT for o in _outputs(e)]
        run = self._add(
            "#run",
            "CreateAction",
            name=f"Run of the campaign {self.spec['campaign']}",
            description="All jobs behind these results, from the first to the last, in one session or several; some "
            f"may have been made for another campaign that shares them. Git commits: {self._commits()}.",
            instrument=self.workflow,
            object=self.settings,
            result=_value(kept),
            startTime=started,
            endTime=ended,
        )
        for evidence in self.found:
            if evidence.artefact.kind == "report":
                self.results[evidence.artefact.name]["exampleOfWork"] = self.crate.get(_REPORT)
        organised = self._add(
            "#engine",
            "OrganizeAction",
            name="Run of Snakemake",
            instrument=self.engine,
            object=_value(controls),
            result=run,
            startTime=started,
            endTime=ended,
        )
        self.crate.root_dataset["mentions"] = [run, *actions, organised]

    def _job(self, evidence: Evidence) -> Entity:
        """Add the action of one job, and its record as the trace of it."""
        artefact, record = evidence.artefact, self.records[evidence.artefact.name]
        inputs = {path: seen["sha256"] for path, seen in files_in(record["inputs"])}
        made_from = [
            self.results.get(path) or self._mention(path, digest, "It was not there when the crate was made.")
            for path, digest in inputs.items()
        ]
        host = ", ".join(filter(None, [*record["host"].values(), record.get("device")]))
        action = self._add(
            f"#job-{artefact.name}",
            "CreateAction",
            name=f"{artefact.rule}: {artefact.name}",
            description=f"Digest of code {artefact.code}, of the environment {artefact.environment}; on {host}. "
            "Settings and all else are in its record.",
            instrument=self.tools[f"scripts/{artefact.script}"],
            result=_value([self.results[path] for path in _outputs(evidence)]),
            startTime=record["started"],
            endTime=record["ended"],
        )
        if made_from:
            action["object"] = _value(made_from)
        source = artefact.record.as_posix()
        if artefact.kind in LEFT_OUT:
            # Elsewhere than in the results, where a record without its files would mean that they got lost.
            trace = self._file(source, f"records/{source.removeprefix('results/')}", alternateName=source)
        else:
            trace = self._file(source, source)
        trace["about"] = action
        return action


def _order(found: Sequence[Evidence]) -> Iterable[str]:
    """Return the names of the rules, each after those whose outputs it reads."""
    makers = {path: evidence.artefact.rule for evidence in found for path in _outputs(evidence)}
    needs: dict[str, dict[str, None]] = {}
    for evidence in found:
        sources = needs.setdefault(evidence.artefact.rule, {})
        for path, _ in files_in((evidence.record or {})["inputs"]):
            if makers.get(path, evidence.artefact.rule) != evidence.artefact.rule:
                sources[makers[path]] = None
    return graphlib.TopologicalSorter(needs).static_order()


def _value(entities: Sequence[Entity]) -> Any:
    """Return what JSON-LD writes for several values: a list, or the only one by itself."""
    return entities[0] if len(entities) == 1 else entities


def _outputs(evidence: Evidence) -> Iterable[str]:
    return [path for path, _ in files_in((evidence.record or {})["outputs"])]


def _words(evidence: Evidence, record: Mapping[str, Any], path: str) -> dict[str, str]:
    """Return name, description, licence and citation of a result as far as the record knows them."""
    artefact, spec = evidence.artefact, record["spec"]
    if artefact.kind == "figures":
        return {"name": f"{spec['title']} ({Path(path).name})", "description": spec.get("caption", "")}
    if artefact.kind == "drawn":
        return {"name": f"Numbers of the figure {spec.get('title') or Path(path).stem}"}
    if artefact.kind == "report":
        return {"name": spec["title"], "description": "The report: questions, figures, claims and how it was computed"}
    if artefact.kind == "data":
        facts = record.get("data", {})
        known = {"name": facts.get("title"), "license": facts.get("licence"), "citation": facts.get("citation")}
        return {key: value for key, value in known.items() if value}
    study = spec.get("study")
    return {"name": f"{Path(path).stem} of {study}" if study else f"{Path(path).stem} of all studies"}
