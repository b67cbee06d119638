"""The jobs of a campaign: what each reads, writes and depends on, made from the plan. The rules look them up here.

A job is one call of a rule's script. Verification and the crate read the same list, so a rule, a check and an archive
cannot disagree on what a result was made from.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchlab.charts.planned import numbers_module
from batchlab.declarations import find
from batchlab.declarations.options import Option, without_defaults
from batchlab.paths import SCRIPTS
from batchlab.planning import specs
from batchlab.planning.model_files import code_of
from batchlab.planning.parts import Plan, Probe, Segment, seeds_of
from batchlab.planning.priorities import priorities
from batchlab.planning.report_settings import OF_ANSWER, advice_spec, report_spec
from batchlab.records.digests import CORES, code_digest, codes, environment_digest
from batchlab.tables.base import JOINED

# Files of a job by name: one path, or several.
Files = dict[str, str | list[str]]

# Rule → its wildcards in order.
WILDCARDS: dict[str, tuple[str, ...]] = {
    "prepare_data": ("dataset",),
    "check_model": ("initial",),
    "initialise_model": ("initial", "block"),
    "train_segment": ("segment", "block"),
    "measure_probe": ("kind", "probe", "block"),
    "measure_apart": ("kind", "probe", "block"),
    "tabulate_study": ("study",),
    "derive_table": ("study", "table"),
    "judge_claims": ("study",),
    "merge_tables": ("table",),
    "figure_data": ("study", "figure"),
    "bundle_vega": (),
    "draw_figure": ("study", "figure"),
    "write_report": (),
    "write_advice": ("study",),
}


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        kind: What it makes: `data`, `check`, `segments`, `probes`, `tables`, `claims`, `drawn`, `figures`, `report`
            or `answer`.
        rule: Name of its rule.
        script: File name of the rule's script.
        wildcards: Values of the rule's wildcards.
        inputs: Files that the script reads.
        outputs: Files that it writes; a single folder if `folder`.
        spec: Settings that its numbers depend on, exactly those.
        identity: Names or digest of what led to it, for people and records.
        source: Where files of the user lie, which are identified by their content in `spec`.
        modules: Modules that the script imports by name.
        options: Options by which branches of the code are decided.
        declared: What the options are, where they are declared.
        folder: Whether the output is a folder of tables.
        benchmark: File of Snakemake's own measurements; empty if there is none.
        keras: Whether it computes with Keras, on the core and device of the machine.
        priority: The more work waits for it, the higher.
        message: One line for the terminal.
        made_from: Jobs before a study's tables, whose code and environment the record of the tables sums up.
    """

    kind: str
    rule: str
    script: str
    wildcards: Mapping[str, str]
    inputs: Files
    outputs: dict[str, str]
    spec: dict[str, Any]
    identity: Any
    message: str
    source: dict[str, Any] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    declared: tuple[Option, ...] = ()
    folder: bool = False
    benchmark: str = ""
    keras: bool = False
    priority: int = 0
    made_from: tuple[Job, ...] = ()

    @property
    def name(self) -> str:
        """Path of the first output, after which the record is named."""
        return next(iter(self.outputs.values()))

    def compared(self, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return settings, planned or recorded, as they are compared: without options that have their default value.

        So an option that is added with a default that keeps the numbers makes nothing anew.
        """
        place = "probe" if "probe" in spec else "options"
        own = spec.get(place)
        return (
            {**spec, place: without_defaults(self.declared, own)} if self.declared and isinstance(own, dict) else spec
        )

    @functools.cached_property
    def codes(self) -> dict[str, str]:
        """Core → digest of the code with it; every core gives the same where Keras does not compute."""
        script = SCRIPTS / self.script
        if not self.keras:
            return dict.fromkeys(CORES, code_digest(script, self.modules, self.options))
        return codes(script, self.modules, self.options)

    @functools.cached_property
    def environment(self) -> str:
        """Digest of the locked versions of the packages that its code imports."""
        return environment_digest(SCRIPTS / self.script, self.modules, self.options)


def data_path(name: str) -> str:
    """Return the path of a prepared data set."""
    return f"results/data/{name}/data.npz"


def understood_path(name: str) -> str:
    """Return the path of what was understood of a data set."""
    return f"results/data/{name}/understood.json"


def segment_path(name: str, block: str, file: str = "state.npz") -> str:
    """Return the path of a file of a segment."""
    return f"results/segments/{name}/seeds-{block}/{file}"


def probe_folder(probe: Probe, block: str) -> str:
    """Return the folder of a probe's tables."""
    return f"results/probes/{probe.kind}/{probe.name}/seeds-{block}"


def measuring_rule(kind: str) -> str:
    """Return the rule that measures a kind of probe."""
    return "measure_apart" if find.probes()[kind].apart else "measure_probe"


class Jobs:
    """All jobs of a campaign, each after those that it depends on.

    Args:
        plan: The plan of the campaign.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.results = f"results/{plan.campaign}"
        self._priorities = priorities(plan)
        self._made: dict[tuple[str, tuple[str, ...]], Job] = {}
        for job in self._all():
            self._made[_key(job.rule, job.wildcards)] = job

    def __iter__(self) -> Iterator[Job]:
        return iter(self._made.values())

    def __len__(self) -> int:
        return len(self._made)

    def find(self, rule: str, wildcards: Mapping[str, Any] | None = None) -> Job:
        """Return the job of a rule with these wildcards.

        Raises:
            KeyError: The campaign has no such job.
        """
        return self._made[_key(rule, {} if wildcards is None else wildcards)]

    def _all(self) -> Iterator[Job]:
        yield from self._data()
        yield from self._segments()
        yield from self._probes()
        yield self._bundle()
        for study in self.plan.studies:
            yield from self._study(study)
        yield from self._joined()
        yield self._report()
        yield from map(self._answer, advising(self.plan))

    def _data(self) -> Iterator[Job]:
        for name, settings in self.plan.data.items():
            yield Job(
                kind="data",
                rule="prepare_data",
                script="prepare_data.py",
                wildcards={"dataset": name},
                inputs={},
                outputs={"data": data_path(name), "understood": understood_path(name)},
                spec=dict(settings.spec),
                source=dict(settings.source),
                identity=name,
                modules=settings.modules,
                message=f"Prepare the data set {name}",
            )

    @property
    def _task(self) -> str:
        """The module that says what is learnt."""
        return f"batchlab.tasks.{self.plan.task.name}.objective:objective"

    def _blocks(self) -> Iterator[tuple[str, str]]:
        """Yield each segment with each block of seeds for which a study needs it, parents first."""
        yield from dict.fromkeys(
            (segment.name, block)
            for study in self.plan.studies.values()
            for arm in study.arms
            for segment in arm.chain
            for block in arm.blocks
        )

    def _model(self, segment: Segment) -> tuple[str, ...]:
        """Return the modules of a segment's task, model and schedule; a user's model is in the spec."""
        model = self.plan.segments[segment.initial].spec["model"]
        named = (f"batchlab.models.{model['name']}:build",) if "name" in model else ()
        schedule = segment.spec.get("schedule")
        return (self._task, *named, *((f"batchlab.schedules.{schedule['name']}:SCHEDULE",) if schedule else ()))

    def _segments(self) -> Iterator[Job]:
        checked: set[str] = set()
        for name, block in self._blocks():
            segment = self.plan.segments[name]
            if segment.parent is None and code_of(segment.spec["model"]) and name not in checked:
                checked.add(name)
                yield self._check(segment)
            yield self._segment(segment, block)

    def _check(self, segment: Segment) -> Job:
        return Job(
            kind="check",
            rule="check_model",
            script="check_model.py",
            wildcards={"initial": segment.name},
            inputs={"data": data_path(segment.data)},
            outputs={"findings": f"results/segments/{segment.name}/check.json"},
            spec=segment.spec,
            source=specs.model_source(self.plan, segment.name),
            identity=specs.identity_chain(self.plan, segment.name),
            modules=self._model(segment),
            keras=True,
            message=f"Try the model of {segment.name}",
        )

    def _segment(self, segment: Segment, block: str) -> Job:
        initial = self.plan.segments[segment.initial]
        first = segment.parent is None
        inputs: Files = {"data": data_path(segment.data)}
        if segment.parent is not None:
            inputs |= {
                "initial": segment_path(initial.name, block),
                "parent": segment_path(segment.parent, block),
            }
        elif code_of(segment.spec["model"]):
            inputs["checked"] = f"results/segments/{segment.name}/check.json"
        return Job(
            kind="segments",
            rule="initialise_model" if first else "train_segment",
            script="initialise_model.py" if first else "train_segment.py",
            wildcards={"initial" if first else "segment": segment.name, "block": block},
            inputs=inputs,
            outputs={
                "state": segment_path(segment.name, block),
                "history": segment_path(segment.name, block, "history.csv"),
                "distances": segment_path(segment.name, block, "distances.csv"),
            },
            spec={**initial.spec, **segment.spec, "seeds": seeds_of(block)},
            source=specs.model_source(self.plan, segment.name),
            identity=specs.identity_chain(self.plan, segment.name),
            modules=self._model(segment),
            benchmark="" if first else f"logs/train_segment/{segment.name}/seeds-{block}.benchmark.tsv",
            keras=True,
            priority=self._priorities[segment.name],
            message=f"{'Draw the initial weights' if first else 'Train'} {segment.name}, seeds {block}",
        )

    def _probes(self) -> Iterator[Job]:
        wanted = dict.fromkeys(
            (probe.name, block)
            for name, study in self.plan.studies.items()
            for _, _, probe in study.probes
            for block in specs.probe_blocks(self.plan, name, probe)
        )
        for name, block in wanted:
            probe = self.plan.probes[name]
            segment = self.plan.segments[probe.segment]
            rule, code = measuring_rule(probe.kind), f"batchlab.probes.{probe.kind}"
            yield Job(
                kind="probes",
                rule=rule,
                script=f"{rule}.py",
                wildcards={"kind": probe.kind, "probe": name, "block": block},
                inputs={
                    "data": data_path(segment.data),
                    "state": [segment_path(name, block) for name in probe.segments],
                },
                outputs={"tables": probe_folder(probe, block)},
                spec=specs.probe_spec(self.plan, probe, block),
                source=specs.model_source(self.plan, probe.segment),
                identity=[*specs.identity_chain(self.plan, probe.segment), name],
                modules=(
                    f"{code}.measure:measure",
                    *((f"{code}.child:main",) if find.probes()[probe.kind].apart else ()),
                    *self._model(segment),
                ),
                options=probe.spec["probe"],
                declared=find.probes()[probe.kind].options,
                folder=True,
                benchmark=f"logs/{rule}/{probe.kind}/{name}/seeds-{block}.benchmark.tsv",
                keras=find.probes()[probe.kind].device,
                priority=self._priorities[name],
                message=f"Measure {probe.kind.replace('_', ' ')} at {name}, seeds {block}",
            )

    def tables_folder(self, study: str) -> str:
        """Return the folder of a study's tables."""
        return f"{self.results}/tables/{study}"

    def derived_path(self, study: str, table: str) -> str:
        """Return the path of a derived table."""
        return f"{self.results}/derived/{study}/{table}.csv"

    @property
    def bundle_path(self) -> str:
        """The path of the scripts of all interactive figures."""
        return f"{self.results}/{specs.BUNDLE}"

    def claims_path(self, study: str) -> str:
        """Return the path of a study's claims."""
        return f"{self.results}/claims/{study}.csv"

    def _table_inputs(self, study: str, tables: Iterable[str]) -> Files:
        """Return the files that hold tables of a study: its folder, and derived tables by name."""
        derived = self.plan.studies[study].derived
        named = list(dict.fromkeys(tables))
        files: Files = {}
        if any(table not in derived for table in named):
            files["tables"] = self.tables_folder(study)
        return files | {table: self.derived_path(study, table) for table in named if table in derived}

    def _study(self, study: str) -> Iterator[Job]:
        planned = self.plan.studies[study]
        identity = specs.study_identity(self.plan, study)

        def job(kind: str, rule: str, message: str, **more: Any) -> Job:
            wildcards = {"study": study, **more.pop("wildcards", {})}
            return Job(
                kind=kind,
                rule=rule,
                script=f"{rule}.py",
                wildcards=wildcards,
                identity=identity,
                message=message,
                **more,
            )

        before = self._before(study)
        yield job(
            "tables",
            "tabulate_study",
            f"Tabulate the study {study}",
            inputs={
                # Of data, labels alone are read; their records say with which code they were prepared.
                "data": [step.name for step in before if step.kind == "data"],
                "files": [
                    path
                    for step in before
                    if step.kind in ("segments", "probes")
                    for name, path in step.outputs.items()
                    if name != "state"
                ],
            },
            outputs={"tables": self.tables_folder(study)},
            spec=specs.tables_spec(self.plan, study),
            modules=(
                f"batchlab.tasks.{self.plan.task.name}.constant:levels",
                *(f"batchlab.tables.derivations.{name}.derive:derive" for name in planned.automatic),
            ),
            folder=True,
            made_from=tuple(before),
        )
        for table, derived in planned.derived.items():
            yield job(
                "tables",
                "derive_table",
                f"Derive {study}: {table.replace('_', ' ')}",
                wildcards={"table": table},
                inputs=self._table_inputs(study, derived.reads),
                outputs={"table": self.derived_path(study, table)},
                spec=specs.derived_spec(self.plan, study, table),
                modules=(f"batchlab.tables.derivations.{derived.derivation}.derive:derive",),
                options=derived.options,
                declared=find.derivations()[derived.derivation].options,
            )
        claims = specs.claims_spec(self.plan, study)
        yield job(
            "claims",
            "judge_claims",
            f"Judge the claims of {study}",
            inputs=self._table_inputs(
                study, ["history", *(name for claim in planned.claims.values() for name in specs.names_read(claim))]
            ),
            outputs={"claims": self.claims_path(study)},
            spec=claims,
        )
        for figure, settings in planned.figures.items():
            base = f"{self.results}/figures/{study}/{figure}"
            wildcards = {"figure": figure}
            declared = find.charts()[settings["chart"]].options
            yield job(
                "drawn",
                "figure_data",
                f"Compute what {study}: {figure} shows",
                wildcards=wildcards,
                inputs=self._table_inputs(study, specs.names_read(settings)),
                outputs={"data": f"{base}.csv"},
                spec=specs.figure_data_spec(self.plan, study, figure),
                modules=(numbers_module(settings["chart"]),),
                options=settings,
                declared=declared,
            )
            yield job(
                "figures",
                "draw_figure",
                f"Draw {study}: {figure}",
                wildcards=wildcards,
                # Figures link to the scripts; a finding is read, so that no title says more than the data.
                inputs={
                    "data": f"{base}.csv",
                    "bundle": self.bundle_path,
                    **({"claims": self.claims_path(study)} if "finding" in settings else {}),
                },
                outputs={key: f"{base}.{ending}" for key, ending in specs.FORMATS.items()},
                spec=specs.figure_drawing_spec(self.plan, study, figure),
                modules=(f"batchlab.charts.{settings['chart']}.draw:draw",),
                options=settings,
                declared=declared,
            )

    def _bundle(self) -> Job:
        return Job(
            kind="figures",
            rule="bundle_vega",
            script="bundle_vega.py",
            wildcards={},
            inputs={},
            outputs={"bundle": self.bundle_path},
            spec={"title": "Scripts of the interactive figures"},
            identity="",
            message="Write the scripts of the interactive figures",
        )

    def _before(self, study: str) -> list[Job]:
        """Return the jobs whose results a study's tables are made of, each once."""
        planned = self.plan.studies[study]
        segments = dict.fromkeys(
            (segment.name, block) for arm in planned.arms for segment in arm.chain for block in arm.blocks
        )
        probes = dict.fromkeys(probe.name for _, _, probe in planned.probes)
        data = dict.fromkeys(self.plan.segments[name].data for name, _ in segments)
        jobs = [self._made["prepare_data", (name,)] for name in data]
        for name, block in segments:
            rule = "train_segment" if self.plan.segments[name].parent else "initialise_model"
            jobs.append(self._made[rule, (name, block)])
        for probe in (self.plan.probes[name] for name in probes):
            blocks = specs.probe_blocks(self.plan, study, probe)
            jobs += [self._made[measuring_rule(probe.kind), (probe.kind, probe.name, block)] for block in blocks]
        return jobs

    def _joined(self) -> Iterator[Job]:
        for table in (each.name for each in JOINED):
            claims = table == "claims"
            yield Job(
                kind="tables",
                rule="merge_tables",
                script="merge_tables.py",
                wildcards={"table": table},
                inputs={
                    "merged": [
                        self.claims_path(study) if claims else self.tables_folder(study) for study in self.plan.studies
                    ]
                },
                outputs={"merged": f"{self.results}/tables/{table}.csv"},
                spec=specs.merge_spec(self.plan, table),
                identity=specs.campaign_identity(self.plan),
                message=f"Join the studies' tables: {table}",
            )

    def _report(self) -> Job:
        studies = self.plan.studies
        return Job(
            kind="report",
            rule="write_report",
            script="write_report.py",
            wildcards={},
            inputs={
                "figures": [
                    path for job in self._made.values() if job.kind == "figures" for path in job.outputs.values()
                ],
                # Alternative texts name the first and last number of each figure.
                "numbers": [job.outputs["data"] for job in self._made.values() if job.kind == "drawn"],
                "tables": [self.tables_folder(study) for study in studies],
                "derived": [
                    self.derived_path(name, table) for name, study in studies.items() for table in study.derived
                ],
                "claims": [self.claims_path(study) for study in studies],
                "merged": [f"{self.results}/tables/{table.name}.csv" for table in JOINED],
            },
            outputs={"page": f"{self.results}/index.html", "claims": f"{self.results}/claims.html"},
            spec=report_spec(self.plan),
            identity=specs.campaign_identity(self.plan),
            message="Write the report of the campaign",
        )

    def _answer(self, study: str) -> Job:
        spec = advice_spec(self.plan, study)
        return Job(
            kind="answer",
            rule="write_advice",
            script="write_advice.py",
            wildcards={"study": study},
            inputs={
                "tables": self.tables_folder(study),
                "derived": [self.derived_path(study, table) for table in self.plan.studies[study].derived],
                "figures": [figure[key] for figure in spec["figures"] for key in ("svg", "data")],
            },
            outputs={"answer": f"{self.results}/{study}.json", "page": f"{self.results}/{study}.html"},
            spec=spec,
            identity=specs.study_identity(self.plan, study),
            message=f"Write the answer of {study}",
        )


def advising(plan: Plan) -> list[str]:
    """Return the studies that answer which batch size to take: those with all tables that the answer is made of."""
    return [
        name
        for name, study in plan.studies.items()
        if {*OF_ANSWER} <= {derived.derivation for derived in study.derived.values()}
    ]


def _key(rule: str, wildcards: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    return rule, tuple(str(wildcards[name]) for name in WILDCARDS[rule])
