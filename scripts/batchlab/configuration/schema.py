"""The JSON schema of a campaign, made from the declarations of what a campaign may name.

`config/schema.json` is its written form, for editors that check while one types. Standard library only.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from batchlab.configuration.advise_key import BUDGET
from batchlab.declarations import find
from batchlab.declarations.claim import AGGREGATES, EVIDENCE, EXPECTATIONS, STANDINGS, TESTS, WORDS
from batchlab.declarations.model_options import BY_EXAMPLE
from batchlab.declarations.options import REQUIRED, Option
from batchlab.declarations.probe import Probe, Reads

Schema = dict[str, Any]

PRECISIONS = ("float32", "float64")
# Keys of every kind of probe, figure and derived table; the first one names the kind.
PROBE_KEYS = ("probe", "arms", "epochs", "seeds")
# One more of those that compare two arms.
AGAINST = "against"
FIGURE_KEYS = ("chart", "title", "finding", "caption", "table", "where")
TABLE_KEYS = ("derivation",)

_LARGEST_COUNT = 10**9
_MOST_SEEDS = 10_000
_TEXT: Schema = {"type": "string"}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _with_default(default: Any, part: Schema) -> Schema:
    return {**part, "default": default}


def _object(properties: Mapping[str, Schema], **more: Any) -> Schema:
    return {"type": "object", "additionalProperties": False, **more, "properties": dict(properties)}


def _named(values: Schema, names: str = "name", **more: Any) -> Schema:
    """Return the schema of a mapping from names to values."""
    return {"type": "object", **more, "propertyNames": _ref(names), "additionalProperties": values}


def _removable(name: str) -> Schema:
    """Return the schema of named items, any of which a campaign may take out of the catalogue with `null`."""
    return _named({"anyOf": [{"type": "null"}, _ref(name)]})


def _one_or_list(values: Schema) -> Schema:
    return {"anyOf": [values, {"type": "array", "items": values, "minItems": 1, "uniqueItems": True}]}


def _integer(least: int, most: int | None = None, **more: Any) -> Schema:
    limits = {"minimum": least} if most is None else {"minimum": least, "maximum": most}
    return {"type": "integer", **limits, **more}


def _name(pattern: str, description: str) -> Schema:
    # Python's `$` also matches before a line end.
    return {"type": "string", "pattern": f"^{pattern}$(?!\\n)", "maxLength": 60, "description": description}


# Kinds of probes, charts and derivations


def kind_name(group: str, kind: str) -> str:
    """Return the name of the definition of a kind of probe, chart or derivation."""
    return f"{group}_{kind}"


def _named_kinds(group: str, declared: Mapping[str, Any]) -> Schema:
    """Return the schema of a mapping whose `name` says which of the declared things it is."""
    return {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"enum": list(declared)}},
        "allOf": _alternatives("name", declared, group),
    }


def _kind(group: str, kind: str, common: Iterable[str], options: Iterable[Option]) -> tuple[str, Schema]:
    own = {option.name: option.complete_schema() for option in options}
    needed = [option.name for option in options if option.default is REQUIRED]
    known = {**dict.fromkeys(common, True), **own}
    return kind_name(group, kind), {
        "title": kind,
        "properties": known,
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }


def _kinds(group: str, common: Iterable[str], declared: Mapping[str, Any]) -> dict[str, Schema]:
    return dict(_kind(group, kind, common, item.options) for kind, item in declared.items())


def _probes_of(reads: Reads, *, among: bool = True) -> dict[str, Probe]:
    """Return the kinds of probes that read these snapshots, or the others."""
    return {name: probe for name, probe in find.probes().items() if (probe.reads is reads) is among}


def _alternatives(key: str, declared: Iterable[str], group: str = "") -> list[Schema]:
    return [
        {
            "if": {"properties": {key: {"const": kind}}, "required": [key]},
            "then": _ref(kind_name(group or key, kind)),
        }
        for kind in declared
    ]


def _of_kinds(group: str, declared: Iterable[str], required: Iterable[str], keys: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "required": list(required),
        "properties": {group: {"enum": list(declared)}, **keys},
        "allOf": _alternatives(group, declared),
    }


# The parts of a campaign


def _campaign() -> dict[str, Schema]:
    seeds = {
        "count": _integer(1, _MOST_SEEDS, default=5),
        "first": _integer(0, 2**31 - 1, default=0),
        "block": _integer(1, _MOST_SEEDS, default=5),
        "up_to": _integer(
            1, _MOST_SEEDS, description="Seeds that a study may come to have: `count`, twice as many, …, so many"
        ),
    }
    sizes = {"type": "object", "minProperties": 1, "required": ["small"]}
    return {
        "campaign": _ref("name"),
        "title": _with_default("How does the batch size affect training?", _TEXT),
        "summary": _with_default("", _TEXT),
        "run": {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True},
        "task": {
            "anyOf": [{"enum": list(find.tasks())}, _named_kinds("task", find.tasks())],
            "description": "What is learnt; without it what the data are for",
        },
        "dataset": _with_default("digits", _TEXT),
        "model": _with_default("mlp", _TEXT),
        "optimizer": _with_default("sgd", _TEXT),
        "precision": _with_default(PRECISIONS[0], _ref("precision")),
        "dropout": {
            "enum": ["by_micro_batch", BY_EXAMPLE],
            "default": "by_micro_batch",
            "description": "How masks are drawn: anew for each micro-batch, as Keras does, so that accumulation "
            "changes them; or by seed, update and the example's place in the batch, whatever the accumulation",
        },
        "epochs": _with_default(30, _ref("count")),
        "seeds": _with_default({}, _object(seeds)),
        "verify_sample": _integer(0, default=3, description="Segments, and probes, that `verify` makes again"),
        "verify_seed": _integer(0, description="Of the random choice; another one each time without it"),
        "batch_sizes": {**sizes, "propertyNames": _ref("name"), "additionalProperties": _ref("count")},
        "datasets": _named(_ref("dataset"), "alias", default={"digits": {"name": "digits"}}),
        "models": _named(_ref("model"), "alias", default={"mlp": {"name": "mlp"}}),
        "optimizers": _named(_ref("optimizer"), "alias", default={"sgd": {"name": "sgd", "learning_rate": 0.1}}),
        "references": _named(_ref("reference"), default={}),
        "advice": _with_default(
            {}, _object({"figure": _TEXT, "claims": {"type": "array", "items": _TEXT, "uniqueItems": True}})
        ),
        "statements": _with_default({}, _removable("statement")),
        "advise": _object(
            {
                "batch_size": {**_ref("count"), "description": "The present batch size"},
                "budget": {
                    "type": "string",
                    "pattern": f"^{BUDGET}$(?!\\n)",
                    "description": "a time such as 90 s, 30 min or 2 h",
                },
                "metric": {
                    "type": "string",
                    "pattern": r"^validation_[a-z0-9_]+$(?!\n)",
                    "description": "Validation metric to judge by, such as validation_balanced_accuracy",
                },
                "target": {"type": "number", "description": "Validation value to reach, in the unit of the table"},
            },
            required=["batch_size", "budget"],
        ),
        "studies": _removable("study"),
    }


def _reference() -> Schema:
    return _object(
        {
            "authors": {"type": "array", "items": _TEXT, "minItems": 1},
            "year": _integer(1, 9999),
            **dict.fromkeys(("title", "venue", "doi", "arxiv", "url"), _TEXT),
            "short": {**_TEXT, "description": "How texts quote it, instead of authors and year"},
        },
        required=["authors", "year", "title"],
        anyOf=[{"required": [key]} for key in ("doi", "arxiv", "url")],
    )


def _statement() -> Schema:
    return _object(
        {
            "statement": _TEXT,
            "links": {
                "type": "object",
                "additionalProperties": {"type": "string", "pattern": "^https://"},
                "description": "What a link is called → its address",
            },
            "claims": {
                "type": "array",
                "items": _TEXT,
                "uniqueItems": True,
                "description": "Claims whose findings answer the statement, as study.claim",
            },
        },
        required=["statement", "links", "claims"],
    )


def _values() -> dict[str, Schema]:
    alone = [
        name for name, rule in find.rules().items() if not any(option.default is REQUIRED for option in rule.options)
    ]
    named_or_file = {
        "type": "object",
        "properties": {"name": _TEXT, "file": {"type": "string", "minLength": 1}},
        "oneOf": [{"required": ["name"]}, {"required": ["file"]}],
    }
    return {
        "name": _name("[a-z][a-z0-9_]*", "lower-case letters, digits and underscores, starting with a letter"),
        "alias": _name("[A-Za-z0-9_][A-Za-z0-9_.+ -]*", "a name of letters, digits, spaces and _ . + -"),
        "experiment": {
            "type": "string",
            "pattern": "^[EM][0-9]+[a-z]?$",
            "description": "E or M and a number, such as E12",
        },
        "count": _integer(1, _LARGEST_COUNT),
        "size": {"anyOf": [_ref("count"), _TEXT]},
        "sizes": _one_or_list(_ref("size")),
        "counts": _one_or_list(_ref("count")),
        "positive": {"type": "number", "exclusiveMinimum": 0},
        "positives": _one_or_list(_ref("positive")),
        "names": _one_or_list(_TEXT),
        "precision": {"enum": list(PRECISIONS)},
        "precisions": _one_or_list(_ref("precision")),
        "rule": {"anyOf": [{"enum": alone}, _named_kinds("rule", find.rules())]},
        "schedule": _named_kinds("schedule", find.schedules()),
        "rules": _one_or_list(_ref("rule")),
        "dataset": named_or_file,
        "model": named_or_file,
        "optimizer": {
            "type": "object",
            "required": ["name", "learning_rate"],
            "properties": {"name": _TEXT, "learning_rate": _ref("positive")},
        },
        "range": _object({"min": {"type": "number"}, "max": {"type": "number"}}, minProperties=1),
        "condition": {
            "anyOf": [
                {"type": ["string", "number", "integer", "boolean"]},
                {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean", "null"]}},
                _ref("range"),
            ]
        },
        "filter": {"type": "object", "minProperties": 1, "additionalProperties": _ref("condition")},
        "tables": {
            "anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2, "uniqueItems": True}]
        },
    }


def _study() -> Schema:
    return _object(
        {
            "experiments": {"type": "array", "items": _ref("experiment")},
            **dict.fromkeys(("title", "question", "note", "dataset", "model", "optimizer"), _TEXT),
            "precision": _ref("precision"),
            "epochs": _ref("count"),
            "seeds": _integer(1, _MOST_SEEDS),
            "snapshots": {"type": "array", "items": _ref("count"), "uniqueItems": True},
            "evaluate": _ref("evaluation"),
            "until": _ref("ending"),
            "reference": _ref("filter"),
            "arms": {**_removable("recipe"), "minProperties": 1},
            "probes": _removable("probe"),
            "tables": _removable("derived_table"),
            "figures": _removable("figure"),
            "claims": _removable("claim"),
            "answer": {
                "type": "array",
                "items": _TEXT,
                "uniqueItems": True,
                "description": "Claims whose findings answer the question",
            },
        },
        required=["title", "question", "arms"],
    )


# What is counted from the beginning of training, or of a branch.
_UNIT: Schema = {"enum": ["epochs", "updates"]}
_OTHER_RULES: Schema = {"type": "array", "items": _ref("rule")}


def _recipe() -> Schema:
    return _object(
        {
            "label": _TEXT,
            "from": _ref("branch"),
            **dict.fromkeys(("dataset", "model", "optimizer"), _ref("names")),
            "precision": _ref("precisions"),
            "batch_size": _ref("sizes"),
            "batch_size_factor": _ref("counts"),
            "accumulation": _ref("counts"),
            "micro_batch": _ref("sizes"),
            "learning_rate": _ref("positives"),
            "learning_rate_factor": _ref("positives"),
            "learning_rate_rule": _ref("rules"),
            "other_rules": _OTHER_RULES,
            "reference_batch_size": _ref("size"),
            "schedule": _ref("schedule"),
            "epochs": _integer(0, _LARGEST_COUNT),
            "updates": _ref("count"),
            "phases": {"type": "array", "minItems": 1, "items": _ref("phase")},
            "evaluate": _ref("evaluation"),
            "until": _ref("ending"),
            "seeds": _integer(1, _MOST_SEEDS),
        },
        # One of each pair; `configuration.campaign` says so.
        **{"not": {"anyOf": [{"required": ["accumulation", "micro_batch"]}, {"required": ["epochs", "updates"]}]}},
    )


def _branch() -> Schema:
    return _object(
        {
            "arm": {**_ref("names"), "description": "The trunk: an arm of this study, or study.arm"},
            "at": _one_or_list(_integer(0, _LARGEST_COUNT)),
            "unit": _UNIT,
        },
        required=["arm", "at"],
    )


def _evaluation() -> Schema:
    places = {
        "every": _ref("count"),
        "at": {"type": "array", "items": _ref("count"), "minItems": 1, "uniqueItems": True},
        "per_decade": _integer(1, 100),
    }
    return _object(
        {**places, "unit": _UNIT, "subset": _ref("count")}, oneOf=[{"required": [place]} for place in places]
    )


def _ending() -> Schema:
    keys = {
        "metric": _TEXT,
        "at": {"type": "number"},
        "stops_improving": _TEXT,
        "patience": _ref("count"),
        "restore_best": {"type": "boolean"},
    }
    ways = (("metric", "at"), ("stops_improving", "patience"))
    return _object(keys, oneOf=[{"required": list(way)} for way in ways])


def _phase() -> Schema:
    return _object(
        {
            "epochs": _ref("count"),
            "updates": _ref("count"),
            "share": _ref("positive"),
            "batch_size": _ref("size"),
            "batch_size_factor": _ref("count"),
            "accumulation": _ref("count"),
            "micro_batch": _ref("size"),
            "learning_rate": _ref("positive"),
            "learning_rate_factor": _ref("positive"),
            "learning_rate_rule": _ref("rule"),
            "other_rules": _OTHER_RULES,
            "schedule": _ref("schedule"),
        },
        **{"not": {"required": ["accumulation", "micro_batch"]}},
        oneOf=[{"required": ["epochs"]}, {"required": ["updates"]}, {"required": ["share"]}],
    )


def _probe() -> Schema:
    arms = {
        **dict.fromkeys(("recipe", "arm", "model", "optimizer", "precision"), _ref("names")),
        "batch_size": _ref("sizes"),
        "accumulation": _ref("counts"),
    }
    epochs = {"anyOf": [_integer(0), {"const": "last"}]}
    return _of_kinds(
        "probe",
        find.probes(),
        required=("probe", "epochs"),
        keys={
            "arms": _object(arms),
            AGAINST: {
                **_object(arms),
                "description": "The arm with which a probe of two arms compares each of `arms`",
            },
            "epochs": {"type": "array", "minItems": 1, "uniqueItems": True, "items": epochs},
            "seeds": _ref("count"),
        },
    )


def _figure() -> Schema:
    texts = {"title": _TEXT, "caption": _TEXT, "finding": _TEXT}
    keys = {**texts, "table": _ref("tables"), "where": _ref("filter")}
    return _of_kinds("chart", find.charts(), required=("chart", "title", "caption", "table"), keys=keys)


def _claim() -> Schema:
    return _object(
        {
            "statement": _TEXT,
            "source": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "uniqueItems": True}]},
            "published": _TEXT,
            "published_value": {"anyOf": [{"type": "number"}, _ref("range")]},
            "standing": _with_default(EVIDENCE, {"enum": list(STANDINGS)}),
            "because": _TEXT,
            "words": _object(dict.fromkeys(WORDS, _TEXT), minProperties=1),
            "test": {"enum": list(TESTS)},
            "table": _ref("tables"),
            "value": _TEXT,
            "aggregate": {"enum": list(AGGREGATES)},
            "each": {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True},
            "of": _ref("filter"),
            "minus": _ref("filter"),
            "expect": {"anyOf": [{"enum": list(EXPECTATIONS)}, _ref("range")]},
            "margin": {"type": "number", "minimum": 0},
            "unit": _with_default("", _TEXT),
            "figure": _TEXT,
        },
        required=["statement", "source", "published", "test", "table", "value", "of", "expect"],
    )


@functools.cache
def schema() -> Schema:
    """Return the JSON schema (draft 2020-12) of a campaign, with what is declared in the project's folders now."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A campaign of batchlab",
        **_object(_campaign(), required=["campaign", "batch_sizes"]),
        "$defs": {
            **_values(),
            "study": _study(),
            "recipe": _recipe(),
            "branch": _branch(),
            "evaluation": _evaluation(),
            "ending": _ending(),
            "phase": _phase(),
            "reference": _reference(),
            "statement": _statement(),
            "probe": _probe(),
            **_kinds("probe", PROBE_KEYS, _probes_of(Reads.ARMS, among=False)),
            **_kinds("probe", (*PROBE_KEYS, AGAINST), _probes_of(Reads.ARMS)),
            "derived_table": _of_kinds("derivation", find.derivations(), required=("derivation",), keys={}),
            **_kinds("derivation", TABLE_KEYS, find.derivations()),
            "figure": _figure(),
            **_kinds("chart", FIGURE_KEYS, find.charts()),
            "claim": _claim(),
            **_kinds("rule", ("name",), find.rules()),
            **_kinds("schedule", ("name",), find.schedules()),
            **_kinds("task", ("name",), find.tasks()),
        },
    }
