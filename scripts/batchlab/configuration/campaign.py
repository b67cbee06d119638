"""Reading a campaign: the catalogue below it, the schema's check in one line per problem, and its defaults."""

from __future__ import annotations

import copy
import datetime
import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import jsonschema

from batchlab.configuration import advise_key
from batchlab.configuration.catalogue import FOLDER, catalogue
from batchlab.configuration.faults import Collected
from batchlab.configuration.schema import schema
from batchlab.configuration.yaml_files import check_files, parsed
from batchlab.declarations import find
from batchlab.declarations.claim import EVIDENCE
from batchlab.declarations.options import with_defaults
from batchlab.errors import BatchlabError, nearest, shown, unknown
from batchlab.paths import PROJECT

# The campaign that runs where none is given.
DEFAULT_CAMPAIGN = PROJECT / "config" / "quick.yaml"

# Folders below `results/` that all campaigns share.
SHARED_FOLDERS = frozenset({"checkpoints", "crates", "data", "downloads", "foresight", "probes", "segments"})

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
        name = part if isinstance(part, int) or re.fullmatch(r"[^\s.]{1,60}", str(part)) else shown(part)
        text += f"[{name}]" if isinstance(part, int) else f".{name}" if text else str(name)
    return text or "the campaign"


def _plain(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """Return what YAML and Snakemake read as plain JSON values; dates become text.

    Raises:
        BatchlabError: For a key that is not text, NaN, an infinity, an enormous number, or a value that JSON lacks.
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


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _misspelt(error: jsonschema.ValidationError) -> dict[str, str]:
    """Return missing key → the key of the same mapping that was probably meant for it."""
    part: Any = error.schema
    given: Any = error.instance
    known = part.get("properties", {})
    missing = [key for key in part.get("required", ()) if key not in given]
    strangers = [key for key in given if key not in known]
    found = {key: nearest(key, strangers) for key in missing}
    return {key: close for key, close in found.items() if close is not None}


def _required(error: jsonschema.ValidationError, where: str, kind: str | None) -> Iterator[BatchlabError]:
    part: Any = error.schema
    given: Any = error.instance
    misspelt = _misspelt(error)
    for key in part["required"]:
        if key in given:
            continue
        if key in misspelt:
            yield BatchlabError(f"{where}: {misspelt[key]}: did you mean {key!r}? This key is missing")
        else:
            way_out = f"{kind} needs it" if kind else "config/README.md says what it means"
            yield BatchlabError(f"{where}: the key {key!r} is missing; {way_out}")


def _explain(error: jsonschema.ValidationError) -> Iterator[BatchlabError]:
    """Yield a line with key, value and what is allowed for each fault in a schema error."""
    where, value = _path(error.absolute_path), error.instance
    part: Any = error.schema
    kind = None if "$schema" in part else part.get("title")  # of a probe, a chart or a derivation
    if error.validator == "additionalProperties" and isinstance(value, dict):
        known = part.get("properties", {})
        meant = _misspelt(error).values()
        for extra in (key for key in value if key not in known and key not in meant):
            yield unknown(where, f"setting of {kind}" if kind else "key", extra, known)
    elif error.validator == "required" and isinstance(value, dict):
        yield from _required(error, where, kind)
    elif error.validator == "enum":
        yield unknown(where, "value", value, map(_word, part["enum"]))
    elif (inner := _meant_branch(error)) is not None:
        yield from _explain(inner)
    else:
        yield BatchlabError(f"{where}: {shown(value)} is not possible; allowed: {_allowed(error)}")


def _meant_branch(error: jsonschema.ValidationError) -> jsonschema.ValidationError | None:
    """Return the error of the alternative that the author meant, where it says more than the list of all."""
    if error.validator not in ("anyOf", "oneOf") or not error.context:
        return None
    # The one that fails deepest; of those that fail at the value itself, one that asks for its type.
    one: tuple[Any, ...] = tuple(branch.validator_value for branch in error.context if branch.validator == "required")
    if len(one) == len(error.context) and all(len(keys) == 1 for keys in one):
        return None  # one of several keys is missing: all of them are named
    simple = ("type", "anyOf", "enum", "const")
    meant = max(_branches(error), key=lambda e: (len(e.absolute_path), e.validator not in simple))
    deeper = len(meant.absolute_path) > len(error.absolute_path) or meant.validator not in simple
    return meant if deeper else None


def _branches(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    """Yield what is wrong with each alternative, those of alternatives within alternatives too."""
    for branch in error.context or ():
        if branch.validator == "anyOf" and branch.context:
            yield from _branches(branch)
        else:
            yield branch


def _allowed(error: jsonschema.ValidationError) -> str:
    """Return what the schema allows instead of the value."""
    part: Any = error.schema
    if error.validator == "anyOf":
        if all(branch.validator == "required" for branch in error.context or ()):
            return f"a mapping with {' or '.join(key for branch in part['anyOf'] for key in branch['required'])}"
        return " or ".join(dict.fromkeys(_allowed(branch) for branch in error.context or ()))
    texts = {
        "type": lambda v: f"{_type_name(v)}{_text_hint(error.instance, v)}",
        "enum": lambda v: ", ".join(map(_word, v)),
        "const": _word,
        "minimum": lambda v: f"{v} or more",
        "maximum": lambda v: f"{v} at most",
        "exclusiveMinimum": lambda v: f"more than {v}",
        "pattern": lambda v: part["description"],
        "maxLength": lambda v: f"at most {v} characters",
        "minLength": lambda v: f"at least {v} character",
        "required": lambda v: f"a mapping with {' and '.join(v)}",
        "additionalProperties": lambda v: f"a mapping of {', '.join(part.get('properties', ()))}",
        "minItems": lambda v: f"a list of {v} at least",
        "maxItems": lambda v: f"a list of {v} at most",
        "minProperties": lambda v: f"at least {v} key",
        "uniqueItems": lambda v: "a list without repeated values",
        "not": lambda v: "accumulation or micro_batch, and epochs or updates: one of each pair",
        "oneOf": lambda v: f"one of the keys {', '.join(key for each in v for key in each.get('required', ()))}",
    }
    return texts[str(error.validator)](error.validator_value)


def _filled(part: Mapping[str, Any], value: Any) -> Any:
    """Return `value` with the defaults of the schema for the campaign's own keys."""
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for key, inner in part.get("properties", {}).items():
        if key not in filled and "default" in inner:
            filled[key] = copy.deepcopy(inner["default"])
        if key in filled:
            filled[key] = _filled(inner, filled[key])
    return filled


@functools.cache
def rules_of_workflow() -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the names of the workflow's rules, and the beginnings of names that it makes for each study."""
    files = (PROJECT / "Snakefile", *sorted((PROJECT / "rules").glob("*.smk")))
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    names = re.findall(r"^\s*(?:rule|checkpoint)\s+(\w+):", text, re.MULTILINE)
    return frozenset(names), tuple(dict.fromkeys(re.findall(r'name:\s+f"(\w+_)\{', text)))


def _check_names(config: Mapping[str, Any]) -> None:
    """Refuse names that mean something else: folders that campaigns share, and rules of the workflow."""
    if config["campaign"] in SHARED_FOLDERS:
        raise BatchlabError(
            f"campaign: {config['campaign']!r} is a folder that all campaigns share (results/{config['campaign']}); "
            "choose another name"
        )
    rules, families = rules_of_workflow()
    for name in config["studies"]:
        # Each study is a target of its own name.
        if name in rules or (families and name.startswith(families)):
            raise BatchlabError(f"studies.{name}: {name!r} is a rule of the workflow; choose another name")


def _whole(value: Any) -> Any:
    """Return `value` with 2.0 written as 2, so that both are one setting."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


# What a study has by name: group → key that names the kind.
_KINDS = {"probes": "probe", "tables": "derivation", "figures": "chart"}
_CLAIM_DEFAULTS = {"unit": "", "standing": EVIDENCE}
_NO_DEFAULT = object()


def _complete(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study whose probes, derived tables and figures have all their options."""
    complete = dict(study)
    declared = {"probes": find.probes(), "tables": find.derivations(), "figures": find.charts()}
    for group, key in _KINDS.items():
        if group in study:
            complete[group] = {
                name: item and with_defaults(declared[group][item[key]].options, item)
                for name, item in study[group].items()
            }
    if "claims" in study:
        complete["claims"] = {
            name: claim
            and {key: value for key, value in claim.items() if value != _CLAIM_DEFAULTS.get(key, _NO_DEFAULT)}
            for name, claim in study["claims"].items()
        }
    return complete


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `over`: mappings are merged, lists and `null` replace what is there.

    Keys keep the order of `base`; those that it lacks follow in the order of `over`.
    """
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def read(raw: Mapping[str, Any], files: Iterable[str | Path] = ()) -> dict[str, Any]:
    """Return the complete configuration of what Snakemake read, in one order, however it was given.

    Snakemake puts the keys of `--configfile` before those of the workflow, and those of a `configfile:` after them.
    Here keys of the catalogue come in its order, and then those of the campaign in its own.

    Args:
        raw: What Snakemake read from configuration files and the command line; the default campaign if it names none.
        files: The files that it read.

    Raises:
        BatchlabError: For mistakes, one line for each.
    """
    default = [] if "campaign" in raw else [DEFAULT_CAMPAIGN]
    own = {*FOLDER.glob("*.yaml"), *default}
    others = [file for file in files if Path(file).resolve() not in own]
    check_files(others)
    if default and others:
        raise BatchlabError(
            f"{others[-1]}: the key 'campaign' is missing; it names the folder below results/ (campaign: mine)"
        )
    return load(functools.reduce(merged, (catalogue(), advise_key.layer(raw), *map(parsed, default), raw)))


# Studies that this process has found to be as the schema says. Most of a campaign is the catalogue, over and over.
_proven: set[str] = set()


def _check(config: Mapping[str, Any]) -> None:
    """Raise what the schema says against a campaign, one line for each fault."""
    named = config.get("studies")
    studies: dict[str, Any] = named if isinstance(named, dict) else {}
    texts = {name: json.dumps([name, study]) for name, study in studies.items()}
    unproven = {name: studies[name] for name, text in texts.items() if text not in _proven}
    errors = _Validator(schema()).iter_errors({**config, "studies": unproven} if texts else config)
    faults = Collected()
    for error in sorted(errors, key=lambda e: list(map(str, e.absolute_path))):
        for fault in _explain(error):
            faults.add(fault)
    faults.tell()
    _proven.update(texts.values())


def _forget(config: Mapping[str, Any], removed: Set[str]) -> None:
    """Take the claims of studies that a campaign has taken out of the catalogue from what names them."""
    for named in (config["advice"], *filter(None, config["statements"].values())):
        named["claims"] = [text for text in named.get("claims", ()) if text.partition(".")[0] not in removed]
    if config["advice"].get("figure", "").partition(".")[0] in removed:
        del config["advice"]["figure"]


def load(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the complete configuration of a campaign, the catalogue merged into it before.

    Raises:
        BatchlabError: For unknown keys, missing keys and impossible values, one line for each.
    """
    # Of data sets, 1 is a number of examples and 1.0 a share of them.
    config = {key: value if key == "datasets" else _whole(value) for key, value in _plain(raw).items()}
    _check(config)
    config = _filled(schema(), config)
    studies = config.get("studies", {})
    config["studies"] = {name: _complete(study) for name, study in studies.items() if study is not None}
    _forget(config, {name for name, study in studies.items() if study is None})
    if not config["studies"]:
        raise BatchlabError("studies: there is none; name at least one (config/studies/ has many)")
    config.setdefault("run", list(config["studies"]))
    _check_names(config)
    return config
