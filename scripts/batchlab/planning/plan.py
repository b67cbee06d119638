"""The plan of a campaign: studies → arms → chained segments, probes and their files, duplicates removed.

A segment's identity is a chain: the digest of its parent's identity and of its own settings; the chain starts at
the initial weights, whose identity holds data set, model and precision. What two studies share therefore has one
path and is trained once; a changed second phase or an added snapshot changes the paths of what follows it only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchlab.data.registry import DataShape, describe, identity
from batchlab.digests import digest
from batchlab.errors import BatchlabError
from batchlab.planning.captions import resolve_texts
from batchlab.planning.columns import check_columns, check_reference
from batchlab.planning.models import resolve_model, resolve_optimizer
from batchlab.planning.positions import advance
from batchlab.planning.probe_settings import PROBE_DEFAULTS, check_fit, check_settings
from batchlab.planning.recipes import Recipe, batch_sizes_of, expand, filter_of, unknown
from batchlab.planning.rows import Foreseen, check_conditions, check_rows, of_arm, of_probe, of_training


@dataclass(frozen=True)
class Segment:
    """A stretch of training between two cut points, for all seeds that need it.

    Attributes:
        name: Readable prefix and identity; the name of its folder.
        spec: Settings that its numbers depend on, seeds excepted; `start` and `stop` count examples.
        data: Name of the data set's folder.
        parent: Name of the segment it continues; None for initial weights.
        initial: Name of the segment with the initial weights (itself for those).
    """

    name: str
    spec: dict[str, Any]
    data: str
    parent: str | None
    initial: str


@dataclass(frozen=True)
class Probe:
    """A measurement on one snapshot.

    Attributes:
        name: Readable prefix and identity; the name of its folder.
        kind: Name of the module in `batchlab.probes`.
        spec: Settings that its numbers depend on, seeds excepted.
        segment: Name of the segment whose last state is measured.
    """

    name: str
    kind: str
    spec: dict[str, Any]
    segment: str


@dataclass(frozen=True)
class Arm:
    """One recipe of a study with its chain of segments, the initial weights first."""

    recipe: Recipe
    chain: tuple[Segment, ...]
    description: dict[str, Any]


@dataclass(frozen=True)
class Study:
    """Everything that answers one question; the specs of its tables, figures and claims are ready to use."""

    name: str
    settings: dict[str, Any]
    reference: dict[str, Any] | None
    arms: tuple[Arm, ...]
    probes: tuple[tuple[Arm, int | None, Probe], ...]
    blocks: tuple[str, ...]
    tables: tuple[str, ...]
    figures: dict[str, dict[str, Any]]
    claims: dict[str, dict[str, Any]]


@dataclass
class Plan:
    """What a campaign consists of, by name."""

    campaign: str
    config: dict[str, Any]
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    studies: dict[str, Study] = field(default_factory=dict)
    model_files: dict[str, str] = field(default_factory=dict)  # digest of a user's model → its file


# Tables that a probe writes; those of every study come first in its list.
PROBE_TABLES = {
    "gradient_norms": ("gradient_norms", "gradient_moments"),
    "weight_drift": ("weight_drift",),
    "trajectory": ("trajectory",),
    "running_statistics": ("running_statistics",),
}
DERIVED_TABLES = {"gradient_norms": ("gradient_norm_summary",)}
# What a phase sets for the training in it.
_PHASE_SETTINGS = ("learning_rate", "batch_size", "accumulation")
# Names of initial weights and of trained segments, as patterns: short ones, because Snakemake goes through the text of
# a pattern for every job (a list of all names costs a campaign of 1,000 arms a third of its dry run).
INITIAL_NAME = r"\w+-\w+-initial-[0-9a-f]{10}"
TRAINED_NAME = r"\w+-\w+-\w+-b\d+-[^/]+-[0-9a-f]{10}"
STUDY_TABLES = ("arms", "history", "distances", "summary", "comparisons")


def seed_blocks(first: int, count: int, size: int) -> tuple[str, ...]:
    """Return the seed blocks `first-last`; added seeds make new blocks and leave the full ones as they are."""
    last = first + count - 1
    return tuple(f"{start}-{min(start + size - 1, last)}" for start in range(first, last + 1, size))


def seeds_of(block: str) -> list[int]:
    """Return the seeds of a block written as `first-last`."""
    first, last = map(int, block.split("-"))
    return list(range(first, last + 1))


def _last_epoch(recipe: Recipe) -> int | None:
    """Return the arm's last epoch where all its phases are counted in epochs."""
    lengths = [phase.epochs for phase in recipe.phases]
    return None if None in lengths else sum(length for length in lengths if length is not None)


