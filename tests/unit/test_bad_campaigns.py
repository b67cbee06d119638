"""Campaigns that are wrong in every way a generator finds: planned, or one line that names a key, and nothing else.

The number of examples is small and fixed; `BATCHLAB_FUZZ=20000 pytest tests/unit/test_bad_campaigns.py` looks longer,
with other examples each time.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.campaigns import planned
from unit.test_campaign_files import PROJECT, merged

from batchlab.configuration.campaign import load
from batchlab.configuration.catalogue import catalogue
from batchlab.configuration.schema import schema
from batchlab.configuration.yaml_files import check_files
from batchlab.declarations.model_options import ACTIVATIONS
from batchlab.errors import BatchlabError
from batchlab.planning import plan
from batchlab.planning.report_settings import report_spec
from batchlab.planning.specs import (
    claims_spec,
    derived_spec,
    figure_data_spec,
    figure_drawing_spec,
    tables_spec,
)
from batchlab.records.digests import canonical

LONG = os.environ.get("BATCHLAB_FUZZ")
PROFILE = settings(
    max_examples=int(LONG or 100),
    derandomize=LONG is None,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Studies with every kind of probe, chart and claim, and few enough to plan hundreds of times.
STUDIES = ("switch", "gradient_norms", "accumulation", "equal_updates", "batch_norm", "adam_rule")


@functools.cache
def valid() -> str:
    """Return the quick campaign as JSON, merged over the catalogue, with some of its studies."""
    campaign = merged(catalogue(), yaml.safe_load((PROJECT / "config/quick.yaml").read_text()))
    campaign["run"] = list(STUDIES)
    campaign["studies"] = {name: campaign["studies"][name] for name in STUDIES}
    campaign["advice"] = {
        group: [name for name in named if name.partition(".")[0] in STUDIES]
        for group, named in campaign["advice"].items()
        if isinstance(named, list)
    }
    for statement in campaign["statements"].values():
        statement["claims"] = [name for name in statement["claims"] if name.partition(".")[0] in STUDIES]
    return json.dumps(campaign)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside a campaign."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


KEYS = ("the campaign", *schema()["properties"])


@functools.cache
def paths() -> list[tuple[Any, ...]]:
    return list(places(json.loads(valid())))


HOSTILE = (
    *("", " ", "../x", "/etc/passwd", "a/b", "..", "a b", "{", "}", "{}", "{0}", "{x}", "{seeds.real}", "{seeds[0]}"),
    *("{seeds!r}", "{seeds:>9999999999}", "{small:%Y}", "a\nb", "quick\n", "\0", "\x1b[31m", "é", "数据", "\ud800"),
    *("null", "none", "all", "data", "nan", "1e-3", "-1", "None", "__class__", "%s", "$(id)", "`id`", "x" * 5000),
    *("class", "prepare_data", "write_report", "last", "best"),
)
NUMBERS = (0, -1, 1, 2, 3, 10**6, 10**12, 10**30, 10**400, -(10**400), 0.5, 1.0, 16.0, 1e-300, 1e308, 1e-320)
SPECIAL = (float("nan"), float("inf"), float("-inf"), None, True, False, [], {}, [[]], [None], [{}], {"a": {}}, {"": 1})
STRANGE_KEYS = ({1: 2}, {None: 1}, {True: 1}, {(1, 2): 3}, {"min": "x"}, {"min": None}, {"file": "\0.npz"}, object())

scalars = st.one_of(
    st.sampled_from(HOSTILE), st.sampled_from(NUMBERS), st.sampled_from(SPECIAL), st.text(max_size=8), st.integers()
)
values = st.one_of(
    scalars,
    st.sampled_from(STRANGE_KEYS),
    st.lists(scalars, max_size=3),
    st.dictionaries(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=5)), scalars, max_size=2),
)
keys = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8))


KINDS = ("replace", "replace", "number", "delete", "rename", "add", "wrap", "copy")
# What is done, where, and with what: a value, a key, or the value of another place.
mutations = st.builds(
    lambda kind, index, value, key, other: (
        kind,
        paths()[index % len(paths())],
        value,
        key,
        paths()[other % len(paths())],
    ),
    *(st.sampled_from(KINDS), st.integers(0, 10**6), values, keys, st.integers(0, 10**6)),
)


def look_up(campaign: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        campaign = campaign[step]
    return campaign


def damaged(steps: list[Any]) -> dict[str, Any]:
    """Return the valid campaign after some mutations; one whose place an earlier one took away is left out."""
    campaign: dict[str, Any] = json.loads(valid())
    for kind, path, value, key, other in steps:
        try:
            place, old = look_up(campaign, path[:-1]), look_up(campaign, path)
            taken = copy.deepcopy(look_up(campaign, other))
        except (KeyError, IndexError, TypeError):
            continue
        if kind == "delete":
            del place[path[-1]]
        elif kind == "rename" and isinstance(place, dict):
            place[key] = place.pop(path[-1])
        elif kind == "add" and isinstance(old, dict):
            old[key] = value
        elif kind == "wrap":
            place[path[-1]] = ([old], {"a": old}, [old, old], str(old))[len(str(value)) % 4]
        elif kind == "copy":
            place[path[-1]] = taken
        else:
            place[path[-1]] = NUMBERS[len(str(key)) % len(NUMBERS)] if kind == "number" else copy.deepcopy(value)
    return campaign


def used(campaign: dict[str, Any]) -> None:
    """Read, plan and write down everything that the rules ask of a plan."""
    planned = plan(load(campaign))
    for path in (planned.campaign, *planned.studies, *(f for s in planned.studies.values() for f in s.figures)):
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,99}", path)
    for segment in planned.segments.values():
        canonical(segment.spec)
        assert re.fullmatch(r"[\w.+-]{1,200}", segment.name), segment.name
    for probe in planned.probes.values():
        canonical(probe.spec)
    for name, study in planned.studies.items():
        canonical(tables_spec(planned, name))
        canonical(claims_spec(planned, name))
        for figure in study.figures:
            canonical(figure_data_spec(planned, name, figure))
            canonical(figure_drawing_spec(planned, name, figure))
        for table in study.derived:
            canonical(derived_spec(planned, name, table))
    canonical(report_spec(planned))


def test_the_campaign_to_be_damaged_is_valid() -> None:
    used(json.loads(valid()))


@PROFILE
@given(st.lists(mutations, min_size=1, max_size=3))
def test_a_damaged_campaign_is_planned_or_explained_in_one_line(steps: list[Any]) -> None:
    try:
        used(damaged(steps))
    except BatchlabError as problem:
        message = str(problem)
        assert message.isprintable(), repr(message)
        assert len(message) < 3000
        # It begins with the path of a key; one that nobody would write stands in quotes.
        assert re.match(rf"({'|'.join(KEYS)}|'.*'|\".*\").*: ", message), message


STUDY = {"title": "t", "question": "q", "arms": {"a": {}}}
MANY = list(range(1, 200))
OF_NORMS = dict.fromkeys(("statement", "source", "published"), "x") | {
    "test": "level",
    "table": "gradient_norms",
    "value": "norm",
    "aggregate": "mean",
    "expect": {"min": 0},
}
ALONE = dict.fromkeys(("statement", "source", "published"), "x") | {
    "test": "ratio",
    "table": "history",
    "value": "test_loss",
    "of": {"recipe": "fixed", "batch_size": "small", "epoch": "last"},
    "expect": {"max": 1},
}

# One row per mistake: the change, and what the one line must name (the key, the value, the way out).
MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    # names that would become paths or targets
    ({"campaign": "../x"}, ["campaign: '../x'", "lower-case letters"]),
    ({"campaign": "quick\n"}, ["campaign: ", "lower-case letters"]),
    ({"campaign": "x" * 300}, ["campaign: ", "at most 60 characters"]),
    ({"campaign": "data"}, ["campaign: 'data'", "choose another name"]),
    ({"studies__all": STUDY}, ["studies.all: ", "choose another name"]),
    ({"studies__tabulate_study": STUDY}, ["rule of the workflow"]),
    ({"studies__a/b": STUDY}, ["studies: 'a/b'", "lower-case letters"]),
    ({"studies__sizes__figures": {"a/../b": None}}, ["studies.sizes.figures: 'a/../b'", "lower-case letters"]),
    ({"models__a\nb": {"name": "mlp"}}, ["models: 'a", "letters, digits"]),
    # kinds of values
    ({"epochs": True}, ["epochs: true", "integer"]),
    ({"epochs": 3.5}, ["epochs: 3.5", "integer"]),
    ({"epochs": float("nan")}, ["epochs: NaN"]),
    ({"epochs": 10**400}, ["epochs: 1000", "numbers up to"]),
    ({"seeds": {"count": 10**9}}, ["seeds.count: ", "10000 at most"]),
    ({"title": ["a"]}, ['title: ["a"]', "text"]),
    ({"models": {1: {"name": "mlp"}}}, ["models: the key 1 is not text", "quotes"]),
    ({"optimizers__sgd__learning_rate": "1e-3"}, ["sgd.learning_rate: '1e-3'", "write 0.001 without quotes"]),
    ({"optimizers__sgd__learning_rate": float("inf")}, ["optimizers.sgd.learning_rate: Infinity"]),
    ({"studies": {}}, ["studies: ", "at least one"]),
    ({"studies": [1]}, ["studies: [1]", "mapping"]),
    ({"studies__sizes__arms__fixed": {"batch_size": [16, 16]}}, ["fixed.batch_size", "without repeated values"]),
    ({"studies__sizes__arms__fixed": {"batch_size": MANY, "micro_batch": MANY}}, ["fixed: ", "39601 arms", "10000"]),
    ({"studies__sizes__arms__fixed": {"accumulation": "small"}}, ["fixed.accumulation: 'small'", "integer"]),
    ({"studies__sizes__arms__fixed": {"precision": "float16"}}, ["fixed.precision", "float32, float64"]),
    (
        {"studies__sizes__arms__fixed": {"learning_rate": 1e-320, "learning_rate_factor": 1e-9}},
        ["rate: comes out as 0"],
    ),
    ({"studies__sizes__reference": {"batch_size": "smal"}}, ["studies.sizes.reference.batch_size", "'smal'", "small"]),
    # texts
    ({"studies__sizes__figures__accuracy__title": "B = {"}, ["figures.accuracy.title: ", "{{ and }}"]),
    ({"studies__sizes__figures__accuracy__title": "{0}"}, ["{0} is not defined", "epochs"]),
    ({"studies__sizes__figures__accuracy__title": "{seeds:>999999999}"}, ["{seeds} takes no format"]),
    ({"studies__sizes__figures__accuracy__title": "{seeds.real}"}, ["{seeds.real} is not defined"]),
    ({"studies__sizes__arms__fixed": {"label": "{b}"}}, ["arms.fixed.label: {b} is not defined", "B, K"]),
    # columns, which would show after the training only
    ({"studies__sizes__figures__accuracy__y": "test_acuracy"}, ["accuracy.y: ", "did you mean 'test_accuracy'"]),
    ({"studies__sizes__figures__accuracy__y": ["test_loss", "norm"]}, ["accuracy.y: unknown column of table history"]),
    ({"studies__sizes__figures__accuracy__where": {"epok": 3}}, ["accuracy.where.epok: ", "did you mean 'epoch'"]),
    ({"studies__sizes__claims__lower__minus": {"batchsize": 3}}, ["lower.minus.batchsize: ", "'batch_size'"]),
    ({"studies__sizes__reference": {"seed": 3}}, ["studies.sizes.reference: ", "column of table arms 'seed'"]),
    ({"studies__sizes__claims__alone": ALONE}, ["claims.alone: test ratio needs `minus`"]),
    ({"studies__sizes__claims__lower__test": "equal"}, ["claims.lower: expect 'less' is not allowed with test equal"]),
    ({"studies__sizes__claims__lower__expect": "equal"}, ["claims.lower: expect equal needs a margin"]),
    ({"studies__sizes__claims__lower__published_value": 3}, ["claims.lower: published_value needs a margin"]),
    ({"studies__sizes__claims__lower__expect": {"mn": 3}}, ["lower.expect: unknown key 'mn'", "'min'"]),
    # filters that no row will meet
    ({"studies__sizes__figures__accuracy__where": {"recipe": "fixd"}}, ["where.recipe: ", "did you mean 'fixed'"]),
    ({"studies__sizes__figures__accuracy__where": {"batch_size": 17}}, ["where.batch_size: no row", "has 17"]),
    ({"studies__sizes__figures__accuracy__where": {"epoch": {"min": 99}}}, ["where.epoch: no row", "there will be 0"]),
    ({"studies__sizes__claims__lower__of": {"optimizer": "sdg"}}, ["lower.of.optimizer: ", "did you mean 'sgd'"]),
    ({"studies__sizes__claims__lower__minus": {"seed": 99}}, ["lower.minus.seed: no row", "there will be 0, 1"]),
    ({"studies__sizes__claims__lower__minus": {"epoch": "lst"}}, ["minus.epoch: ", "'lst'", "did you mean 'last'"]),
    ({"studies__sizes__claims__lower__minus": {"seed": "last"}}, ["minus.seed: ", "'last'", "first, numbers"]),
    ({"studies__sizes__reference": {"batch_size": 17}}, ["sizes.reference.batch_size: no row of table arms"]),
    # filters of the wrong kind, on a table whose rows nobody foresees
    (
        {"studies__switch__claims": {"mine": OF_NORMS | {"of": {"norm": "large"}}}},
        ["mine.of.norm: 'large' is not a number, but norm holds numbers"],
    ),
    (
        {"studies__switch__claims": {"mine": OF_NORMS | {"of": {"norm": {"min": "large"}}}}},
        ["mine.of.norm.min: 'large' is not possible", "number"],
    ),
    (
        {"studies__switch__claims": {"mine": OF_NORMS | {"of": {"method": {"min": 1}}}}},
        ["mine.of.method: a range needs numbers", "list those you mean"],
    ),
    # keys that a chart does not read
    (
        {"studies__sizes__figures__accuracy__sort": "value"},
        ["figures.accuracy: unknown setting of curves 'sort'", "allowed: caption, chart, colour, dash"],
    ),
    ({"studies__sizes__figures__accuracy__color": "arm"}, ["setting of curves 'color'", "did you mean 'colour'"]),
    (
        {"studies__sizes__figures__accuracy__chart": "curve"},
        ["accuracy.chart: unknown value 'curve'", "did you mean 'curves'"],
    ),
    (
        {
            "studies__sizes__figures__accuracy": {
                "chart": "points",
                "title": "",
                "caption": "",
                "table": "history",
                "y": "epoch",
            }
        },
        ["figures.accuracy: the key 'x' is missing; points needs it"],
    ),
    # two tables
    (
        {"studies__sizes__figures__accuracy__table": ["history", "arm"]},
        ["accuracy.table: unknown table 'arm'", "'arms'"],
    ),
    (
        {"studies__sizes__figures__accuracy__table": ["history", "arms", "summary"]},
        ["accuracy.table: ", "a list of 2 at most"],
    ),
    (
        {
            "studies__sizes__figures__accuracy__table": ["history", "arms"],
            "studies__sizes__figures__accuracy__y": "norm",
        },
        ["accuracy.y: unknown column of table history and arms 'norm'"],
    ),
    # derived tables
    (
        {"studies__sizes__tables": {"mine": {"derivation": "norm_summary"}}},
        ["tables.mine.derivation: ", "gradient_norm_summary"],
    ),
    (
        {"studies__sizes__tables": {"mine": {"derivation": "gradient_norm_summary"}}},
        ["tables.mine: gradient_norm_summary is made of the table 'gradient_norms'", "add its probe"],
    ),
    (
        {"studies__switch__tables": {"history": {"derivation": "gradient_norm_summary"}}},
        ["has a table 'history' already"],
    ),
    (
        {"references": {"mine": {"authors": ["A. Nobody"], "year": 2026, "title": "Untitled"}}},
        ["references.mine: ", "a mapping with doi or arxiv or url"],
    ),
    ({"studies__sizes__experiments": ["X1"]}, ["sizes.experiments[0]: 'X1'", "E or M and a number"]),
    # options
    ({"models__mlp__hidden": "64"}, ["models.mlp.hidden: '64'", "list of integers"]),
    ({"models__mlp__hidden": [0]}, ["models.mlp.hidden: [0]", "1 or more"]),
    ({"models__mlp__dropout": 1}, ["models.mlp.dropout: 1", "less than 1"]),
    ({"models__mlp__activation": "rellu"}, ["models.mlp.activation: 'rellu'", "relu"]),
    ({"models__mlp": {"name": "mlp_bn", "ghost_batch": 0}}, ["models.mlp.ghost_batch: 0", "1 or more"]),
    ({"optimizers__sgd__momentum": "0.9"}, ["optimizers.sgd.momentum: '0.9'", "number"]),
    ({"optimizers__sgd__nesterov": 1}, ["optimizers.sgd.nesterov: 1", "true or false"]),
    (
        {"optimizers__sgd": {"name": "sgd", "learning_rate": 0.1, "clipnorm": 1, "clipvalue": 0.5}},
        ["optimizers.sgd: clipnorm and clipvalue exclude each other"],
    ),
    ({"optimizers__sgd__clipnorm": "big"}, ["optimizers.sgd.clipnorm: 'big'", "null or a number"]),
    ({"datasets__digits": {"file": "a\0.npz"}}, ["datasets.digits: ", ".npz"]),
    (
        {"studies__switch__reference": {"recipe": "nobody"}},
        ["reference.recipe: unknown recipe 'nobody'", "constant"],
    ),
    # probes
    (
        {"studies__switch__probes__norms__updates": 3},
        ["norms: ", "setting of gradient_norms 'updates'", "trials"],
    ),
    ({"studies__switch__probes__norms": {"probe": "weight_drift", "epochs": [0]}}, ["probes.norms: the key 'updates'"]),
    ({"studies__switch__probes__norms__batch_sizes": [5000]}, ["probes.norms.batch_sizes: 5000", "1297"]),
    (
        {"studies__switch__probes__norms__batch_sizes": [3]},
        ["batch_sizes: 3 does not divide samples", "divisors"],
    ),
    ({"studies__switch__probes__norms__samples": 2048}, ["probes.norms.samples: 2048", "choose fewer"]),
    (
        {
            "studies__switch__probes__norms": {
                "probe": "weight_drift",
                "epochs": [0],
                "updates": 2,
                "accumulations": [3],
            }
        },
        ["accumulations: K = 3 does not divide B = ", "divisors"],
    ),
]


@pytest.mark.parametrize(("changes", "words"), MISTAKES, ids=[words[0] for _, words in MISTAKES])
def test_a_mistake_is_named_with_the_way_out(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BatchlabError) as caught:
        planned(**changes)
    message = str(caught.value)
    assert message.isprintable()
    for word in words:
        assert word in message


MODEL_FILES: list[tuple[bytes, dict[str, Any], list[str]]] = [
    (b"def build(input_shape, classes:\n", {}, ["is not valid Python", "correct it"]),
    (b"\xff\xfe", {}, ["correct it"]),
    (b"a = '\0'", {}, ["null bytes"]),
    (b"def bild(input_shape, classes): pass", {}, ["no function build(input_shape, classes, **options)"]),
    (b"def build(): pass", {}, ["line 1: build() does not take input_shape and classes"]),
    (b"\ndef build(shape): pass", {}, ["line 2: build(shape) does not take"]),
    (b"def build(s, c, width=3): pass", {"widht": 4}, ["'widht'", "did you mean 'width'"]),
    (b"def build(s, c, width): pass", {}, ["the option 'width'", "missing"]),
    (b"def build(s, c, *, width): pass", {}, ["the option 'width'", "missing"]),
    (b"def build(s, c): pass\ndef my_loss(y, p): pass", {}, ["line 2: my_loss would not be used", "add_loss"]),
    (b"class FocalLoss: pass\ndef build(s, c): pass", {}, ["line 1: FocalLoss would not be used", "take it out"]),
]


@pytest.mark.parametrize(("content", "options", "words"), MODEL_FILES)
def test_a_model_file_is_looked_into_before_anything_runs(
    tmp_path: Path, content: bytes, options: dict[str, Any], words: list[str]
) -> None:
    file = tmp_path / "my.py"
    file.write_bytes(content)
    with pytest.raises(BatchlabError, match=r"^models\.mlp") as caught:
        planned(models__mlp={"file": str(file), **options})
    for word in (*words, "my.py"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "def build(s, c, **options): pass",
        "def build(s, c, width=1): pass",
        "def my_loss(x): pass\ndef build(s, c, width=1): return my_loss",
        "def build(*sizes, width): pass",
        "from other import build",
        "from other import *",
        "build = lambda s, c, width: None",
        "try:\n    import x\nexcept ImportError:\n    def build(s, c, *, width=3): pass",
    ],
)
def test_a_model_file_that_may_work_is_accepted(tmp_path: Path, content: str) -> None:
    (tmp_path / "my.py").write_text(content)
    planned(models__mlp={"file": str(tmp_path / "my.py"), "width": 2})


@pytest.mark.parametrize(
    ("name", "words"), [("", "at least 1"), ("a\0.py", "no file"), ("x.txt", "ends in .py"), ("/tmp", "ends in .py")]
)
def test_a_model_file_that_is_none(name: str, words: str) -> None:
    with pytest.raises(BatchlabError, match=rf"^models\.mlp\.file: .*{re.escape(words)}"):
        planned(models__mlp={"file": name})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", 3),
        ("{a: 1, a: 1}", 1),
        ("x:\n- {b: {c: 1,\n  c: 2}}\n", 3),
        ("x: &y [*y]\nx: 1\n", 2),
    ],
)
def test_a_key_that_stands_twice_is_found(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(BatchlabError, match=rf"mine\.yaml: line {line}: the key .* keep one of them"):
        check_files([tmp_path / "mine.yaml"])


@pytest.mark.parametrize("number", ["0100", "-017", "1:30", "1:30.5"])
def test_a_number_in_another_base_is_found(tmp_path: Path, number: str) -> None:
    (tmp_path / "mine.yaml").write_text(f"a: 0\nb: [0.5, 1e3, '{number}']\nc: [{number}]\n")
    with pytest.raises(BatchlabError, match=rf"mine\.yaml: line 3: YAML does not read {number} as a decimal number"):
        check_files([tmp_path / "mine.yaml"])


def test_the_campaigns_of_the_project_say_nothing_twice() -> None:
    check_files((PROJECT / "config").glob("*.yaml"))


@pytest.mark.parametrize(
    "name", ["all", "figures", "tables", "verify", "crate", "prepare_data", "train_segment", "draw_figure"]
)
def test_no_study_bears_the_name_of_a_rule(name: str) -> None:
    with pytest.raises(BatchlabError, match=rf"^studies\.{name}: '{name}' is a rule of the workflow"):
        planned(**{f"studies__{name}": STUDY})


def test_activations_are_those_of_keras() -> None:
    activations = pytest.importorskip("keras").activations
    helpers = {"deserialize", "get", "serialize"}
    found = {name for name in dir(activations) if name[0] != "_" and callable(getattr(activations, name))}
    assert found - helpers == set(ACTIVATIONS)
