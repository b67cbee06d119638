"""Reading a campaign: the schema's check in one line per problem, and its defaults."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema

from batchlab.errors import BatchlabError, shown, unknown
from batchlab.paths import PROJECT

_NO_DEFAULT = object()
SCHEMA = PROJECT / "config" / "schema.json"

# Folders below `results/` that all campaigns share.
SHARED_FOLDERS = frozenset({"checkpoints", "crates", "data", "downloads", "probes", "segments"})
# Targets and rules of the workflow beside which each study is a target of its own name.
TARGETS = frozenset({"all", "crate", "data", "figures", "tables", "verify"})
RULES = frozenset(
    (
        "prepare_data",
        "check_model",
        "initialise_model",
        "train_segment",
        "judge_claims",
        "merge_tables",
        "draw_figure",
        "write_report",
    )
)
RULE_FAMILIES = ("tabulate_", "measure_")

# Beyond any use, and small enough for every count that is made of it (examples = epochs × training set, say).
_LARGEST = 10**12
_DEEPEST = 20


def _integer(checker: Any, value: Any) -> bool:
    # JSON takes 16.0 for an integer; Python's range does not.
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _integer),
)


def _path(parts: Iterable[Any]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the campaign"


def _plain(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """Return what YAML and Snakemake read as plain JSON values; dates become text.

    Raises:
        BatchlabError: For a key that is no text, NaN, an infinity, a number beyond all use, and whatever JSON lacks.
    """
    where = _path(path)
    if len(path) > _DEEPEST:
        raise BatchlabError(f"{where}: is nested too deeply; allowed: {_DEEPEST} levels")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise BatchlabError(f"{where}: the key {shown(key)} is not text; put it into quotes or rename it")
        return {str(key): _plain(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float):
        if not abs(value) <= _LARGEST:
            raise BatchlabError(f"{where}: {shown(value)} is not possible; allowed: numbers up to {_LARGEST:.0e}")
        return value
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise BatchlabError(f"{where}: a value of type {type(value).__name__} is not possible; write text in quotes")


_TYPES = {"object": "a mapping", "array": "a list", "string": "text", "boolean": "true or false", "null": "null"}


def _type_name(wanted: Any) -> str:
    names = [wanted] if isinstance(wanted, str) else wanted
    return " or ".join(_TYPES.get(name, f"a value of type {name}") for name in names)


def _text_hint(value: Any, wanted: Any) -> str:
    """Return a hint where text stands for a number: YAML reads 1e-3 as text."""
    if isinstance(value, str) and {"number", "integer"} & {*([wanted] if isinstance(wanted, str) else wanted)}:
        try:
            number = float(value)
        except ValueError:
            return ""
        shape = int(number) if number.is_integer() else number
        return f" (YAML reads this as text; write {shape} without quotes)"
    return ""


def _explain(error: jsonschema.ValidationError) -> BatchlabError:
    """Return a schema error as one line with key, value and what is allowed."""
    where, value = _path(error.absolute_path), error.instance
    schema: Any = error.schema
    if error.validator == "additionalProperties" and isinstance(value, dict):
        known = schema.get("properties", {})
        extra = next(key for key in value if key not in known)
        return unknown(where, "key", extra, known)
    if error.validator == "required" and isinstance(value, dict):
        missing = [key for key in schema["required"] if key not in value]
        return BatchlabError(f"{where}: the key {missing[0]!r} is missing; config/README.md says what it means")
    if error.validator == "enum":
        return unknown(where, "value", value, map(str, schema["enum"]))
    if error.validator in ("anyOf", "oneOf") and error.context:
        # The branch that fails deepest is the one that the author meant; of those that fail at the value itself, one
        # that asks for its type.
        simple = ("type", "anyOf", "enum", "const")
        meant = max(error.context, key=lambda e: (len(e.absolute_path), e.validator not in simple))
        if len(meant.absolute_path) > len(error.absolute_path) or meant.validator not in simple:
            return _explain(meant)
    return BatchlabError(f"{where}: {shown(value)} is not possible; allowed: {_allowed(error)}")


def _allowed(error: jsonschema.ValidationError) -> str:
    """Return what the schema allows instead of the value."""
    schema: Any = error.schema
    if error.validator == "anyOf":
        return " or ".join(dict.fromkeys(_allowed(branch) for branch in error.context or ()))
    texts = {
        "type": lambda v: f"{_type_name(v)}{_text_hint(error.instance, v)}",
        "enum": lambda v: ", ".join(map(str, v)),
        "const": lambda v: str(v),
        "minimum": lambda v: f"{v} or more",
        "maximum": lambda v: f"{v} at most",
        "exclusiveMinimum": lambda v: f"more than {v}",
        "pattern": lambda v: schema["description"],
        "maxLength": lambda v: f"at most {v} characters",
        "minLength": lambda v: f"at least {v} character",
        "minItems": lambda v: f"a list of {v} at least",
        "maxItems": lambda v: f"a list of {v} at most",
        "minProperties": lambda v: f"at least {v} key",
        "uniqueItems": lambda v: "a list without repeated values",
        "not": lambda v: "accumulation or micro_batch, and epochs or updates: one of each pair",
        "oneOf": lambda v: f"one of the keys {' and '.join(key for part in v for key in part.get('required', ()))}",
    }
    return texts[str(error.validator)](error.validator_value)


def _with_defaults(schema: Mapping[str, Any], value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for key, part in schema.get("properties", {}).items():
        if key not in filled and "default" in part:
            filled[key] = copy.deepcopy(part["default"])
        if key in filled:
            filled[key] = _with_defaults(part, filled[key])
    return filled


def _check_names(config: Mapping[str, Any]) -> None:
    """Refuse names that mean something else: folders that campaigns share, targets and rules of the workflow."""
    if config["campaign"] in SHARED_FOLDERS:
        raise BatchlabError(
            f"campaign: {config['campaign']!r} is a folder that all campaigns share (results/{config['campaign']}); "
            "choose another name"
        )
    for name in config["studies"]:
        if name in TARGETS | RULES or name.startswith(RULE_FAMILIES):
            raise BatchlabError(f"studies.{name}: {name!r} is a rule of the workflow; choose another name")


def _whole(value: Any) -> Any:
    """Return `value` with 2.0 written as 2, so that both are one setting."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_defaults(schema: Mapping[str, Any], study: dict[str, Any]) -> dict[str, Any]:
    """Return a study without the keys of probes, figures and claims that say what holds anyway."""
    shortened = dict(study)
    for group, kind in (("probes", "probe"), ("figures", "figure"), ("claims", "claim")):
        keys = schema["$defs"][kind]["properties"]
        if group in study:
            shortened[group] = {
                name: item
                and {key: value for key, value in item.items() if value != keys[key].get("default", _NO_DEFAULT)}
                for name, item in study[group].items()
            }
    return shortened


def load(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the complete configuration of a campaign.

    Args:
        raw: What Snakemake read from the configuration files and the command line.

    Raises:
        BatchlabError: For the first unknown key, missing key or impossible value, in one line.
    """
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    # Of data sets, 1 is a number of examples and 1.0 a share of them.
    config = {key: value if key == "datasets" else _whole(value) for key, value in _plain(raw).items()}
    errors = _Validator(schema).iter_errors(config)
    first = min(errors, key=lambda error: list(map(str, error.absolute_path)), default=None)
    if first is not None:
        raise _explain(first)
    config = _with_defaults(schema, config)
    studies = config.get("studies", {})
    config["studies"] = {name: _without_defaults(schema, study) for name, study in studies.items() if study is not None}
    if not config["studies"]:
        raise BatchlabError("studies: there is none; name at least one (config/studies.yaml has many)")
    config.setdefault("run", list(config["studies"]))
    _check_names(config)
    for table in ("dataset", "model", "optimizer"):
        if config[table] not in config[f"{table}s"]:
            raise unknown(table, table, config[table], config[f"{table}s"])
    return config
