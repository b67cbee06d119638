"""The plan of a campaign, study by study: what it asks for, the arms and measurements of it, and whether all fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from batchlab.configuration.faults import Collected
from batchlab.declarations import find
from batchlab.declarations.columns import Table
from batchlab.declarations.options import Option, Recipes
from batchlab.declarations.probe import Reads
from batchlab.declarations.task import Chosen
from batchlab.errors import BatchlabError, unknown
from batchlab.planning.advised_grid import advised, check_metric
from batchlab.planning.captions import quotable, resolve_texts
from batchlab.planning.chains import Chains
from batchlab.planning.chosen_task import of_task, task_defaults
from batchlab.planning.cuts import epochs_of, matches, measures
from batchlab.planning.declared_names import check_names
from batchlab.planning.foreseen_rows import (
    Foreseen,
    check_conditions,
    check_rows,
    check_single,
    of_arm,
    of_derived,
    of_join,
    of_probe,
    of_training,
)
from batchlab.planning.looks import looks_of
from batchlab.planning.named_columns import (
    check_columns,
    check_filters,
    check_options,
    check_reference,
    check_tables,
    shared_keys,
    tables_named,
)
from batchlab.planning.parts import Arm, DerivedTable, Plan, Probe, Study, seed_blocks, seeds_of
from batchlab.planning.phases import Recipe
from batchlab.planning.positions import updates_between
from batchlab.planning.recipes import filter_of
from batchlab.planning.references import with_source
from batchlab.planning.study_settings import ProbeSettings, derived_options, probes_of
from batchlab.tables import regions
from batchlab.tables.base import CLAIMS, STUDY_TABLES


@dataclass(frozen=True)
class Measurement:
    """What a probe measures on one arm.

    Attributes:
        settings: The probe as the study asks for it.
        arm: The arm.
        epoch: The (last) snapshot that it reads; None for the end of an arm that is counted in updates.
        probe: The planned measurement.
    """

    settings: ProbeSettings
    arm: Arm
    epoch: int | None
    probe: Probe


# Arms and measurements


def _description(chains: Chains, study: str, recipe: Recipe) -> dict[str, Any]:
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
        "phases": recipe.text(),
        "budget": "updates" if last.epochs is None else "epochs",
        **chains.branch(study, recipe),
    }


def _recipes(chains: Chains, study: str) -> list[Recipe]:
    recipes = chains.recipes(study)
    if not recipes:
        raise BatchlabError(f"studies.{study}.arms: the study has no arms; give at least one")
    times = Counter(recipe.arm for recipe in recipes)
    if repeated := [arm for arm, count in times.items() if count > 1]:
        raise BatchlabError(f"studies.{study}.arms: {min(repeated)!r} comes out twice; remove the repeated value")
    return recipes


def _build(
    chains: Chains,
    study: str,
    recipes: Sequence[Recipe],
    probes: Mapping[str, ProbeSettings],
    seeds: Mapping[str, int],
) -> tuple[list[Arm], list[Measurement]]:
    """Return a study's arms, whose chains are cut where a probe measures, and its measurements."""
    arms: list[Arm] = []
    measurements: list[Measurement] = []
    faults = Collected()
    for recipe in recipes:
        with faults.part():
            blocks = seed_blocks(seeds["first"], recipe.seeds or seeds["count"], seeds["block"])
            arms.append(Arm(recipe, chains.chain(study, recipe), _description(chains, study, recipe), blocks))
    if len(arms) == len(recipes):
        with faults.part():
            _check_places(chains, study, arms)
    for arm in arms:
        for probe in probes.values():
            if measures(probe, arm.recipe):
                with faults.part():
                    measurements += _measured(chains, probe, arm, arms)
    faults.tell()
    measured = {measurement.settings.where for measurement in measurements}
    for settings in probes.values():
        if settings.where not in measured:
            raise BatchlabError(f"{settings.where}.arms: no arm of the study matches")
    return arms, measurements


