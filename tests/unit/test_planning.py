"""The promises of planning: sharing, chains, identities, and errors in one line."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unit.campaigns import RAW, planned, raw

from batchlab.configuration.campaign import load
from batchlab.errors import BatchlabError
from batchlab.planning import plan
from batchlab.planning.jobs import Jobs
from batchlab.planning.parts import Plan, seed_blocks, seeds_of
from batchlab.planning.recipes import filter_of
from batchlab.planning.report_settings import report_spec
from batchlab.planning.specs import figure_drawing_spec, study_identity, tables_spec
from batchlab.planning.texts import fill

PROJECT = Path(__file__).resolve().parents[2]


def names(**changes: Any) -> set[str]:
    return set(planned(**changes).segments)


def chain(study: str, arm: str, **changes: Any) -> list[str]:
    arms = planned(**changes).studies[study].arms
    return [segment.name for segment in next(a for a in arms if a.recipe.arm == arm).chain]


def test_studies_share_the_same_training() -> None:
    assert chain("sizes", "fixed-b16") == chain("switch", "constant")
    # initial weights, two sizes, and the switched arm's two phases
    assert len(names()) == 5


def test_labels_and_names_are_outside_the_identity() -> None:
    renamed = raw(campaign="other", title="Another title")
    renamed["studies"]["sizes"]["title"] = "New"
    renamed["studies"]["sizes"]["arms"] = {"again": {"batch_size": [256, 16], "label": "x"}}
    renamed["models"] = {"mlp": {"hidden": [8], "name": "mlp", "activation": "relu"}}  # a default written out
    renamed["optimizers"]["sgd"]["learning_rate"] = 1e-1
    renamed["studies"]["renamed"] = renamed["studies"].pop("switch")
    assert set(plan(load(renamed)).segments) == names()


def test_model_and_learning_rate_are_inside() -> None:
    assert not names(models__mlp={"name": "mlp", "hidden": [9]}) & names()
    # the initial weights do not depend on the optimizer
    assert len(names(optimizers__sgd={"name": "sgd", "learning_rate": 0.2}) & names()) == 1


def only_arm(**recipe: Any) -> Plan:
    """Return the plan in which the study `sizes` has one arm and no claim about others."""
    return planned(
        studies__sizes__arms={"a": recipe}, studies__sizes__claims={}, studies__sizes__reference={"recipe": "a"}
    )


def test_swapped_values_are_different_trainings() -> None:
    first = only_arm(batch_size=64, accumulation=16)
    second = only_arm(batch_size=16, accumulation=8)
    third = only_arm(batch_size=8, accumulation=8)
    assert len(set(first.segments) ^ set(second.segments)) == 2
    assert set(second.segments) != set(third.segments)


def test_changing_a_second_phase_keeps_the_first() -> None:
    before = chain("switch", "switched")
    phases = [{"epochs": 2, "batch_size": "large"}, {"epochs": 4, "batch_size": "small", "learning_rate_factor": 2}]
    after = chain("switch", "switched", studies__switch__arms__switched={"phases": phases})
    assert before[:2] == after[:2] and before[2] != after[2]


def test_an_added_snapshot_keeps_what_precedes_it() -> None:
    before = chain("switch", "switched", studies__switch__probes={})
    after = chain("switch", "switched", studies__switch__probes={}, studies__switch__snapshots=[4])
    assert before[:2] == after[:2] and len(after) == len(before) + 1


def test_longer_training_continues_from_a_snapshot() -> None:
    short = chain("sizes", "fixed-b16", studies__sizes__snapshots=[3])
    long = chain("sizes", "fixed-b16", studies__sizes__snapshots=[3], epochs=9)
    assert short[:2] == long[:2]


def test_added_seeds_make_new_blocks() -> None:
    assert seed_blocks(0, 5, 5) == ("0-4",)
    assert seed_blocks(0, 12, 5) == ("0-4", "5-9", "10-11")
    assert [seed for block in seed_blocks(3, 8, 3) for seed in seeds_of(block)] == list(range(3, 11))


def test_an_arm_may_have_more_seeds_than_its_study() -> None:
    def with_seeds(**more: Any) -> Plan:
        return planned(
            run=["sizes"],
            studies__sizes={
                "title": "Sizes",
                "question": "?",
                "arms": {"few": {"batch_size": "small"}, "many": {"batch_size": "large", **more}},
                "probes": {"norms": {"probe": "gradient_norms", "epochs": ["last"]}},
            },
        )

    def blocks(plan: Plan, rule: str) -> dict[int, list[str]]:
        jobs = [job for job in Jobs(plan) if job.rule == rule]
        return {size: [job.wildcards["block"] for job in jobs if job.spec["batch_size"] == size] for size in (16, 256)}

    more, same = with_seeds(seeds=5), with_seeds()
    own = {16: ["0-1"], 256: ["0-1", "2-3", "4-4"]}
    assert {arm.recipe.phases[0].batch_size: list(arm.blocks) for arm in more.studies["sizes"].arms} == own
    assert blocks(more, "train_segment") == own and blocks(more, "measure_probe") == own
    spec = tables_spec(more, "sizes")
    assert [len(arm["segments"][0]) for arm in spec["arms"]] == [1, 3]
    assert [probe["folder"].rpartition("seeds-")[2] for probe in spec["probes"]] == [*own[16], *own[256]]
    # Trainings are the same ones; the study is another one.
    assert set(more.segments) == set(same.segments)
    assert study_identity(more, "sizes") != study_identity(same, "sizes")


def test_two_arms_with_other_seeds_are_not_compared_by_a_probe() -> None:
    probe = {"probe": "interpolation", "arms": {"recipe": "many"}, "against": {"recipe": "few"}, "epochs": ["last"]}
    study = {"title": "Sizes", "question": "?", "probes": {"line": probe}}
    arms = {"few": {"batch_size": "small"}, "many": {"batch_size": "large", "seeds": 3}}
    with pytest.raises(BatchlabError, match=r"against: arm few has the seeds 0-1, arm many has 0-1, 2-2; compare"):
        planned(run=["sizes"], studies__sizes={**study, "arms": arms})


def test_positions_are_exact_examples() -> None:
    segment = only_arm(batch_size=256, updates=13).studies["sizes"].arms[0].chain[-1]
    examples = 1297
    assert math.ceil(examples / 256) == 6
    assert segment.spec["stop"] == 2 * examples + 256


def test_rules_of_the_learning_rate() -> None:
    study = only_arm(batch_size="large", learning_rate_rule=["constant", "sqrt", "linear"]).studies["sizes"]
    rates = [arm.recipe.phases[0].learning_rate for arm in study.arms]
    assert rates == pytest.approx([0.1, 0.1 * 4, 0.1 * 16])


def test_names_of_batch_sizes_stand_for_numbers_in_filters() -> None:
    """Of every column that counts the examples of a batch, in a number, a list and a range."""
    sizes = {"micro_batch": "large", "batch_size": {"min": "small", "max": "large"}}
    found = filter_of(RAW, "here", sizes | {"seed": [0], "recipe": "large"})
    assert found == {"micro_batch": 256, "batch_size": {"min": 16, "max": 256}, "seed": [0], "recipe": "large"}
    assert filter_of(RAW, "here", {"micro_batch": ["small", 4]}) == {"micro_batch": [16, 4]}


def test_texts_quote_the_configuration() -> None:
    study = planned().studies["sizes"]
    assert study.figures["accuracy"]["title"] == "Accuracy at B = 16"
    assert study.figures["accuracy"]["caption"] == "MLP on Digits (8×8), 2 seeds"
    assert study.claims["lower"]["of"]["batch_size"] == 256


def test_a_title_changes_one_figure_only() -> None:
    before, after = planned(), planned(studies__sizes__figures__accuracy__title="Other")
    assert tables_spec(before, "sizes") == tables_spec(after, "sizes")
    assert figure_drawing_spec(before, "sizes", "accuracy") != figure_drawing_spec(after, "sizes", "accuracy")
    assert report_spec(before) != report_spec(after)


def test_probes_of_all_epochs_have_their_snapshots() -> None:
    study = planned().studies["switch"]
    assert [epoch for _, epoch, _ in study.probes] == [0, 2, 6]
    stops = [planned().segments[probe.segment].spec.get("stop", 0) for _, _, probe in study.probes]
    assert stops == [0, 2 * 1297, 6 * 1297]
    # what follows epoch 2 is the second phase
    assert [probe.spec["batch_size"] for _, _, probe in study.probes] == [256, 16, 16]


def test_a_probe_follows_the_first_phase_where_phases_are_counted_in_updates() -> None:
    arms = {"switched": {"phases": [{"updates": 3, "batch_size": "large"}, {"updates": 9, "batch_size": "small"}]}}
    probes = {"norms": {"probe": "gradient_norms", "epochs": [0, "last"]}}
    study = planned(studies__switch__arms=arms, studies__switch__probes=probes).studies["switch"]
    assert [probe.spec["batch_size"] for _, _, probe in study.probes] == [256, 16]


ERRORS = [
    (
        {"studies__sizes__arms__fixed": {"batchsize": 3}},
        "studies.sizes.arms.fixed: unknown key 'batchsize'",
        "batch_size",
    ),
    ({"epochz": 3}, "unknown key 'epochz'", "epochs"),
    ({"epochs": "many"}, "epochs: 'many'", "integer"),
    ({"epochs": 0}, "epochs: 0", "1 or more"),
    ({"precision": "float16"}, "precision: unknown value 'float16'", "float32"),
    ({"studies__sizes__arms__fixed": {"batch_size": 16, "accumulation": 3}}, "K = 3 does not divide", "1, 2, 4, 8, 16"),
    ({"studies__sizes__arms__fixed": {"batch_size": 5000}}, "5000 is larger", "1297"),
    ({"studies__sizes__arms__fixed": {"batch_size": "smal"}}, "unknown batch size 'smal'", "small"),
    ({"studies__sizes__arms__fixed": {"micro_batch": 5}}, "5 does not divide", "divisor"),
    (
        {"studies__sizes__arms__fixed": {"epochs": 3, "phases": [{"epochs": 1}]}},
        "have lengths of their own",
        "take it out",
    ),
    (
        {"studies__sizes__arms__fixed": {"updates": 9, "phases": [{"epochs": 1}]}},
        "have lengths of their own",
        "take it out",
    ),
    ({"studies__sizes__snapshots": [500]}, "500 epochs are more than any arm trains for", "the longest has"),
    (
        {"studies__sizes__evaluate": {"at": [1, 90_000], "unit": "updates"}},
        "90000 updates are more than",
        "the longest has",
    ),
    (
        {"studies__sizes__arms__fixed": {"phases": [{"epochs": 1, "accumulation": 2, "micro_batch": 8}]}},
        "micro_batch",
        "accumulation",
    ),
    ({"model": "mpl"}, "unknown model 'mpl'", "mlp"),
    ({"models__mlp": {"name": "mlpp"}}, "unknown model 'mlpp'", "mlp"),
    ({"models__mlp": {"name": "mlp", "hiden": [3]}}, "'hiden'", "hidden"),
    ({"models__mlp": {"file": "nowhere.py"}}, "nowhere.py", "models.mlp.file"),
    ({"optimizers__sgd": {"name": "sgd", "learning_rate": 0.1, "momentun": 0.9}}, "'momentun'", "momentum"),
    ({"optimizers__sgd": {"name": "sgd", "learning_rate": 0.1, "use_ema": True}}, "sgd.use_ema: is not", "take it out"),
    ({"optimizers__sgd": {"name": "sgd"}}, "learning_rate", "missing"),
    ({"optimizers__sgd": {"name": "sgd", "learning_rate": 0}}, "optimizers.sgd.learning_rate: 0", "more than 0"),
    ({"run": ["nothing"]}, "unknown study 'nothing'", "sizes"),
    ({"studies__sizes__figures__accuracy__caption": "{nothing}"}, "{nothing} is not defined", "epochs"),
    ({"studies__sizes__figures__accuracy__table": "historie"}, "unknown table 'historie'", "history"),
    ({"studies__sizes__claims__lower__figure": "accurcy"}, "unknown figure 'accurcy'", "accuracy"),
    ({"studies__switch__probes__norms__epochs": [7]}, "no epoch 7", "norms"),
    ({"studies__switch__probes__norms__arms": {"recipe": "none"}}, "no arm of the study matches", "norms"),
    (
        {
            "studies__switch__probes": {
                "norms": {"probe": "gradient_norms", "epochs": [0]},
                "late": {"probe": "gradient_norms", "epochs": [6], "arms": {"recipe": "none"}},
            }
        },
        "studies.switch.probes.late.arms: no arm",
        "matches",
    ),
    (
        {"studies__switch__arms": {"a": {"batch_size": 16, "phases": [{"updates": 3}, {"epochs": 2}]}}},
        "starts within an epoch",
        "give updates",
    ),
    ({"datasets__digits": {"name": "digitz"}}, "digitz", "digits"),
    ({"datasets__digits": {"file": "missing.npz"}}, "missing.npz", "datasets"),
]


@pytest.mark.parametrize(("changes", "problem", "way_out"), ERRORS, ids=[problem for _, problem, _ in ERRORS])
def test_wrong_input_is_one_line_with_the_way_out(changes: dict[str, Any], problem: str, way_out: str) -> None:
    with pytest.raises(BatchlabError) as caught:
        planned(**changes)
    message = str(caught.value)
    assert "\n" not in message
    assert problem in message and way_out in message


def test_planning_imports_the_standard_library_only() -> None:
    code = (
        "import sys; sys.path.insert(0, 'scripts');"
        "import batchlab.planning, batchlab.configuration.campaign, batchlab.planning.specs, batchlab.records.digests;"
        "print(sorted(m for m in ('tensorflow', 'keras', 'pandas', 'numpy', 'scipy', 'altair') if m in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_report_tells_how_many_examples_are_trained_on() -> None:
    whole, part = (
        planned(run=["sizes"], datasets={"digits": {"name": "digits", **more}}) for more in ({}, {"examples": 500})
    )
    assert [report_spec(each)["data"][0]["examples"][0] for each in (whole, part)] == [1297, 500]


def test_a_phase_with_an_accumulation_of_its_own_has_it() -> None:
    arm = {"micro_batch": 8, "phases": [{"epochs": 1, "batch_size": 64, "accumulation": 2}, {"epochs": 1}]}
    [found] = planned(studies__switch__arms={"fixed": arm}, studies__switch__probes={}).studies["switch"].arms
    assert [phase.accumulation for phase in found.recipe.phases] == [2, found.recipe.phases[1].batch_size // 8]


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1 epoch, 1 seed; 21 epochs; 1 epochal"), (21, "21 epochs, 21 seeds; 21 epochs; 21 epochal")],
)
def test_one_of_what_a_text_counts_has_no_plural(count: int, text: str) -> None:
    assert fill("title", "{n} epochs, {n} seeds; 21 epochs; {n} epochal", {"n": count}) == text
