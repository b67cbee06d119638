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
from batchlab.errors import BatchlabError, unknown
from batchlab.planning.chosen_task import check_targets, named, usual
from batchlab.planning.cuts import Cut, cuts_of
from batchlab.planning.ends import placed_evaluation
from batchlab.planning.model_files import code_of, resolve_model, taking_rows
from batchlab.planning.optimizer_settings import resolve_optimizer
from batchlab.planning.parts import Arm, Plan, Probe, Segment
from batchlab.planning.phases import Recipe
from batchlab.planning.positions import Place, advance, updates_between
from batchlab.planning.recipes import expand
from batchlab.planning.scheduling import placed, rate_at
from batchlab.planning.stretches import Stretch, cut_off, position_of
from batchlab.planning.study_settings import ProbeSettings, probe_spec_without_defaults
from batchlab.records.digests import digest
from batchlab.sources.settings import DataShape, Settings, resolve

# What a phase sets for the training in it.
_PHASE_SETTINGS = ("learning_rate", "batch_size", "accumulation")


class Chains:
    """Puts the data sets, segments and probes of arms into a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.config = plan.config
        self.shapes: dict[str, DataShape] = {}
        self.data_names: dict[str, str] = {}
        self._settings: dict[str, Settings] = {}
        self.initials: dict[tuple[str, str, str], Segment] = {}
        self._recipes: dict[str, list[Recipe]] = {}
        self._cuts: dict[str, dict[str, set[Cut]]] = {}
        self.optimizers: dict[str, dict[str, Any]] = {}

    def choose_task(self) -> None:
        """Decide what the campaign learns: what it names, or what its own data set is for."""
        task, alias = named(self.config), self.config["dataset"]
        if task is not None:
            self.plan.task = task
        elif alias in self.config["datasets"]:  # another name is told where it is used
            self.plan.task = usual(self._resolved(alias).shape.targets)

    def _resolved(self, alias: str) -> Settings:
        """Return the settings of a data set, looked into once."""
        if alias not in self._settings:
            try:
                task = named(self.config)
                wanted = None if task is None else task.task.targets
                self._settings[alias] = resolve(self.config["datasets"][alias], wanted)
            except BatchlabError as problem:
                raise BatchlabError(f"datasets.{alias}: {problem}") from None
        return self._settings[alias]

    def data(self, alias: str) -> str:
        """Register a data set and return the name of its folder."""
        if alias not in self.data_names:
            settings = self._resolved(alias)
            by_data = "" if "task" in self.config else f"datasets.{self.config['dataset']}"
            check_targets(f"datasets.{alias}", self.plan.task, settings.shape.targets, by_data)
            self.shapes[alias] = settings.shape
            self.data_names[alias] = f"{settings.name}-{digest(settings.identity)}"
            self.plan.data[self.data_names[alias]] = settings
        return self.data_names[alias]

    def shape(self, alias: str) -> DataShape:
        """Return the shape of a data set."""
        self.data(alias)
        return self.shapes[alias]

    def recipes(self, study: str) -> list[Recipe]:
        """Return the arms of a study, run or not."""
        if study not in self._recipes:
            self._recipes[study] = expand(self.config, study)
        return self._recipes[study]

    def cuts(self, study: str) -> dict[str, set[Cut]]:
        """Return arm → where its training is cut for what its own study asks for."""
        if study not in self._cuts:
            self._cuts[study] = cuts_of(self.config, study, self.recipes(study))
        return self._cuts[study]

    def initial(self, recipe: Recipe) -> Segment:
        """Register the initial weights of an arm and return them."""
        key = (recipe.dataset, recipe.model, recipe.precision)
        if key not in self.initials:
            data = self.data(recipe.dataset)
            model = resolve_model(self.config, recipe.model)
            model = taking_rows(f"models.{recipe.model}", model, self.shape(recipe.dataset).inputs)
            if code := code_of(model):
                self.plan.model_files[code] = self.config["models"][recipe.model]["file"]
            dataset = self.plan.data[data]
            spec = {"dataset": dataset.identity, "model": model, "precision": recipe.precision}
            spec |= self.plan.task.settings
            label = f"{dataset.name}-{model.get('name', 'user')}-initial"
            self.initials[key] = self._segment(label, spec, data, None)
        return self.initials[key]

    def optimizer(self, alias: str) -> dict[str, Any]:
        """Return an optimizer's full settings."""
        if alias not in self.optimizers:
            self.optimizers[alias] = resolve_optimizer(self.config, alias)
        return self.optimizers[alias]

    def chain(self, study: str, recipe: Recipe) -> tuple[Segment, ...]:
        """Return the chain of segments of an arm, cut at changes of phase, snapshots and branches."""
        chain = [self.initial(recipe)]
        stretches, places = self._layout(study, recipe)
        for stretch in stretches:
            cuts = sorted(place for place in {*places, stretch.stop.examples} if self._inside(stretch, place))
            position = stretch.start.examples
            for stop in cuts:
                chain.append(self._trained(recipe, stretch, position, stop, chain[-1]))
                position = stop
        return tuple(chain)

    @staticmethod
    def _inside(stretch: Stretch, place: int) -> bool:
        # An arm of 0 epochs is its initial weights alone: enough for probes of epoch 0.
        return stretch.start.examples < place <= stretch.stop.examples

    def _layout(self, study: str, recipe: Recipe) -> tuple[list[Stretch], set[int]]:
        """Return the stretches of an arm, those of its trunk before the branch first, and the positions of its cuts."""
        examples = self.shape(recipe.dataset).examples_train
        where = f"studies.{study}.arms.{recipe.key}"
        before, places = self._trunk(where, recipe, examples)
        stretches = [*before, *self._own(where, recipe, before[-1].stop if before else Place(0, 0), examples)]
        cuts = (position_of(stretches, at, unit, examples) for unit, at in self.cuts(study)[recipe.arm])
        return stretches, places | {cut for cut in cuts if cut is not None}

    def _trunk(self, where: str, recipe: Recipe, examples: int) -> tuple[list[Stretch], set[int]]:
        """Return the stretches of an arm's trunk before the branch, and its cuts; nothing where there is no trunk."""
        if (trunk := recipe.trunk) is None:
            return [], set()
        stretches, places = self._layout(trunk.study, trunk.recipe)
        branch = position_of(stretches, trunk.at, trunk.unit, examples)
        if branch is None:
            raise BatchlabError(f"{where}.from.at: {trunk.recipe.arm} ends earlier; choose an earlier snapshot")
        return cut_off(stretches, branch, examples), {*(place for place in places if place < branch), branch}

    def branch(self, study: str, recipe: Recipe) -> dict[str, Any]:
        """Return the columns that say where an arm leaves its trunk, empty for an arm without one."""
        if recipe.trunk is None:
            return {"trunk": None, "branch_epoch": None, "branch_updates": None}
        examples = self.shape(recipe.dataset).examples_train
        before, _ = self._trunk(f"studies.{study}.arms.{recipe.key}", recipe, examples)
        place = before[-1].stop if before else Place(0, 0)
        own = recipe.trunk.study == study
        return {
            "trunk": recipe.trunk.recipe.arm if own else f"{recipe.trunk.study}.{recipe.trunk.recipe.arm}",
            "branch_epoch": place.examples / examples,
            "branch_updates": place.updates,
        }

    def _own(self, where: str, recipe: Recipe, start: Place, examples: int) -> list[Stretch]:
        """Return the stretches of an arm's own phases."""
        optimizer = self.optimizer(recipe.optimizer)
        places = [start]
        for number, phase in enumerate(recipe.own_phases):
            position = places[-1].examples
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
            updates = updates_between(position, end, phase.batch_size, examples)
            places.append(Place(end, places[-1].updates + updates))
        more: dict[str, Any] = {}
        if recipe.evaluate is not None:
            more["evaluate"] = placed_evaluation(recipe.evaluate, start, examples)
        if recipe.until is not None:
            known = [column.name for column in self.plan.task.columns]
            if recipe.until["metric"] not in known:
                raise unknown(f"{where}.until", f"metric of {self.plan.task.name}", recipe.until["metric"], known)
            # The best state is taken up again at the cap, too, so that has to be known.
            cap = {"cap": places[-1].examples} if recipe.until.get("restore_best") else {}
            more["until"] = {**recipe.until, **cap}
        stretches = []
        for number, (phase, (begin, stop)) in enumerate(
            zip(recipe.own_phases, itertools.pairwise(places), strict=True)
        ):
            schedule: dict[str, Any] | None = None
            if phase.schedule:
                schedule = placed(f"{where}.phases[{number}].schedule", phase.schedule, begin, stop, examples)
            elif recipe.schedule:
                schedule = placed(f"{where}.schedule", recipe.schedule, places[0], places[-1], examples)
            momentum = {**optimizer, **phase.hyperparameters}.get("momentum")
            if schedule and schedule["momentum_correction"] and (optimizer["name"] != "sgd" or not momentum):
                raise BatchlabError(
                    f"{where}.schedule.momentum_correction: only sgd with momentum sums steps; take it out, or give "
                    "the optimizer momentum"
                )
            stretches.append(Stretch(phase, begin, stop, schedule, more))
        return stretches

    def _trained(self, recipe: Recipe, stretch: Stretch, start: int, stop: int, parent: Segment) -> Segment:
        """Register the training of a stretch, or of a part of it, and return it."""
        phase, optimizer = stretch.phase, self.optimizer(recipe.optimizer)
        settings = {
            "optimizer": {**optimizer, **phase.hyperparameters},
            "learning_rate": phase.learning_rate,
            "batch_size": phase.batch_size,
            "accumulation": phase.accumulation,
            "start": start,
            "stop": stop,
            **({"schedule": stretch.schedule} if stretch.schedule else {}),
            **stretch.more,
        }
        labels = self.initial(recipe).name.split("-")[:2]
        k = f"k{phase.accumulation}-" if phase.accumulation > 1 else ""
        epochs = stop / self.shapes[recipe.dataset].examples_train
        text = f"b{phase.batch_size}-{k}lr{phase.learning_rate:g}-to{epochs:.4g}"
        return self._segment("-".join([*labels, optimizer["name"], text]), settings, parent.data, parent)

    @staticmethod
    def _rate(arm: Arm, at: Segment, used: Mapping[str, Any], examples: int) -> float:
        """Return the learning rate with which an arm goes on after a segment, or ended."""
        trained = arm.chain[1 : arm.chain.index(at) + 1]
        updates = sum(
            updates_between(spec["start"], spec["stop"], spec["batch_size"], examples)
            for spec in (segment.spec for segment in trained)
        )
        # At the end of the arm, the schedule is followed as if training went on.
        schedule = used.get("schedule") if at is not arm.chain[-1] else at.spec.get("schedule")
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
        if arm.recipe.until is not None and epoch:
            raise BatchlabError(
                f"{settings.where}.epochs: arm {arm.recipe.arm} may end before epoch {epoch}, by its `until`; "
                "name 0 or last"
            )
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