def _check_places(chains: Chains, study: str, arms: Sequence[Arm]) -> None:
    """Refuse snapshots and evaluations that no arm reaches.

    Raises:
        BatchlabError: The first of them.
    """
    longest = {"epochs": 0.0, "updates": 0.0}
    for arm in arms:
        examples = chains.shape(arm.recipe.dataset).examples_train
        trained = [segment.spec for segment in arm.chain[1:]]
        updates = sum(updates_between(spec["start"], spec["stop"], spec["batch_size"], examples) for spec in trained)
        epochs = trained[-1]["stop"] / examples if trained else 0.0
        longest = {"epochs": max(longest["epochs"], epochs), "updates": max(longest["updates"], updates)}
    wanted = [("snapshots", "epochs", chains.config["studies"][study].get("snapshots", ()))]
    for arm in arms:
        rule = arm.recipe.evaluate or {}
        wanted.append(("evaluate.at", rule.get("unit", "epochs"), rule.get("at", ())))
    for key, unit, numbers in wanted:
        if late := next((number for number in numbers if number > longest[unit]), None):
            raise BatchlabError(
                f"studies.{study}.{key}: {late} {unit} are more than any arm trains for; "
                f"the longest has {longest[unit]:g}"
            )


def _measured(chains: Chains, settings: ProbeSettings, arm: Arm, arms: Sequence[Arm]) -> Iterator[Measurement]:
    """Yield what a probe measures on one arm."""
    epochs = epochs_of(settings, arm.recipe)
    if settings.declaration.reads is Reads.ARMS:
        other = _other(settings, arm, arms)
        found = chains.comparisons(settings, (other, epochs_of(settings, other.recipe)), (arm, epochs))
    else:
        found = chains.measurements(settings, arm, epochs)
    for epoch, probe in found:
        yield Measurement(settings, arm, epoch, probe)


def _other(settings: ProbeSettings, arm: Arm, arms: Sequence[Arm]) -> Arm:
    """Return the one arm with which a probe compares an arm.

    Raises:
        BatchlabError: None or several match, or the arm itself, or its weights mean something else.
    """
    where = f"{settings.where}.against"
    others = [other for other in arms if matches(settings.against, other.recipe)]
    if len(others) != 1:
        listed = ", ".join(other.recipe.arm for other in others) or "none"
        raise BatchlabError(f"{where}: must name one arm of the study, matches {listed}; change the filter")
    [other] = others
    if other is arm:
        raise BatchlabError(f"{where}: arm {arm.recipe.arm} is compared with itself; take it out of arms")
    for column in ("dataset", "model", "precision"):
        own, its = (getattr(each.recipe, column) for each in (arm, other))
        if own != its:
            raise BatchlabError(
                f"{where}: arm {other.recipe.arm} has {column} {its}, arm {arm.recipe.arm} has {own}; compare arms "
                "with the same one"
            )
    if arm.blocks != other.blocks:
        raise BatchlabError(
            f"{where}: arm {other.recipe.arm} has the seeds {', '.join(other.blocks)}, arm {arm.recipe.arm} has "
            f"{', '.join(arm.blocks)}; compare arms with the same ones"
        )
    return other


# Tables


def _derived_tables(
    config: Mapping[str, Any], study: str, probes: Mapping[str, ProbeSettings], known: Mapping[str, Table], task: Chosen
) -> dict[str, DerivedTable]:
    """Return the tables that a study derives by name: those that belong to its probes, and those that it asks for."""
    automatic = dict.fromkeys(name for probe in probes.values() for name in probe.declaration.derived)
    found = {name: DerivedTable(name, find.derivations()[name].reads, {}) for name in automatic}
    for name, given in config["studies"][study].get("tables", {}).items():
        if given is None:  # taken out by a campaign
            continue
        where, kind = f"studies.{study}.tables.{name}", given["derivation"]
        if name in known or name in found or name == CLAIMS.name:
            raise BatchlabError(f"{where}: the study has a table {name!r} already; choose another name")
        declaration = find.derivations()[kind]
        available = {**known, **{other: _table(other, derived) for other, derived in found.items()}}
        if missing := next((table for table in declaration.reads if table not in available), None):
            raise BatchlabError(
                f"{where}: {kind} is made of the table {missing!r}, which the study does not have; add its probe"
            )
        options = {**task_defaults(task, declaration.options), **derived_options(config, where, given)}
        check_options(where, declaration.options, options, [available[table] for table in declaration.reads])
        _check_recipes(where, declaration.options, options, config["studies"][study]["arms"])
        found[name] = DerivedTable(kind, declaration.reads, options)
    return found


