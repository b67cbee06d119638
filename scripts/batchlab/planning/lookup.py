"""What the rules of the workflow ask of the planned jobs: inputs, parameters, priorities, messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from batchlab.configuration import campaign, machine
from batchlab.configuration.command_line import with_types
from batchlab.declarations import find
from batchlab.planning.jobs import Files, Job, Jobs, advising, measuring_rule
from batchlab.planning.parts import INITIAL_NAME, TRAINED_NAME, Plan
from batchlab.planning.plan import plan
from batchlab.records import currency
from batchlab.records.digests import canonical

# Snakemake before this version takes no function as priority.
_PRIORITY_BY_JOB = (9, 27)


class Campaign:
    """A campaign's planned jobs as functions of a rule's wildcards.

    Args:
        plan: The plan.
        core: Core that computes on this machine, `tensorflow` or `jax`.
        ancient: Snakemake's function of that name.
        version: Snakemake's version.
        local: Snakemake's function of that name where results are in object storage: it marks files that are not.
    """

    markers = str(currency.MARKERS)
    initial_name, trained_name = INITIAL_NAME, TRAINED_NAME

    def __init__(
        self,
        plan: Plan,
        core: str,
        ancient: Callable[[str], Any],
        version: str,
        local: Callable[[str], Any] | None = None,
    ) -> None:
        self.plan, self.jobs = plan, Jobs(plan)
        self.results = self.jobs.results
        self._core, self._ancient, self._local = core, ancient, local
        # Studies with an answer of their own, as a pattern; it matches nothing where there is none.
        self.advising = "|".join(advising(plan)) or "(?!)"
        # Trainings that are made together, by the wildcards of their job; `planning.together` knows them.
        self.together: Callable[[Mapping[str, str]], Sequence[Job]] = lambda wildcards: ()
        self._by_job = tuple(map(int, version.split(".")[:2])) >= _PRIORITY_BY_JOB
        self._status = currency.assess(self.jobs, core)

    def _job(self, rule: str, wildcards: Any) -> Job:
        return self.jobs.find(rule, dict(wildcards.items()))

    def inputs(self, rule: str) -> Callable[[Any], Files]:
        """Return the function that gives a job's inputs by name.

        Among them are a marker if the job's outputs are outdated, see `records.currency`, and inputs marked as ancient
        that are newer than the outputs although their content is the recorded one.
        """

        def given(wildcards: Any) -> Files:
            job = self._job(rule, wildcards)
            status = self._status[job.name]

            def flagged(path: str) -> Any:
                placed = self._local(path) if self._local and not path.startswith("results/") else path
                return self._ancient(placed) if path in status.ancient else placed

            files: Files = {
                name: flagged(value) if isinstance(value, str) else [flagged(path) for path in value]
                for name, value in job.inputs.items()
            }
            return files | ({"outdated": status.marker} if status.marker else {})

        return given

    def params(self, rule: str) -> dict[str, Callable[..., Any]]:
        """Return the parameters of a rule: settings, digests, identity.

        `source` says where files of the user lie. It asks for `output`, so that Snakemake does not compare it: a moved
        file is the same file.
        """
        return {
            "spec": lambda wildcards: canonical(self.spec(self._job(rule, wildcards))),
            "source": lambda wildcards, output: self._job(rule, wildcards).source,
            "code": lambda wildcards: self.code(self._job(rule, wildcards)),
            "env": lambda wildcards: self._job(rule, wildcards).environment,
            "identity": lambda wildcards: self._job(rule, wildcards).identity,
        }

    def spec(self, job: Job) -> dict[str, Any]:
        """Return a job's settings: the recorded ones if its results are current, else the planned ones.

        They differ where an option was added with a default: Snakemake, which compares the text, must not see that.
        """
        status = self._status[job.name]
        return status.spec if status.current and status.spec is not None else job.spec

    def code(self, job: Job) -> str:
        """Return the digest of a job's code: the recorded one if it is that of any core, else that of this machine's.

        So a result stays valid on a machine with another core, and a fix in one core concerns only what it computed.
        """
        recorded = self._status[job.name].code
        return recorded if recorded in job.codes.values() else job.codes[self._core]

    def priority(self, rule: str) -> Any:
        """Return the function that gives a job's priority, or 1 where this Snakemake takes none."""
        return (lambda wildcards: self._job(rule, wildcards).priority) if self._by_job else 1

    def kinds(self, rule: str) -> str:
        """Return the kinds of probes that a rule measures, as a pattern."""
        return "|".join(name for name in find.probes() if measuring_rule(name) == rule)

    def caption(self, wildcards: Any) -> str:
        """Return the caption of a figure, which Snakemake's own report quotes, as reStructuredText."""
        caption: str = self.plan.studies[wildcards.study].figures[wildcards.figure]["caption"]
        return re.sub(r"([\\*`|_])", r"\\\1", caption)

    def category(self, wildcards: Any) -> str:
        """Return the heading of a figure in Snakemake's own report, which sorts headings by their text."""
        place = list(self.plan.studies).index(wildcards.study) + 1
        return _literal(f"{place:02} {self.plan.studies[wildcards.study].settings['title']}")

    def labels(self, wildcards: Any) -> dict[str, str]:
        """Return number and title of a figure in Snakemake's own report; the number is that of the page."""
        figures = [(study, name) for study, planned in self.plan.studies.items() for name in planned.figures]
        place = figures.index((wildcards.study, wildcards.figure)) + 1
        title: str = self.plan.studies[wildcards.study].figures[wildcards.figure]["title"]
        return {"figure": f"{place:02}", "title": _literal(title)}

    def verification(self) -> str:
        """Return what `verify` is asked to check, as JSON."""
        config = self.plan.config
        return canonical(
            {
                "campaign": self.plan.campaign,
                "folder": self.results,
                "sample": config["verify_sample"],
                "seed": config.get("verify_seed"),
                "artefacts": self.as_json(),
            }
        )

    def archive(self) -> str:
        """Return what `crate` is asked to pack, as JSON."""
        config = self.plan.config
        return canonical(
            {
                "target": f"results/crates/{self.plan.campaign}.crate.zip",
                "campaign": self.plan.campaign,
                "title": config["title"],
                "summary": config["summary"],
                # As text, which keeps the order of arms, figures and claims.
                "config": json.dumps(config, indent=2),
                "jobs": self.as_json(),
            }
        )

    def target(self, *kinds: str, study: str | None = None) -> list[str]:
        """Return the inputs of a target: what all jobs of some kinds make, and the markers of outdated results.

        Snakemake makes a missing input of a job anew only if that job must run, so the markers of all jobs on which the
        target depends, directly or not, are inputs of the target itself.

        Args:
            *kinds: Kinds of jobs, see `Job.kind`.
            study: Only those of one study.
        """
        makers = {path: job for job in self.jobs for path in job.outputs.values()}
        waiting = [job for job in self.jobs if job.kind in kinds and study in (None, job.wildcards.get("study"))]
        outputs = [path for job in waiting for path in job.outputs.values()]
        needed: dict[str, Job] = {}
        while waiting:
            job = waiting.pop()
            if job.name not in needed:
                needed[job.name] = job
                waiting += [makers[path] for path in currency.listed(job.inputs) if path in makers]
        return [*outputs, *(self._status[name].marker for name in sorted(needed) if self._status[name].marker)]

    def waiting(self, taken_as_current: Collection[str] = ()) -> list[Job]:
        """Return the jobs that must run for everything to be made, in order, as the records say.

        Results that campaigns share are made only if something else needs them.

        Args:
            taken_as_current: Names of jobs that shall count as current.
        """
        running: dict[str, Job] = {}
        makers = {path: job for job in self.jobs for path in job.outputs.values()}
        current = {job.name for job in self.jobs if self._status[job.name].current} | set(taken_as_current)

        def runs(job: Job) -> bool:
            needs = [makers[path].name for path in currency.listed(job.inputs) if path in makers]
            outdated = bool(self._status[job.name].marker) or job.kind not in currency.SHARED
            return (job.name not in current and outdated) or any(name in running for name in needs)

        for job in self.jobs:
            if runs(job):
                running[job.name] = job
        wanted = list(running.values())
        while wanted:
            for path in currency.listed(wanted.pop().inputs):
                if path in makers and makers[path].name not in current and makers[path].name not in running:
                    running[makers[path].name] = makers[path]
                    wanted.append(makers[path])
        return [job for job in self.jobs if job.name in running]

    def perhaps_spared(self) -> tuple[list[Job], list[Job]]:
        """Return data sets that are there but were prepared by other code, and the jobs that wait for nothing else.

        Prepared anew, the data may be what they were. Within one run, Snakemake cannot know that beforehand.
        """
        data = [
            job
            for job in self.jobs
            if job.kind == "data"
            and self._status[job.name].marker
            and all(reason.startswith("other ") for reason in self._status[job.name].reasons)
        ]
        anyway = {job.name for job in self.waiting({job.name for job in data})}
        return data, [job for job in self.waiting() if job.name not in anyway and job not in data]

    def as_json(self) -> list[dict[str, Any]]:
        """Return what verification and the crate need to know of each job."""
        return [
            {
                "kind": job.kind,
                "rule": job.rule,
                "script": job.script,
                "name": job.name,
                "outputs": job.outputs,
                "folder": job.folder,
                "spec": self.spec(job),
                "code": self.code(job),
                "environment": job.environment,
                "identity": job.identity,
                "made_from": self._status[job.name].made_from,
            }
            for job in self.jobs
        ]


# The campaign that this process has planned, which a logger of Snakemake looks up.
opened: Campaign | None = None


def _literal(text: str) -> str:
    """Return a text in which Snakemake finds no wildcards."""
    return text.replace("{", "{{").replace("}", "}}")


def open_campaign(
    config: MutableMapping[str, Any],
    files: Iterable[str],
    given: Mapping[str, Any],
    environment: MutableMapping[str, str],
    ancient: Callable[[str], Any],
    version: str,
    local: Callable[[str], Any] | None = None,
) -> Campaign:
    """Plan the campaign that Snakemake has read.

    Args:
        config: Snakemake's configuration; keys of the machine are taken out.
        files: The configuration files that it was read from.
        given: What `--config` says.
        environment: Of this process; the choice of core and device is put there for the jobs.
        ancient: Snakemake's function of that name.
        version: Snakemake's version.
        local: Snakemake's function of that name where results are in object storage, else None.

    Raises:
        BatchlabError: Something in the campaign or a file that it names is wrong; one line says what and where.
    """
    machine.choose(config, environment)
    planned = plan(campaign.read(with_types(config, given), files))
    global opened
    opened = Campaign(planned, environment.get("BATCHLAB_BACKEND", "tensorflow"), ancient, version, local)
    return opened
