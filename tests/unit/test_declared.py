"""A declaration is all that planning needs: probes, charts and derivations of the test's own beside those there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from unit.campaigns import planned

from batchlab.configuration.schema import schema
from batchlab.declarations import find
from batchlab.declarations.chart import Chart
from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import OPTIONAL, Choice, ColumnName, Count, Flag, Text
from batchlab.declarations.probe import Probe, Reads, Situation
from batchlab.errors import BatchlabError
from batchlab.planning.jobs import Jobs
from batchlab.planning.specs import claims_spec, figure_data_spec
from batchlab.planning.study_settings import figure_spec_without_defaults, probe_spec_without_defaults

Add = Callable[..., None]


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Iterator[Add]:
    """Return a function that adds declarations by group, such as `probes={"mine": Probe(…)}`."""

    def added(**groups: Mapping[str, Any]) -> None:
        for group, new in groups.items():
            there = getattr(find, group)()
            monkeypatch.setattr(find, group, lambda there=there, new=new: {**there, **new})
        schema.cache_clear()

    yield added
    monkeypatch.undo()
    schema.cache_clear()


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    return {"depth": f"{options['depth']} is more than B = {situation.batch_size}"} if options["depth"] > 100 else {}


def probe(reads: Reads = Reads.ONE) -> Probe:
    columns = (
        "study",
        "arm",
        "epoch",
        "seed",
        Column("height", "h", kind="number"),
        Column("space", "s", "text"),
        "probe",
    )
    return Probe(
        summary="a landscape",
        reads=reads,
        options=(
            Count("depth", "how deep", 3),
            Choice("space", "where", "full", column="space", words=("full", "subspace")),
        ),
        tables=(Table("landscape", "one place", columns),),
        faults=_faults,
        experiments=("E99",),
    )


def study(**changes: Any) -> dict[str, Any]:
    own = {"probe": "landscape", "epochs": [6, 0, 2], "arms": {"recipe": "switched"}}
    return {"studies__switch__probes": {"mine": {**own, **changes}}}


def test_a_probe_of_one_snapshot_measures_each(add: Add) -> None:
    add(probes={"landscape": probe()})
    plan = planned(**study())
    assert [epoch for _, epoch, _ in plan.studies["switch"].probes] == [0, 2, 6]
    assert [len(found.segments) for found in plan.probes.values()] == [1, 1, 1]


def test_a_probe_of_pairs_measures_consecutive_snapshots(add: Add) -> None:
    add(probes={"landscape": probe(Reads.PAIR)})
    plan = planned(**study())
    chain = [segment.name for segment in plan.studies["switch"].arms[1].chain]
    assert [found.segments for found in plan.probes.values()] == [(chain[0], chain[1]), (chain[1], chain[2])]
    assert [found.spec["positions"] for found in plan.probes.values()] == [[0, 2594], [2594, 7782]]
    assert [epoch for _, epoch, _ in plan.studies["switch"].probes] == [2, 6]
    with pytest.raises(BatchlabError, match=r"^studies\.switch\.probes\.mine\.epochs: landscape compares snapshots"):
        planned(**study(epochs=[2]))


def test_a_probe_of_all_snapshots_measures_once(add: Add) -> None:
    add(probes={"landscape": probe(Reads.ALL)})
    plan = planned(**study())
    (found,) = plan.probes.values()
    assert found.segments == tuple(segment.name for segment in plan.studies["switch"].arms[1].chain)
    assert found.spec["position"] == 7782 and found.spec["positions"] == [0, 2594, 7782]
    (other,) = planned(**study(epochs=[2, 6])).probes.values()
    assert other.name != found.name


def test_a_probe_of_two_arms_reads_the_other_ones_snapshot_first(add: Add) -> None:
    add(probes={"landscape": probe(Reads.ARMS)})
    plan = planned(**study(epochs=["last"], against={"recipe": "constant"}))
    constant, switched = (arm.chain for arm in plan.studies["switch"].arms)
    (found,) = plan.probes.values()
    assert found.segments == (constant[-1].name, switched[-1].name)
    assert found.spec["positions"] == [constant[-1].spec["stop"], switched[-1].spec["stop"]]
    assert found.spec["batch_size"] == switched[-1].spec["batch_size"]
    # The other arm is cut where it is read, too.
    plan = planned(**study(epochs=[1], against={"recipe": "constant"}))
    (found,) = plan.probes.values()
    assert found.spec["positions"] == [1297, 1297]


@pytest.mark.parametrize(
    ("reads", "changes", "message"),
    [
        (Reads.ARMS, {}, "against: landscape compares two arms; name the other one"),
        (Reads.ARMS, {"against": {"batch_size": 128}}, "against: must name one arm of the study, matches none"),
        (Reads.ARMS, {"against": {"recipe": "switched"}}, "against: arm switched is compared with itself"),
        (Reads.ARMS, {"against": {"precision": "float32"}}, "against: must name one arm of the study, matches con"),
    ],
)
def test_what_a_probe_of_two_arms_cannot_compare_is_refused(
    add: Add, reads: Reads, changes: dict[str, Any], message: str
) -> None:
    add(probes={"landscape": probe(reads)})
    with pytest.raises(BatchlabError, match=rf"^studies\.switch\.probes\.mine\.{message}"):
        planned(**study(**{"epochs": ["last"], **changes}))


def test_a_probe_of_one_arm_compares_with_no_other(add: Add) -> None:
    add(probes={"landscape": probe()})
    with pytest.raises(BatchlabError, match=r"mine: unknown setting of landscape 'against'; allowed: arms, depth"):
        planned(**study(against={"recipe": "constant"}))


def test_two_arms_are_compared_at_as_many_epochs_of_the_same_weights(add: Add) -> None:
    add(probes={"landscape": probe(Reads.ARMS)})
    against = study(epochs=[3, "last"], against={"recipe": "constant"})
    shorter = {"batch_size": "small", "epochs": 3}
    with pytest.raises(BatchlabError, match=r"epochs: 2 epochs of arm switched, 1 of arm constant"):
        planned(**against, studies__switch__arms__constant=shorter)
    precise = {"batch_size": "small", "precision": "float64"}
    with pytest.raises(BatchlabError, match=r"arm constant has precision float64, arm switched has float32"):
        planned(**against, studies__switch__arms__constant=precise)


def test_options_of_a_probe_are_completed_and_identified_without_defaults(add: Add) -> None:
    add(probes={"landscape": probe()})
    plain, written = planned(**study(epochs=[0])), planned(**study(epochs=[0], depth=3, space="full"))
    assert plain.probes == written.probes
    (found,) = plain.probes.values()
    assert found.spec["probe"] == {"name": "landscape", "depth": 3, "space": "full"}
    assert probe_spec_without_defaults(found.spec)["probe"] == {"name": "landscape"}
    (deeper,) = planned(**study(epochs=[0], depth=4)).probes.values()
    assert deeper.identity != found.identity and probe_spec_without_defaults(deeper.spec)["probe"]["depth"] == 4


def test_a_new_option_with_a_default_changes_no_measurement(add: Add) -> None:
    before = planned().probes
    norms = find.probes()["gradient_norms"]
    add(probes={"gradient_norms": dataclasses.replace(norms, options=(*norms.options, Flag("twice", "two", False)))})
    after = planned().probes
    assert list(after) == list(before)
    assert all(found.spec["probe"]["twice"] is False for found in after.values())
    assert [probe_spec_without_defaults(found.spec) for found in after.values()] == [
        probe_spec_without_defaults(found.spec) for found in before.values()
    ]
    changed = planned(studies__switch__probes__norms__twice=True).probes
    assert not set(changed) & set(before)


def test_results_stay_current_where_an_option_was_added(add: Add) -> None:
    norms, curves = find.probes()["gradient_norms"], find.charts()["curves"]
    before = list(Jobs(planned()))
    add(
        probes={"gradient_norms": dataclasses.replace(norms, options=(*norms.options, Flag("twice", "two", False)))},
        charts={"curves": dataclasses.replace(curves, options=(*curves.options, Count("lines", "how many", 5)))},
    )
    after = list(Jobs(planned()))
    assert [job.name for job in after] == [job.name for job in before]
    other = [new.kind for old, new in zip(before, after, strict=True) if new.spec != old.spec]
    assert set(other) == {"probes", "drawn", "figures"}
    for old, new in zip(before, after, strict=True):
        assert new.compared(old.spec) == new.compared(new.spec)
    used = planned(studies__switch__probes__norms__twice=True, studies__sizes__figures__accuracy__lines=6)
    pairs = zip(before, Jobs(used), strict=True)
    changed = {new.kind for old, new in pairs if new.compared(old.spec) != new.compared(new.spec)}
    assert {"probes", "drawn", "figures"} <= changed and "segments" not in changed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"dept": 4},
            "mine: unknown setting of landscape 'dept'; did you mean 'depth'? allowed: arms, depth, epochs, ",
        ),
        (
            {"trials": 4},
            "mine: unknown setting of landscape 'trials'; allowed: arms, depth, epochs, probe, seeds, space",
        ),
        ({"space": "ful"}, "mine.space: unknown value 'ful'; did you mean 'full'? allowed: full, subspace"),
        ({"depth": 0}, "mine.depth: 0 is not possible; allowed: 1 or more"),
        ({"depth": 101}, "mine.depth: 101 is more than B = 256"),
    ],
)
def test_mistakes_in_the_options_of_a_probe(add: Add, changes: dict[str, Any], message: str) -> None:
    add(probes={"landscape": probe()})
    with pytest.raises(BatchlabError) as caught:
        planned(**study(**changes))
    assert f"studies.switch.probes.{message}" in str(caught.value)


def figure(**own: Any) -> dict[str, Any]:
    return {"title": "t", "caption": "{depth} deep", "table": "landscape", **own}


def test_columns_texts_and_rows_follow_from_the_declaration(add: Add) -> None:
    chart = Chart(
        "a map", (ColumnName("height", "drawn"), Text("words", "beside it", OPTIONAL), Count("lines", "n", 5))
    )
    add(probes={"landscape": probe()}, charts={"relief": chart})
    own = {"chart": "relief", "height": "height", "words": "B = {small}", "where": {"space": "full"}}
    changes = study()
    plan = planned(**changes, studies__switch__figures={"relief": figure(**own)})
    drawn = plan.studies["switch"].figures["relief"]
    assert drawn["caption"] == "3 deep" and drawn["words"] == "B = 16" and drawn["lines"] == 5
    assert "lines" not in figure_spec_without_defaults(drawn) and figure_spec_without_defaults(drawn)["words"]
    for wrong, message in (
        ({"height": "hight"}, "relief.height: unknown column of table landscape 'hight'; did you mean 'height'?"),
        ({"where": {"space": "subspace"}}, "relief.where.space: unknown space 'subspace'"),
        ({"y": "height"}, "relief: unknown setting of relief 'y'"),
    ):
        with pytest.raises(BatchlabError) as caught:
            planned(**changes, studies__switch__figures={"relief": figure(**{**own, **wrong})})
        assert f"studies.switch.figures.{message}" in str(caught.value)


def test_a_study_derives_tables(add: Add) -> None:
    best = Derivation(
        summary="the best epoch",
        reads=("history",),
        options=(ColumnName("metric", "which", "test_accuracy"), Count("places", "how many", 1)),
        table=Table(
            "best", "one run", ("study", "arm", "seed", Column("value", "v"), "recipe"), ("study", "arm", "seed")
        ),
    )
    add(derivations={"best": best})
    claim = dict.fromkeys(("statement", "source", "published"), "")
    claim |= {
        "test": "level",
        "table": ["loss", "history"],
        "value": "value",
        "expect": "less",
        "aggregate": "max",
        "of": {"recipe": "fixed"},
    }
    changes: dict[str, Any] = {
        "studies__sizes__tables": {"loss": {"derivation": "best", "metric": "test_loss"}},
        "studies__sizes__claims": {"low": claim},
    }
    found = planned(**changes).studies["sizes"]
    assert found.derived["loss"].options == {"metric": "test_loss", "places": 1}
    assert found.derived["loss"].reads == ("history",) and found.tables["loss"].name == "loss"
    for place, value, message in (
        ("tables", {"loss": {"derivation": "best", "metric": "test_los"}}, "tables.loss.metric: unknown column"),
        ("tables", {"loss": {"derivation": "best", "metrik": "test_loss"}}, "tables.loss: unknown setting of best"),
        ("claims", {"low": {**claim, "of": {"recipe": "none"}}}, "claims.low.of.recipe: unknown recipe 'none'"),
        (
            "claims",
            {"low": {**claim, "table": ["loss", "arms"], "value": "x"}},
            "claims.low.value: unknown column of table loss and arms",
        ),
        ("claims", {"low": {**claim, "table": ["loss", "comparisons"]}}, "claims.low.table: loss and comparisons both"),
    ):
        with pytest.raises(BatchlabError) as caught:
            planned(**{**changes, f"studies__sizes__{place}": value})
        assert str(caught.value).startswith(f"studies.sizes.{message}")


def test_formulas_of_derived_columns_are_settings_of_those_that_name_them() -> None:
    claim = dict.fromkeys(("statement", "source", "published"), "")
    claim |= {"test": "level", "table": "history", "value": "test_loss", "expect": "less"}
    claim["of"] = {"seconds_per_epoch": {"max": 1}}
    plan = planned(studies__sizes__figures__accuracy__y="generalisation_gap", studies__sizes__claims={"quick": claim})
    assert figure_data_spec(plan, "sizes", "accuracy")["derived"] == {
        "generalisation_gap": "train_accuracy - test_accuracy"
    }
    assert claims_spec(plan, "sizes")["derived"] == {"seconds_per_epoch": "seconds / epoch"}
    assert figure_data_spec(planned(), "sizes", "accuracy")["derived"] == {}