def _check_recipes(where: str, declared: Iterable[Option], options: Mapping[str, Any], arms: Mapping[str, Any]) -> None:
    """Raise unless every recipe that an option names is one of the study."""
    there = [name for name, recipe in arms.items() if recipe is not None]
    for option in declared:
        named = options.get(option.name, []) if isinstance(option, Recipes) else []
        if strange := [name for name in named if name not in there]:
            raise unknown(f"{where}.{option.name}", "recipe", strange[0], there)


def _table(name: str, derived: DerivedTable) -> Table:
    """Return the declaration of a derived table under the name that the study gives it."""
    table: Table = find.derivations()[derived.derivation].table
    return replace(table, name=name)


def _seeds(arm: Arm) -> range:
    """Return the seeds of an arm."""
    return range(seeds_of(arm.blocks[0])[0], seeds_of(arm.blocks[-1])[-1] + 1)


class _Rows:
    """What is foreseen of the tables of one study."""

    def __init__(
        self,
        arms: Sequence[Arm],
        measurements: Sequence[Measurement],
        derived: Mapping[str, DerivedTable],
    ) -> None:
        self.arms, self.measurements, self.derived = arms, measurements, derived

    def of(self, name: str) -> list[Foreseen]:
        """Return what each arm or probe can write into a table; nothing for a table that compares arms."""
        if name in ("history", "distances"):
            return [of_training(arm.recipe, _seeds(arm)) for arm in self.arms]
        if name in ("arms", "summary"):
            return [of_arm(arm.recipe) for arm in self.arms]
        if name in self.derived:
            read = [rows for table in self.derived[name].reads for rows in self.of(table)]
            declared = find.derivations()[self.derived[name].derivation]
            return of_derived(_table(name, self.derived[name]), read, declared.chosen)
        return [
            of_probe(each.arm.recipe, each.epoch, each.settings, _seeds(each.arm))
            for each in self.measurements
            if name in (table.name for table in each.settings.declaration.tables)
        ]

    def of_item(self, item: Mapping[str, Any], tables: Mapping[str, Table]) -> list[Foreseen]:
        """Return what the rows can hold that a figure or a claim selects from."""
        names = tables_named(item)
        if len(names) == 1:
            return self.of(names[0])
        first, second = names
        return of_join(self.of(first), self.of(second), shared_keys(tables[first], tables[second]))


# Studies


def _check_item(where: str, item: Mapping[str, Any], tables: Mapping[str, Table], rows: _Rows) -> None:
    check_tables(where, item, tables)
    check_columns(where, item, tables)
    if foreseen := rows.of_item(item, tables):
        check_rows(where, " and ".join(tables_named(item)), item, foreseen)
        if "test" in item:
            check_single(where, item, {key for name in tables_named(item) for key in tables[name].keys}, foreseen)
    # Last, since rows that are foreseen let a message name the values that there are.
    check_filters(where, item, tables)


def _check_claim(where: str, claim: Mapping[str, Any]) -> None:
    """Raise what would stop the claim from being judged, before anything is trained for it."""
    try:
        regions.check(claim)
    except BatchlabError as problem:
        raise BatchlabError(f"{where}: {problem}") from None


