"""The plan of a campaign: studies → arms → chained segments, probes and their files, and what is checked of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.errors import BatchlabError, unknown
from batchlab.planning.captions import resolve_texts
from batchlab.planning.chains import Chains
from batchlab.planning.columns import check_columns, check_reference
from batchlab.planning.parts import DERIVED_TABLES, PROBE_TABLES, STUDY_TABLES, Arm, Plan, Probe, Study, seed_blocks
from batchlab.planning.probe_settings import check_settings
from batchlab.planning.recipes import Recipe, batch_sizes_of, expand, filter_of
from batchlab.planning.rows import Foreseen, check_conditions, check_rows, of_arm, of_probe, of_training


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


# An arm, the epoch of a snapshot of it (None: the end of an arm that is counted in updates), and what measures there.
_Measurement = tuple[Arm, int | None, Probe]


def _matches(config: Mapping[str, Any], where: str, wanted: Mapping[str, Any], recipe: Recipe) -> bool:
    """Return whether a probe's conditions on arms hold for a recipe."""
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
    for column, allowed in wanted.items():
        listed = allowed if isinstance(allowed, list) else [allowed]
        if column == "batch_size":
            listed = batch_sizes_of(config, f"{where}.batch_size", listed)
        if values[column] not in listed:
            return False
    return True


def _arms(
    chains: Chains, name: str, settings: Mapping[str, Any], probes: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Arm], list[_Measurement]]:
    """Return a study's arms, whose chains are cut where a probe measures, and its measurements."""
    config = chains.plan.config
    recipes = expand(config, name)
    if not recipes:
        raise BatchlabError(f"studies.{name}.arms: the study has no arms; give at least one")
    times = Counter(recipe.arm for recipe in recipes)
    if repeated := [arm for arm, count in times.items() if count > 1]:
        raise BatchlabError(f"studies.{name}.arms: {min(repeated)!r} comes out twice; remove the repeated value")
    for key, probe in probes.items():
        check_settings(f"studies.{name}.probes.{key}", probe)
    arms: list[Arm] = []
    measurements: list[_Measurement] = []
    matched: set[str] = set()
    for recipe in recipes:
        chosen = {
            key: probe
            for key, probe in probes.items()
            if _matches(config, f"studies.{name}.probes.{key}.arms", probe.get("arms", {}), recipe)
        }
        last = _last_epoch(recipe)
        epochs = {key: [last if e == "last" else e for e in probe["epochs"]] for key, probe in chosen.items()}
        snapshots = {epoch for listed in epochs.values() for epoch in listed if epoch is not None}
        snapshots.update(settings.get("snapshots", []))
        arm = Arm(recipe, chains.chain(name, recipe, snapshots), _description(name, recipe))
        arms.append(arm)
        matched.update(chosen)
        for key, probe in chosen.items():
            for epoch in sorted(set(epochs[key]), key=lambda epoch: (epoch is None, epoch)):
                found = chains.probe(f"studies.{name}.probes.{key}", probe, arm, epoch)
                measurements.append((arm, epoch, found))
    for key in probes:
        if key not in matched:
            raise BatchlabError(f"studies.{name}.probes.{key}.arms: no arm of the study matches")
    return arms, measurements


def _tables(measurements: Sequence[_Measurement]) -> list[str]:
    """Return the names of a study's tables."""
    kinds = list(dict.fromkeys(probe.kind for _, _, probe in measurements))
    tables = [*STUDY_TABLES, *(table for kind in kinds for table in PROBE_TABLES[kind])]
    return [*tables, *(table for kind in kinds for table in DERIVED_TABLES.get(kind, ()))]


def _foreseen(
    table: str, arms: Sequence[Arm], measurements: Sequence[_Measurement], first: int, count: int
) -> list[Foreseen]:
    """Return what each arm or probe can write into a table; nothing for a table that compares arms."""
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
        for arm, epoch, probe in measurements
        if table in (*PROBE_TABLES[probe.kind], *DERIVED_TABLES.get(probe.kind, ()))
    ]


def _study(chains: Chains, name: str) -> Study:
    config = chains.plan.config
    settings = config["studies"][name]
    probes = {key: probe for key, probe in settings.get("probes", {}).items() if probe is not None}
    arms, measurements = _arms(chains, name, settings, probes)
    tables = _tables(measurements)
    seeds = {**config["seeds"], **({"count": settings["seeds"]} if "seeds" in settings else {})}
    first, count = seeds["first"], seeds["count"]
    context = {"seeds": count, "first_arm": arms[0], "probes": list(probes.values())}
    figures, claims = (
        resolve_texts(config, f"studies.{name}.{group}", settings.get(group, {}), context)
        for group in ("figures", "claims")
    )
    for group, items in (("figures", figures), ("claims", claims)):
        for key, item in items.items():
            where = f"studies.{name}.{group}.{key}"
            if item["table"] not in tables:
                raise unknown(f"{where}.table", "table", item["table"], tables)
            check_columns(where, item)
            if foreseen := _foreseen(item["table"], arms, measurements, first, count):
                check_rows(where, item, foreseen)
    for key, claim in claims.items():
        if claim.get("figure") and claim["figure"] not in figures:
            raise unknown(f"studies.{name}.claims.{key}.figure", "figure", claim["figure"], figures)
    reference = settings.get("reference")
    if reference is not None:
        check_reference(f"studies.{name}.reference", reference)
        reference = filter_of(config, f"studies.{name}.reference", reference)
        check_conditions(f"studies.{name}.reference", "arms", reference, [of_arm(arm.recipe) for arm in arms])
    blocks = seed_blocks(first, count, seeds["block"])
    return Study(name, settings, reference, tuple(arms), tuple(measurements), blocks, tuple(tables), figures, claims)


def plan(config: dict[str, Any]) -> Plan:
    """Return the plan of a validated configuration.

    Args:
        config: A campaign as `batchlab.configuration.campaign.load` returns it: complete, with all defaults.

    Raises:
        BatchlabError: For a name that the campaign does not define, a K that does not divide B, a B larger than
            the data, a probe of an epoch that does not exist; the message names key, value and what is allowed.
    """
    found = Plan(campaign=config["campaign"], config=config)
    chains = Chains(found)
    for name in config["run"]:
        if name not in config["studies"]:
            raise unknown("run", "study", name, config["studies"])
        found.studies[name] = _study(chains, name)
    return found
