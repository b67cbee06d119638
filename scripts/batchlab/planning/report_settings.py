"""The settings of the report page: what it says of each study, and where the files lie that it shows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from typing import Any

from batchlab.declarations.columns import SHARED
from batchlab.errors import BatchlabError, unknown
from batchlab.paths import PROJECT
from batchlab.planning.captions import data_title
from batchlab.planning.citation import citation
from batchlab.planning.parts import Plan, Study
from batchlab.planning.references import short
from batchlab.planning.specs import FORMATS, campaign_identity, study_identity, written
from batchlab.sources.inputs import wanted
from batchlab.sources.settings import Settings
from batchlab.tables import contract

_SHOWN_SETTINGS = ("models", "optimizers", "batch_sizes", "epochs", "seeds", "precision")
# Fields of a column by which its values are put into words.
_OF_VALUES = ("title", "unit", "factor")


def report_spec(plan: Plan) -> dict[str, Any]:
    """Return the settings of the report page; its paths are relative to the project's folder."""
    base, config = f"results/{plan.campaign}", plan.config
    return {
        "campaign": plan.campaign,
        "title": config["title"],
        "summary": config["summary"],
        "identity": campaign_identity(plan),
        "advice": _advice(plan, base),
        "statements": _statements(plan),
        "studies": [_study(plan, base, planned) for planned in plan.studies.values()],
        "settings": {
            "task": {plan.task.name: dict(plan.task.options)},
            **{key: config[key] for key in _SHOWN_SETTINGS},
        },
        "data": _data(plan),
        "names": _names(plan),
        "references": _references(plan),
        "citation": citation(),
        "provenance": [f"{base}/tables/{name}/provenance.json" for name in plan.studies],
    }


# Derivations of which an answer is made.
OF_ANSWER = ("cells", "choices", "thumb_rules", "batch_by_noise", "knee")


def advice_spec(plan: Plan, study: str) -> dict[str, Any]:
    """Return the settings of the page and the file that answer which batch size to take; see `report.advising`."""
    base, planned = f"results/{plan.campaign}", plan.studies[study]
    recipe = planned.arms[0].recipe
    named = {derived.derivation: table for table, derived in planned.derived.items()}
    metric = planned.derived[named["cells"]].options["metric"]
    return {
        "campaign": plan.campaign,
        "study": study,
        "task": plan.task.name,
        "title": plan.config["title"],
        "about": "{model} on {dataset}, {optimizer}".format(
            **{key: known[getattr(recipe, key)] for key, known in _names(plan).items()}
        ),
        "epochs": plan.config["epochs"],
        "optimizer": dict(plan.config["optimizers"][recipe.optimizer]),
        "metric": contract.columns_spec(contract.columns_of(planned.tables.values()), [metric], _OF_VALUES).get(
            metric, {}
        ),
        "tables": {
            **{name: f"{base}/derived/{study}/{named[name]}.csv" for name in OF_ANSWER},
            **{name: f"{base}/tables/{study}/{name}.csv" for name in ("arms", "machine", "throughput", "workload")},
        },
        "figures": _figures(base, planned),
        "foresight": _foresight(),
    }