def _description(study: str, recipe: Recipe) -> dict[str, Any]:
    """Return the arm's row of `arms.csv`."""
    last = recipe.phases[-1]
    return {
        "study": study,
        "arm": recipe.arm,
        "recipe": recipe.key,
        "label": recipe.label,
        "dataset": recipe.dataset,
        "model": recipe.model,
        "optimizer": recipe.optimizer,
        "batch_size": last.batch_size,
        "accumulation": last.accumulation,
        "learning_rate": last.learning_rate,
        "learning_rate_rule": recipe.rule,
        "precision": recipe.precision,
        "phases": " → ".join(phase.text() for phase in recipe.phases),
        "budget": "updates" if last.epochs is None else "epochs",
    }


class _Planner:
    def __init__(self, config: dict[str, Any]) -> None:
        self.plan = Plan(campaign=config["campaign"], config=config)
        self.config = config
        self.shapes: dict[str, DataShape] = {}
        self.data_names: dict[str, str] = {}
        self.initials: dict[tuple[str, str, str], Segment] = {}
        self.optimizers: dict[str, dict[str, Any]] = {}

    def data(self, alias: str) -> str:
        """Register a data set and return the name of its folder."""
        if alias not in self.data_names:
            settings = self.config["datasets"][alias]
            try:
                self.shapes[alias] = describe(settings)
                name = f"{settings.get('name', 'user')}-{digest(identity(settings))}"
            except BatchlabError as problem:
                raise BatchlabError(f"datasets.{alias}: {problem}") from None
            self.data_names[alias] = name
            self.plan.data[name] = settings
        return self.data_names[alias]

    def initial(self, recipe: Recipe) -> Segment:
        """Register the initial weights of an arm and return them."""
        key = (recipe.dataset, recipe.model, recipe.precision)
        if key not in self.initials:
            data = self.data(recipe.dataset)
            model = resolve_model(self.config, recipe.model)
            if "code" in model:
                self.plan.model_files[model["code"]] = self.config["models"][recipe.model]["file"]
            spec = {"dataset": identity(self.plan.data[data]), "model": model, "precision": recipe.precision}
            label = f"{self.plan.data[data].get('name', 'user')}-{model.get('name', 'user')}-initial"
            self.initials[key] = self._segment(label, spec, data, None)
        return self.initials[key]

    def optimizer(self, alias: str) -> dict[str, Any]:
        """Return an optimizer's full settings."""
        if alias not in self.optimizers:
            self.optimizers[alias] = resolve_optimizer(self.config, alias)
        return self.optimizers[alias]

    def chain(self, study: str, recipe: Recipe, snapshots: set[int]) -> tuple[Segment, ...]:
        """Return the chain of segments of an arm, cut at phase changes and at the epochs in `snapshots`."""
        initial = self.initial(recipe)
        examples = self.shapes[recipe.dataset].examples_train
        optimizer = self.optimizer(recipe.optimizer)
        labels = initial.name.split("-")[:2]
        chain = [initial]
        position = 0
        for number, phase in enumerate(recipe.phases):
            where = f"studies.{study}.arms.{recipe.key}"
            if phase.batch_size > examples:
                raise BatchlabError(
                    f"{where}.batch_size: {phase.batch_size} is larger than the training set of {recipe.dataset} "
                    f"({examples} examples); allowed: 1 to {examples}"
                )
            if phase.epochs is None:
                end = advance(position, phase.updates or 0, phase.batch_size, examples)
            elif position % examples:
                raise BatchlabError(
                    f"{where}.phases[{number}]: starts within an epoch and so cannot be counted in epochs; give updates"
                )
            else:
                end = position + phase.epochs * examples
            # An arm of 0 epochs is its initial weights alone: enough for probes of epoch 0.
            cuts = sorted({end, *(c for s in snapshots if position < (c := s * examples) < end)} - {position})
            for stop in cuts:
                settings = {
                    "optimizer": optimizer,
                    "learning_rate": phase.learning_rate,
                    "batch_size": phase.batch_size,
                    "accumulation": phase.accumulation,
                    "start": position,
                    "stop": stop,
                }
                k = f"k{phase.accumulation}-" if phase.accumulation > 1 else ""
                text = f"b{phase.batch_size}-{k}lr{phase.learning_rate:g}-to{stop / examples:.4g}"
                label = "-".join([*labels, optimizer["name"], text])
                chain.append(self._segment(label, settings, initial.data, chain[-1]))
                position = stop
        return tuple(chain)

    def _segment(self, label: str, settings: dict[str, Any], data: str, parent: Segment | None) -> Segment:
        name = f"{label}-{digest(parent.name.rpartition('-')[2] if parent else None, settings)}"
        if name not in self.plan.segments:
            initial = parent.initial if parent else name
            spec = {**self.plan.segments[initial].spec, **settings} if parent else settings
            self.plan.segments[name] = Segment(name, spec, data, parent.name if parent else None, initial)
        return self.plan.segments[name]

    def study(self, name: str) -> Study:
        settings = self.config["studies"][name]
        recipes = expand(self.config, name)
        if not recipes:
            raise BatchlabError(f"studies.{name}.arms: the study has no arms; give at least one")
        times = Counter(recipe.arm for recipe in recipes)
        if repeated := [arm for arm, count in times.items() if count > 1]:
            raise BatchlabError(f"studies.{name}.arms: {min(repeated)!r} comes out twice; remove the repeated value")
        arms: list[Arm] = []
        wanted: list[tuple[Arm, int | None, Probe]] = []
        matched: set[str] = set()
        probes = {key: probe for key, probe in settings.get("probes", {}).items() if probe is not None}
        for key, probe in probes.items():
            check_settings(f"studies.{name}.probes.{key}", probe)
        for recipe in recipes:
            chosen = [(key, probe) for key, probe in probes.items() if self._matches(name, key, probe, recipe)]
            last = _last_epoch(recipe)
            epochs = {key: [last if e == "last" else e for e in probe["epochs"]] for key, probe in chosen}
            snapshots = {epoch for listed in epochs.values() for epoch in listed if epoch is not None}
            snapshots.update(settings.get("snapshots", []))
            arm = Arm(recipe, self.chain(name, recipe, snapshots), _description(name, recipe))
            arms.append(arm)
            matched.update(epochs)
            for key, probe in chosen:
                for epoch in sorted(set(epochs[key]), key=lambda epoch: (epoch is None, epoch)):
                    wanted.append((arm, epoch, self._probe(name, key, probe, arm, epoch)))
        for key in probes:
            if key not in matched:
                raise BatchlabError(f"studies.{name}.probes.{key}.arms: no arm of the study matches")
        kinds = list(dict.fromkeys(probe.kind for _, _, probe in wanted))
        tables = [*STUDY_TABLES, *(table for kind in kinds for table in PROBE_TABLES[kind])]
        tables += [table for kind in kinds for table in DERIVED_TABLES.get(kind, ())]
        seeds = {**self.config["seeds"], **({"count": settings["seeds"]} if "seeds" in settings else {})}
        blocks = seed_blocks(seeds["first"], seeds["count"], seeds["block"])
        context = {"seeds": seeds["count"], "first_arm": arms[0], "probes": list(probes.values())}
        figures = resolve_texts(self.config, f"studies.{name}.figures", settings.get("figures", {}), context)
        claims = resolve_texts(self.config, f"studies.{name}.claims", settings.get("claims", {}), context)
        for group, items in (("figures", figures), ("claims", claims)):
            for key, item in items.items():
                if item["table"] not in tables:
                    raise unknown(f"studies.{name}.{group}.{key}.table", "table", item["table"], tables)
                check_columns(f"studies.{name}.{group}.{key}", item)
                if foreseen := self._foreseen(item["table"], arms, wanted, seeds):
                    check_rows(f"studies.{name}.{group}.{key}", item, foreseen)
        for key, claim in claims.items():
            if claim.get("figure") and claim["figure"] not in figures:
                raise unknown(f"studies.{name}.claims.{key}.figure", "figure", claim["figure"], figures)
        reference = settings.get("reference")
        if reference is not None:
            check_reference(f"studies.{name}.reference", reference)
            reference = filter_of(self.config, f"studies.{name}.reference", reference)
            check_conditions(f"studies.{name}.reference", "arms", reference, [of_arm(arm.recipe) for arm in arms])
        return Study(name, settings, reference, tuple(arms), tuple(wanted), blocks, tuple(tables), figures, claims)

    @staticmethod
    def _foreseen(
        table: str, arms: Sequence[Arm], probes: Sequence[tuple[Arm, int | None, Probe]], seeds: Mapping[str, int]
    ) -> list[Foreseen]:
        """Return what each arm or probe can write into a table; nothing for a table that compares arms."""
        first, count = seeds["first"], seeds["count"]
        if table in ("history", "distances"):
            return [of_training(arm.recipe, _last_epoch(arm.recipe), range(first, first + count)) for arm in arms]
        if table in ("arms", "summary"):
            return [of_arm(arm.recipe) for arm in arms]
        return [
            of_probe(
                arm.recipe,
                epoch,
                probe.spec["probe"],
                range(first, first + min(count, probe.spec["seed_count"] or count)),
            )
            for arm, epoch, probe in probes
            if table in (*PROBE_TABLES[probe.kind], *DERIVED_TABLES.get(probe.kind, ()))
        ]

    def _matches(self, study: str, key: str, probe: Mapping[str, Any], recipe: Recipe) -> bool:
        where = f"studies.{study}.probes.{key}.arms"
        phase = recipe.phases[-1]
        values: dict[str, Any] = {
            "recipe": recipe.key,
            "arm": recipe.arm,
            "batch_size": phase.batch_size,
            "accumulation": phase.accumulation,
            "model": recipe.model,
            "optimizer": recipe.optimizer,
            "precision": recipe.precision,
        }
        for field_name, allowed in probe.get("arms", {}).items():
            listed = allowed if isinstance(allowed, list) else [allowed]
            if field_name == "batch_size":
                listed = batch_sizes_of(self.config, f"{where}.batch_size", listed)
            if values[field_name] not in listed:
                return False
        return True

    def _probe(self, study: str, key: str, probe: Mapping[str, Any], arm: Arm, epoch: int | None) -> Probe:
        examples = self.shapes[arm.recipe.dataset].examples_train
        where = f"studies.{study}.probes.{key}"
        stops = {segment.spec.get("stop", 0): segment for segment in arm.chain}
        target = stops.get(epoch * examples) if epoch is not None else arm.chain[-1]
        if target is None:
            raise BatchlabError(f"{where}.epochs: arm {arm.recipe.arm} has no epoch {epoch}; it ends earlier")
        own = {k: v for k, v in probe.items() if k not in ("arms", "epochs", "probe", "seeds")}
        own = {**PROBE_DEFAULTS.get(probe["probe"], {}), **own}
        if "batch_sizes" in own:
            own["batch_sizes"] = batch_sizes_of(self.config, f"{where}.batch_sizes", own["batch_sizes"])
        # No measurement depends on the order in which they are listed.
        own = {key: sorted(value) if isinstance(value, list) else value for key, value in own.items()}
        # What follows the snapshot uses the settings with which the arm goes on there; at its end, those it had.
        following = next((segment for segment in arm.chain if segment.parent == target.name), None)
        last = arm.recipe.phases[-1]
        used = following.spec if following else {key: getattr(last, key) for key in _PHASE_SETTINGS}
        check_fit(where, probe["probe"], own, arm.recipe.arm, used["batch_size"], examples)
        spec = {
            **arm.chain[0].spec,
            "optimizer": resolve_optimizer(self.config, arm.recipe.optimizer),
            **{key: used[key] for key in _PHASE_SETTINGS},
            "position": target.spec.get("stop", 0),
            "probe": {"name": probe["probe"], **own},
            "seed_count": probe.get("seeds"),
        }
        name = f"{target.name.rpartition('-')[0]}-{digest(target.name.rpartition('-')[2], spec)}"
        found = Probe(name, probe["probe"], spec, target.name)
        return self.plan.probes.setdefault(name, found)


def plan(config: dict[str, Any]) -> Plan:
    """Return the plan of a validated configuration.

    Args:
        config: A campaign as `batchlab.configuration.load` returns it: complete, with all defaults.

    Raises:
        BatchlabError: For a name that the campaign does not define, a K that does not divide B, a B larger than
            the data, a probe of an epoch that does not exist; the message names key, value and what is allowed.
    """
    planner = _Planner(config)
    for name in config["run"]:
        if name not in config["studies"]:
            raise unknown("run", "study", name, config["studies"])
        planner.plan.studies[name] = planner.study(name)
    return planner.plan
