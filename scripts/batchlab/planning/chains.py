"""Chained segments and probes of arms, each identified by the settings that its numbers depend on, duplicates removed.

A segment's identity is a chain: the digest of its parent's identity and of its own settings; the chain starts at
the initial weights, whose identity holds data set, model and precision. What two studies share therefore has one
path and is trained once; a changed second phase or an added snapshot changes the paths of what follows it only.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchlab.declarations.probe import Reads, Situation
from batchlab.errors import BatchlabError
from batchlab.planning.model_files import resolve_model
from batchlab.planning.optimizer_settings import resolve_optimizer
from batchlab.planning.parts import Arm, Plan, Probe, Segment
from batchlab.planning.positions import Place, advance, updates_between
from batchlab.planning.recipes import Recipe
from batchlab.planning.scheduling import placed, rate_at
from batchlab.planning.study_settings import ProbeSettings, probe_spec_without_defaults
from batchlab.records.digests import digest
from batchlab.sources.settings import DataShape, resolve

# What a phase sets for the training in it.
_PHASE_SETTINGS = ("learning_rate", "batch_size", "accumulation")


class Chains:
    """Puts the data sets, segments and probes of arms into a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.config = plan.config
        self.shapes: dict[str, DataShape] = {}
        self.data_names: dict[str, str] = {}
        self.initials: dict[tuple[str, str, str], Segment] = {}
        self.optimizers: dict[str, dict[str, Any]] = {}

    def data(self, alias: str) -> str:
        """Register a data set and return the name of its folder."""
        if alias not in self.data_names:
            try:
                settings = resolve(self.config["datasets"][alias])
            except BatchlabError as problem:
                raise BatchlabError(f"datasets.{alias}: {problem}") from None
            self.shapes[alias] = settings.shape
            self.data_names[alias] = f"{settings.name}-{digest(settings.identity)}"
            self.plan.data[self.data_names[alias]] = settings
        return self.data_names[alias]

    def initial(self, recipe: Recipe) -> Segment:
        """Register the initial weights of an arm and return them."""
        key = (recipe.dataset, recipe.model, recipe.precision)
        if key not in self.initials:
            data = self.data(recipe.dataset)
            model = resolve_model(self.config, recipe.model)
            if "code" in model:
                self.plan.model_files[model["code"]] = self.config["models"][recipe.model]["file"]
            dataset = self.plan.data[data]
            spec = {"dataset": dataset.identity, "model": model, "precision": recipe.precision}
            label = f"{dataset.name}-{model.get('name', 'user')}-initial"
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
        where = f"studies.{study}.arms.{recipe.key}"
        chain = [initial]
        position = 0
        places = [Place(0, 0)]
        stretches = []
        for number, phase in enumerate(recipe.phases):
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
            stretches.append((phase, position, end))
            updates = updates_between(position, end, phase.batch_size, examples)
            position = end
            places.append(Place(end, places[-1].updates + updates))
        for number, (phase, position, end) in enumerate(stretches):
            schedule: dict[str, Any] | None = None
            if phase.schedule:
                whole = f"{where}.phases[{number}].schedule"
                schedule = placed(whole, phase.schedule, places[number], places[number + 1], examples)
            elif recipe.schedule:
                schedule = placed(f"{where}.schedule", recipe.schedule, places[0], places[-1], examples)
            momentum = {**optimizer, **phase.hyperparameters}.get("momentum")
            if schedule and schedule["momentum_correction"] and (optimizer["name"] != "sgd" or not momentum):
                raise BatchlabError(
                    f"{where}.schedule.momentum_correction: only sgd with momentum sums steps; take it out, or give "
                    "the optimizer momentum"
                )
            # An arm of 0 epochs is its initial weights alone: enough for probes of epoch 0.
            cuts = sorted({end, *(c for s in snapshots if position < (c := s * examples) < end)} - {position})
            for stop in cuts:
                settings = {
                    "optimizer": {**optimizer, **phase.hyperparameters},
                    "learning_rate": phase.learning_rate,
                    "batch_size": phase.batch_size,
                    "accumulation": phase.accumulation,
                    "start": position,
                    "stop": stop,
                    **({"schedule": schedule} if schedule else {}),
                }
                k = f"k{phase.accumulation}-" if phase.accumulation > 1 else ""
                text = f"b{phase.batch_size}-{k}lr{phase.learning_rate:g}-to{stop / examples:.4g}"
                label = "-".join([*labels, optimizer["name"], text])
                chain.append(self._segment(label, settings, initial.data, chain[-1]))
                position = stop
        return tuple(chain)

    @staticmethod
    def _rate(arm: Arm, at: Segment, used: Mapping[str, Any], examples: int) -> float:
        """Return the learning rate with which an arm goes on after a segment, or ended."""
        trained = arm.chain[1 : arm.chain.index(at) + 1]
        updates = sum(
            updates_between(spec["start"], spec["stop"], spec["batch_size"], examples)
            for spec in (segment.spec for segment in trained)
        )
        # At the end of the arm, the schedule is followed as if training went on.
        schedule = used.get("schedule", arm.chain[-1].spec.get("schedule"))
        place = Place(at.spec.get("stop", 0), updates)
        return rate_at(schedule, used["learning_rate"], place, used["batch_size"], examples)

    def _segment(self, label: str, settings: dict[str, Any], data: str, parent: Segment | None) -> Segment:
        identity = digest(parent.identity if parent else None, settings)
        name = f"{label}-{identity}"
        if name not in self.plan.segments:
            initial = parent.initial if parent else name
            spec = {**self.plan.segments[initial].spec, **settings} if parent else settings
            self.plan.segments[name] = Segment(name, identity, spec, data, parent.name if parent else None, initial)
        return self.plan.segments[name]

    def measurements(
        self, settings: ProbeSettings, arm: Arm, epochs: Sequence[int | None]
    ) -> Iterator[tuple[int | None, Probe]]:
        """Register what a probe measures on an arm and yield each measurement with the last epoch that it reads.

        Args:
            settings: The probe.
            arm: The arm.
            epochs: The snapshots in order; None for the end of an arm that is counted in updates.

        Raises:
            BatchlabError: The arm has no such epoch, a pair lacks one, or the settings do not fit the arm or the data.
        """
        reads = settings.declaration.reads
        groups: list[tuple[int | None, ...]]
        if reads is Reads.ONE:
            groups = [(epoch,) for epoch in epochs]
        elif reads is Reads.ALL:
            groups = [tuple(epochs)]
        elif len(epochs) < 2:
            raise BatchlabError(
                f"{settings.where}.epochs: {settings.kind} compares snapshots of arm {arm.recipe.arm}; name two epochs"
            )
        else:
            groups = list(itertools.pairwise(epochs))
        for group in groups:
            targets = [self._target(settings, arm, epoch) for epoch in group]
            yield group[-1], self._measurement(settings, arm, targets)

    def comparisons(
        self,
        settings: ProbeSettings,
        other: tuple[Arm, Sequence[int | None]],
        own: tuple[Arm, Sequence[int | None]],
    ) -> Iterator[tuple[int | None, Probe]]:
        """Register what a probe of two arms measures, snapshot by snapshot, and yield as `measurements` does.

        Args:
            settings: The probe.
            other: The arm with which an arm is compared, whose snapshot comes first, and its epochs.
            own: The arm that is measured, and as many epochs.
        """
        if len(other[1]) != len(own[1]):
            raise BatchlabError(
                f"{settings.where}.epochs: {len(own[1])} epochs of arm {own[0].recipe.arm}, {len(other[1])} of arm "
                f"{other[0].recipe.arm}; name epochs of which both have as many"
            )
        for others, epoch in zip(other[1], own[1], strict=True):
            targets = [self._target(settings, other[0], others), self._target(settings, own[0], epoch)]
            yield epoch, self._measurement(settings, own[0], targets)

    def _target(self, settings: ProbeSettings, arm: Arm, epoch: int | None) -> Segment:
        """Return the segment of an arm that ends with an epoch; the last one for None."""
        examples = self.shapes[arm.recipe.dataset].examples_train
        stops = {segment.spec.get("stop", 0): segment for segment in arm.chain}
        target = stops.get(epoch * examples) if epoch is not None else arm.chain[-1]
        if target is None:
            length = arm.recipe.last_epoch
            ends = f"it ends after epoch {length}" if length is not None else "its length is counted in updates"
            raise BatchlabError(
                f"{settings.where}.epochs: arm {arm.recipe.arm} has no epoch {epoch}, {ends}; name other epochs "
                "(last is the end of any arm), or give the arm more epochs"
            )
        return target

    def _measurement(self, settings: ProbeSettings, arm: Arm, targets: Sequence[Segment]) -> Probe:
        examples = self.shapes[arm.recipe.dataset].examples_train
        last = targets[-1]
        # What follows the snapshot uses the settings with which the arm goes on there; at its end, those it had.
        following = next((segment for segment in arm.chain if segment.parent == last.name), None)
        end = arm.recipe.phases[-1]
        used = following.spec if following else {key: getattr(end, key) for key in _PHASE_SETTINGS}
        optimizer = {**self.optimizer(arm.recipe.optimizer), **end.hyperparameters}
        if following:
            optimizer = following.spec["optimizer"]
        situation = Situation(arm.recipe.arm, used["batch_size"], examples)
        for option, fault in settings.declaration.faults(settings.options, situation).items():
            raise BatchlabError(f"{settings.where}.{option}: {fault}")
        positions = [target.spec.get("stop", 0) for target in targets]
        spec = {
            **arm.chain[0].spec,
            "optimizer": optimizer,
            **{key: used[key] for key in _PHASE_SETTINGS},
            "learning_rate": self._rate(arm, last, used, examples),
            "position": positions[-1],
            **({} if settings.declaration.reads is Reads.ONE else {"positions": positions}),
            "probe": {"name": settings.kind, **settings.options},
            "seed_count": settings.seeds,
        }
        identity = digest(*(target.identity for target in targets), probe_spec_without_defaults(spec))
        name = f"{last.name.removesuffix(last.identity)}{identity}"
        found = Probe(name, identity, settings.kind, spec, tuple(target.name for target in targets))
        return self.plan.probes.setdefault(name, found)