def _foresight() -> list[dict[str, str]]:
    """Return how well published rules foresaw the knee on the workloads of `make foresight`, if that ran."""
    try:
        with (PROJECT / "results" / "foresight" / "ranks.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []


def _study(plan: Plan, base: str, planned: Study) -> dict[str, Any]:
    name = planned.name
    return {
        "study": name,
        "title": planned.settings["title"],
        "question": planned.settings["question"],
        "note": planned.settings.get("note", ""),
        "answer": list(planned.answer),
        "identity": study_identity(plan, name),
        "figures": _figures(base, planned),
        "tables": [
            *(f"{base}/tables/{name}/{table}.csv" for table in written(plan, name)),
            *(f"{base}/derived/{name}/{table}.csv" for table in planned.derived),
        ],
        "claims": f"{base}/claims/{name}.csv",
        "comparisons": f"{base}/tables/{name}/comparisons.csv",
        "summary": f"{base}/tables/{name}/summary.csv",
        "arms": f"{base}/tables/{name}/arms.csv",
        "columns": contract.columns_spec(
            contract.columns_of(planned.tables.values()), contract.summary_spec(plan.task)["compared"], _OF_VALUES
        ),
    }


def _figures(base: str, planned: Study) -> list[dict[str, Any]]:
    """Return what the page needs to know of a study's figures."""
    return [
        {
            "name": figure,
            "title": settings["title"],
            "finding": settings.get("finding", ""),
            "caption": settings["caption"],
            "data": f"{base}/figures/{planned.name}/{figure}.csv",
            **{key: f"{base}/figures/{planned.name}/{figure}.{ending}" for key, ending in FORMATS.items()},
        }
        for figure, settings in planned.figures.items()
    ]


def _advice(plan: Plan, base: str) -> dict[str, Any]:
    """Return what the first answer is made of: tables that rank arms, and claims by study and name."""
    given = plan.config["advice"]
    rankings = [
        {
            "study": name,
            "table": f"{base}/derived/{name}/{table}.csv",
            "column": contract.columns_spec(
                contract.columns_of(planned.tables.values()), [derived.options["metric"]], _OF_VALUES
            ).get(derived.options["metric"], {}),
            "better": derived.options.get("better") or _better(planned, derived.options["metric"]),
        }
        for name, planned in plan.studies.items()
        for table, derived in planned.derived.items()
        if derived.derivation == "ranking"
    ]
    return {
        "recommendations": [
            {"study": name, "table": f"{base}/derived/{name}/{table}.csv"}
            for name, planned in plan.studies.items()
            for table, derived in planned.derived.items()
            if derived.derivation == "recommendation"
        ],
        "rankings": rankings,
        "claims": _present(plan, "advice", "claims", given.get("claims", [])),
        "figure": next(iter(_present(plan, "advice", "figures", [given["figure"]] if "figure" in given else [])), None),
    }


def _statements(plan: Plan) -> list[dict[str, Any]]:
    """Return statements of public threads with their links, and the claims of this campaign that answer them."""
    return [
        {
            "statement": given["statement"],
            "links": [list(link) for link in given["links"].items()],
            "claims": _present(plan, f"statements.{name}", "claims", given["claims"]),
        }
        for name, given in plan.config["statements"].items()
        if given is not None  # taken out by a campaign
    ]


def _better(planned: Study, metric: str) -> str:
    """Return which values of a metric are better, by its column."""
    return contract.columns_of(planned.tables.values())[metric].better or "higher"


def _present(plan: Plan, where: str, group: str, named: Iterable[str]) -> list[list[str]]:
    """Return study and name of those claims or figures that the campaign has.

    Args:
        plan: The campaign.
        where: The key that names them, for messages.
        group: `claims` or `figures`.
        named: Texts of the form study.name.

    Raises:
        BatchlabError: A study that is not in the catalogue, or a thing that the study does not know.
    """
    found = []
    for text in named:
        study, _, name = text.partition(".")
        studies = plan.config["studies"]
        if study not in studies:
            raise unknown(f"{where}.{group}", "study", study, studies)
        if not name:
            raise BatchlabError(f"{where}.{group}: {text!r} is no claim or figure; write study.name")
        known: Mapping[str, Any] = studies[study].get(group, {})
        if name not in known:
            raise unknown(f"{where}.{group}", group.removesuffix("s"), name, known)
        if study in plan.studies and known.get(name):
            found.append([study, name])
    return found


def _data(plan: Plan) -> list[dict[str, Any]]:
    """Return for each data set its name, its training, validation and test examples, and its classes."""
    return [
        {
            "data": name.rpartition("-")[0],
            # Those that are trained on, where the campaign takes a part of them.
            "examples": [
                settings.shape.examples_train,
                settings.shape.examples_validation,
                settings.shape.examples_test,
            ],
            "classes": settings.spec["classes"],
            "targets": settings.shape.targets,
            **({"inputs": _inputs(settings)} if settings.shape.inputs else {}),
        }
        for name, settings in plan.data.items()
    ]


def _inputs(settings: Settings) -> list[str]:
    """Return what each input of the model is, in words: its name, shape, and what becomes of its values."""
    said = {each.name: each for each in wanted(settings.options)}
    words = []
    for each in settings.shape.inputs:
        done = "" if each.scale == 1 else f", divided by {each.scale:g}"
        if each.name in said and said[each.name].standardise:
            done = ", standardised"
        kind = {"numbers": "", "integers": ", whole numbers", "codes": ", codes of words"}[each.holds]
        words.append(f"{each.name} ({' × '.join(map(str, each.shape))}{kind}{done})")
    return words


def _names(plan: Plan) -> dict[str, dict[str, str]]:
    """Return for data sets, models and optimizers how texts call what the campaign has a name for."""
    arms = [arm.recipe for study in plan.studies.values() for arm in study.arms]
    return {
        "dataset": {recipe.dataset: data_title(plan.config, recipe.dataset) for recipe in arms},
        **{
            key: {(name := getattr(recipe, key)): SHARED[key].words.get(name, name) for recipe in arms}
            for key in ("model", "optimizer")
        },
    }


def _references(plan: Plan) -> list[dict[str, Any]]:
    """Return the references that the campaign's claims cite, in the order in which they do."""
    keys = dict.fromkeys(
        key for study in plan.studies.values() for claim in study.claims.values() for key in claim["sources"]
    )
    references = plan.config["references"]
    return [{"key": key, "short": short(references[key]), **references[key]} for key in keys]
