"""Reading a campaign: the schema's check in one line per problem, and its defaults."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from batchlab.errors import BatchlabError
from batchlab.planning.recipes import unknown

_NO_DEFAULT = object()
SCHEMA = Path(__file__).resolve().parents[2] / "config" / "schema.json"


def _path(error: jsonschema.ValidationError) -> str:
    text = ""
    for part in error.absolute_path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the campaign"


def _explain(error: jsonschema.ValidationError) -> BatchlabError:
    """Return a schema error as one line with key, value and what is allowed."""
    where, value = _path(error), error.instance
    schema: Any = error.schema
    if error.validator == "additionalProperties" and isinstance(value, dict):
        known = schema.get("properties", {})
        extra = next(key for key in value if key not in known)
        return unknown(where, "key", extra, known)
    if error.validator == "required" and isinstance(value, dict):
        missing = [key for key in schema["required"] if key not in value]
        return BatchlabError(f"{where}: the key {missing[0]!r} is missing")
    if error.validator == "enum":
        return unknown(where, "value", value, map(str, schema["enum"]))
    if error.validator in ("anyOf", "oneOf") and error.context:
        # The branch that fails deepest is the one that the author meant.
        return _explain(max(error.context, key=lambda e: (len(e.absolute_path), e.validator != "type")))
    shown = json.dumps(value, default=str)
    shown = shown if len(shown) < 60 else f"{shown[:57]}…"
    allowed = {
        "type": lambda v: f"a value of type {v if isinstance(v, str) else ' or '.join(v)}",
        "minimum": lambda v: f"{v} or more",
        "exclusiveMinimum": lambda v: f"more than {v}",
        "pattern": lambda v: "lower-case letters, digits and underscores, starting with a letter",
        "minItems": lambda v: f"a list of at least {v}",
        "minProperties": lambda v: f"at least {v} key",
        "uniqueItems": lambda v: "a list without repeated values",
        "not": lambda v: "accumulation or micro_batch, and epochs or updates: one of each pair",
    }.get(str(error.validator), lambda v: str(error.message))
    return BatchlabError(f"{where}: {shown} is not possible; allowed: {allowed(error.validator_value)}")


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
    # Snakemake's mapping types and YAML's scalars become plain JSON values.
    config = json.loads(json.dumps(raw, default=str))
    errors = jsonschema.Draft202012Validator(schema).iter_errors(config)
    first = min(errors, key=lambda error: list(map(str, error.absolute_path)), default=None)
    if first is not None:
        raise _explain(first)
    config = _with_defaults(schema, config)
    # Of data sets, 1 is a number of examples and 1.0 a share of them.
    config = {key: value if key == "datasets" else _whole(value) for key, value in config.items()}
    studies = config.get("studies", {})
    config["studies"] = {name: _without_defaults(schema, study) for name, study in studies.items() if study is not None}
    config.setdefault("run", list(config["studies"]))
    for table in ("dataset", "model", "optimizer"):
        if config[table] not in config[f"{table}s"]:
            raise unknown(table, table, config[table], config[f"{table}s"])
    return config