def _told(where: str, named: Sequence[str], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return those of the named claims that a campaign has not taken out of the study.

    Raises:
        BatchlabError: A claim that the study never had.
    """
    claims = settings.get("claims", {})
    for key in named:
        if key not in claims:
            raise unknown(where, "claim", key, claims)
    return tuple(key for key in named if claims[key] is not None)


def _study(chains: Chains, name: str) -> Study:
    config = chains.plan.config
    settings = config["studies"][name]
    # What it asks for
    recipes = _recipes(chains, name)
    probes = probes_of(config, name)
    seeds = {**config["seeds"], **({"count": settings["seeds"]} if "seeds" in settings else {})}
    first, count = seeds["first"], seeds["count"]
    looks = looks_of(config["seeds"], name, settings.get("seeds"))
    named = [table for table in settings.get("tables", {}).values() if table is not None]
    texts = quotable(config, recipes[0], count, probes.values(), named)
    figures, claims = (
        resolve_texts(config, f"studies.{name}.{group}", settings.get(group, {}), texts)
        for group in ("figures", "claims")
    )
    reference = settings.get("reference")
    # What is built
    arms, measurements = _build(chains, name, recipes, probes, seeds)
    task = chains.plan.task
    written = (*STUDY_TABLES, *(table for probe in probes.values() for table in probe.declaration.tables))
    tables = {table.name: of_task(table, task) for table in written}
    derived = _derived_tables(config, name, probes, tables, task)
    tables |= {key: _table(key, table) for key, table in derived.items()}
    automatic = dict.fromkeys(key for probe in probes.values() for key in probe.declaration.derived)
    # Whether what refers to it fits
    rows = _Rows(arms, measurements, derived)
    faults = Collected()
    for group, items in (("figures", figures), ("claims", claims)):
        for key, item in items.items():
            with faults.part():
                _check_item(f"studies.{name}.{group}.{key}", item, tables, rows)
    for key, claim in claims.items():
        if claim.get("figure") and claim["figure"] not in figures:
            faults.add(unknown(f"studies.{name}.claims.{key}.figure", "figure", claim["figure"], figures))
        with faults.part():
            _check_claim(f"studies.{name}.claims.{key}", claim)
        with faults.part():
            claims[key] = with_source(f"studies.{name}.claims.{key}", claim, config["references"])
    answer: tuple[str, ...] = ()
    with faults.part():
        answer = _told(f"studies.{name}.answer", settings.get("answer", []), settings)
    for key, figure in figures.items():
        with faults.part():
            where = f"studies.{name}.figures.{key}.finding"
            if "finding" in figure and not _told(where, [figure["finding"]], settings):
                del figure["finding"]
        with faults.part():
            _told(f"studies.{name}.figures.{key}.regions", figure.get("regions", []), settings)
    if reference is not None:
        where = f"studies.{name}.reference"
        with faults.part():
            check_reference(where, reference)
            reference = filter_of(config, where, reference)
            check_conditions(where, "arms", reference, rows.of("arms"))
    faults.tell()
    return Study(
        name=name,
        settings=settings,
        reference=reference,
        arms=tuple(arms),
        probes=tuple((each.arm, each.epoch, each.probe) for each in measurements),
        blocks=seed_blocks(first, count, seeds["block"]),
        tables=tables,
        derived={key: table for key, table in derived.items() if key not in automatic},
        automatic=tuple(automatic),
        figures=figures,
        claims=claims,
        answer=answer,
        looks=looks,
    )


def plan(config: dict[str, Any]) -> Plan:
    """Return the plan of a validated configuration.

    Args:
        config: A campaign as `batchlab.configuration.campaign.load` returns it: complete, with all defaults.

    Raises:
        BatchlabError: For a name that the campaign does not define, a K that does not divide B, a B larger than
            the data, a probe of an epoch that does not exist; the message names key, value and what is allowed.
    """
    faults = Collected()
    config = advised(config)
    with faults.part():
        check_names(config)
    found = Plan(campaign=config["campaign"], config=config)
    chains = Chains(found)
    with faults.part():
        chains.choose_task()
        check_metric(config, found.task)
    for name in config["run"]:
        if name in config["studies"]:
            with faults.part():
                found.studies[name] = _study(chains, name)
    faults.tell()
    return found
