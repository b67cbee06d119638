"""The answer for scripts and for people, and which settings an adviser campaign trains."""

from __future__ import annotations

import json
import math
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from unit.campaigns import raw
from unit.test_choices import GRID, tables
from unit.test_report import SVG

from batchlab.configuration.advise_key import budget_in_seconds
from batchlab.configuration.campaign import read
from batchlab.errors import BatchlabError
from batchlab.planning import plan
from batchlab.planning.advised_grid import advised
from batchlab.planning.jobs import Jobs
from batchlab.report.advice_page import render_advice
from batchlab.report.advice_schema import schema
from batchlab.report.advising import answer, duration, headline, knee_in_words, sentences, warnings
from batchlab.report.cells import rows_of
from batchlab.report.template.answer_page import LOSSES, SNIPPET
from batchlab.report.wording import told
from batchlab.rounds.round_file import Round, keep
from batchlab.rounds.training_speed import Setting
from batchlab.tables.csv_files import write_csv
from batchlab.tables.derivations.batch_by_noise.derive import derive as noise_rules
from batchlab.tables.derivations.knee.derive import derive as knee_of
from batchlab.tables.derivations.knee.derive import knee
from batchlab.tables.derivations.thumb_rules.derive import derive as rules_of

Grid = dict[tuple[int, float], list[float]]
CAMPAIGN = {"campaign": "mine", "advise": {"batch_size": 32, "budget": "30 min"}}


NAMES = ("cells", "choices", "thumb_rules", "batch_by_noise", "knee", "machine", "throughput", "workload", "arms")
# Noise scales of two seeds after two epochs, one of which is not determined, and those of one step.
NOISE = {
    "one_step_fit": pd.DataFrame(
        [
            {"study": "advice", "arm": "present", "epoch": epoch, "seed": seed, "step_noise": scale}
            for epoch, scales in {1: (2.0, 8.0), 10: (math.nan, math.nan)}.items()
            for seed, scale in enumerate(scales)
        ]
    ),
    "noise_scale": pd.DataFrame(
        [
            {"study": "advice", "arm": "present", "epoch": epoch, "seed": seed, "estimator": way, "noise_scale": scale}
            for epoch, scales in {1: (4.0, 9.0), 10: (100.0, math.nan)}.items()
            for seed, scale in enumerate(scales)
            for way, scale in (("all_examples", scale), ("two_batch_sizes", 1.0))
        ]
    ),
}


def spec_of(folder: Path, grid: Grid = GRID, normalising: int = 0) -> dict[str, Any]:
    """Return the settings of an answer whose tables lie in a folder."""
    made = tables(grid, normalising)
    made["thumb_rules"] = rules_of(made, {"present": "present"})
    made["workload"] = made["workload"].assign(random=1, training_examples=1280, device="cpu")
    made["machine"] = made["machine"].assign(enough_micro_batch=64)
    made["batch_by_noise"] = noise_rules(NOISE, {"theta": 0.5})
    made["knee"] = knee_of(made, {"share": 0.9})
    made["arms"] = made["cells"].drop_duplicates("arm").assign(collapsed="")
    paths = {name: folder / f"{name}.csv" for name in NAMES}
    for name, path in paths.items():
        write_csv(path, made[name])
    (folder / "time.svg").write_text(SVG)
    (folder / "time.csv").write_text("mark,x,mean\npoint,32,1\n")
    figure = {
        "name": "time",
        "title": "Time",
        "caption": "c",
        "svg": str(folder / "time.svg"),
        "data": str(folder / "time.csv"),
    }
    return {
        "campaign": "mine",
        "task": "classification",
        "study": "advice",
        "title": "Which <B>?",
        "about": "MLP on digits, SGD",
        "epochs": 10,
        "optimizer": {"name": "sgd", "momentum": 0.5, "learning_rate": 0.1},
        "metric": {"title": "validation accuracy", "unit": "%", "factor": 100.0},
        "tables": {name: str(path) for name, path in paths.items()},
        "figures": [figure],
        "foresight": [],
    }


def test_the_answer_keeps_to_its_schema_and_to_its_tables(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    found = answer(spec)
    jsonschema.validate(json.loads(json.dumps(found, allow_nan=False)), schema())
    [best] = [row for row in rows_of(spec["tables"]["choices"]) if (row["aim"], row["verdict"]) == ("time", "best")]
    time = found["aims"]["time"]
    assert (
        (time["batch_size"], time["learning_rate"])
        == (int(best["batch_size"]), float(best["learning_rate"]))
        == (128, 0.4)
    )
    assert time["value"] == float(best["value"]) and found["target"]["value"] == pytest.approx(0.9)
    assert time["optimizer"] == {"class_name": "sgd", "config": {"momentum": 0.5, "learning_rate": 0.4}}
    memory = found["aims"]["memory"]
    assert (memory["micro_batch"], memory["accumulation"]) == (8, 16)
    assert memory["optimizer"]["config"]["gradient_accumulation_steps"] == 16
    assert [each["batch_size"] for each in found["aims"]["examples"]["alike"]] == [32]


def test_rules_on_the_noise_follow_from_the_noise_scale(tmp_path: Path) -> None:
    """Geometric means over seeds: b = √(4 · 9) = 6, b / 0.5² = 24, 1 + b: √(5 · 10)."""
    rows = {(row["epoch"], row["rule"]): row for row in noise_rules(NOISE, {"theta": 0.5}).to_dict("records")}
    assert rows[1, "noise_scale"]["size"] == pytest.approx(6) and rows[1, "norm_test"]["size"] == pytest.approx(24)
    assert rows[1, "diversity"]["size"] == pytest.approx(math.sqrt(50))
    # Student's interval of the two logarithms, 0.1 of it on both sides together.
    half = stats.t.ppf(0.95, 1) * np.std(np.log([4, 9]), ddof=1) / math.sqrt(2)
    ends = (6 * math.exp(-half), 6 * math.exp(half))
    assert (rows[1, "noise_scale"]["size_low"], rows[1, "noise_scale"]["size_high"]) == pytest.approx(ends)
    assert rows[10, "noise_scale"]["n"] == 1 and math.isnan(rows[10, "noise_scale"]["size_low"])
    gradients = np.random.default_rng(1).normal(size=(40, 3)) + 1
    mean = gradients.mean(axis=0)
    scale = ((gradients - mean) ** 2).sum(axis=1).mean() / (mean @ mean)
    diversity = 40 * (gradients**2).sum() / (gradients.sum(axis=0) ** 2).sum()
    frame = NOISE["noise_scale"].head(1).assign(noise_scale=scale)
    found = noise_rules({**NOISE, "noise_scale": frame}, {"theta": 0.5}).set_index("rule")["size"]
    assert found["diversity"] == pytest.approx(diversity)
    # The best rate of one step has its own estimate; after epoch 10 it shows no bend.
    half = stats.t.ppf(0.95, 1) * np.std(np.log([2, 8]), ddof=1) / math.sqrt(2)
    assert rows[1, "one_step"]["size"] == pytest.approx(4)
    assert rows[1, "one_step"]["size_high"] == pytest.approx(4 * math.exp(half))
    assert rows[10, "one_step"]["n"] == 0 and math.isnan(rows[10, "one_step"]["size"])
    spec = spec_of(tmp_path)
    assert answer(spec)["by_noise"][0]["batch_size"] == pytest.approx(6)
    page = render_advice(spec, answer(spec), tmp_path / "advice.html")
    assert "after epoch 10" in page and "<td>100</td>" in page


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_the_knee_is_that_of_updates_at_the_best_rates(spread: float) -> None:
    """Updates 100 · (1 + 64 / B) at the best of two rates have their knee at 64; factors of seeds keep it."""
    rows = [
        {"study": "advice", "arm": f"{size}-{rate}", "batch_size": size, "learning_rate": rate, "seed": seed}
        | {"reached": 1, "updates": slower * 100 * (1 + 64 / size) * math.exp(spread * seed)}
        for size in (8, 32, 128, 512)
        for rate, slower in ((0.1, 1.0), (0.2, 3.0))
        for seed in range(3)
    ]
    [found] = knee(pd.DataFrame(rows)).to_dict("records")
    assert (found["sizes"], found["n"]) == (4, 3)
    assert found["knee"] == pytest.approx(64, rel=1e-5)
    assert (found["knee_low"], found["knee_high"]) == pytest.approx((64, 64), rel=1e-5)
    assert found["fewest_updates"] == pytest.approx(100 * math.exp(spread), rel=1e-5)


def test_the_page_quotes_how_well_rules_foresaw_the_knee(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    row = {"rule": "noise_scale", "when": "late", "known": "4", "rank": "0.67", "rank_low": "0.1", "rank_high": "1"}
    row |= {"ratio": "0.5", "ratio_low": "0.25", "ratio_high": "0.9"}
    others = [{**row, "rule": "norm_test"}, {**row, "when": "early", "known": "1"}]
    page = render_advice({**spec, "foresight": [row, *others]}, answer(spec), tmp_path / "advice.html")
    text = page.replace("\N{NO-BREAK SPACE}", " ")
    assert "On 4 workloads on which this was tried" in text and f"late τ = {told([0.67, 0.1, 1.0])}" in text
    assert "early τ" not in text
    assert "rank correlation" not in render_advice(spec, answer(spec), tmp_path / "advice.html")


def test_without_a_bend_there_is_no_knee() -> None:
    rows = [
        {"study": "advice", "arm": f"b{size}", "batch_size": size, "learning_rate": 0.1, "seed": seed}
        | {"reached": int(size != 512), "updates": 6400 / size}
        for size in (8, 32, 128, 512)
        for seed in range(2)
    ]
    [found] = knee(pd.DataFrame(rows)).to_dict("records")
    assert found["sizes"] == 3 and math.isnan(found["knee"]) and math.isnan(found["knee_low"])
    assert "show no knee" in knee_in_words({"batch_size": None, "sizes": 3})
    lost = pd.DataFrame(rows).assign(reached=0)
    assert knee(lost)["sizes"].tolist() == [0]


def test_the_knee_is_found_where_the_largest_batches_miss_the_target() -> None:
    """Accuracy grows with updates at 1 / (100 · (1 + 64 / B)) from 0.1 on, and 512 ends before 1.0 and after 0.9."""
    rows = [
        {"study": "advice", "arm": f"b{size}", "batch_size": size, "learning_rate": 0.1, "seed": seed, "status": "ok"}
        | {"epoch": epoch, "updates": updates, "examples": updates * size, "seconds": 1.0, "accumulation": 1}
        | {"validation_accuracy": 0.1 + updates / (100 * (1 + 64 / size))}
        for size in (8, 32, 128, 512)
        for seed in range(2)
        for epoch, updates in enumerate((0, 60, 98 if size == 512 else 2000))
    ]
    told = {"metric": "validation_accuracy", "target": 1.0, "better": "higher"}
    made = {"history": pd.DataFrame(rows), "cells": pd.DataFrame([told])}
    [found] = knee_of(made, {"share": 0.9}).to_dict("records")
    assert (found["goal"], found["sizes"], found["knee"]) == (pytest.approx(0.91), 4, pytest.approx(64, rel=1e-5))
    assert found["fewest_updates"] == pytest.approx(81, rel=1e-5)
    assert knee_of(made, {"share": 1.0})["sizes"].item() == 3


def test_sentences_say_what_is_known_and_what_is_not(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    found = answer(spec)
    said = {
        each["aim"]: each for each in sentences(found, {name: rows_of(path) for name, path in spec["tables"].items()})
    }
    assert said["time"]["answer"].startswith(
        "B = 128 [128, 256] in one piece with learning rate 0.4: 0.2052 s; your present setting"
    )
    assert said["time"]["open"] == ""
    more = found["aims"]["examples"]["alike"][0]
    assert said["examples"]["open"] == (
        "B = 32, at its best rate, cannot be told apart from it with 4 seeds; "
        f"{more['more_seeds']} more seeds would tell B = 32 (about {duration(more['more_seconds'])})"
    )
    assert "as 16 micro-batches of 8" in said["memory"]["answer"]


def test_the_present_setting_is_called_by_its_name_where_it_is_the_best(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, {(32, 0.1): [0.2, 0.2], (128, 0.4): [0.05, 0.05]})
    found = answer(spec)
    said = sentences(found, {name: rows_of(path) for name, path in spec["tables"].items()})
    assert [each["answer"].endswith("that is your present setting") for each in said] == [True, True, True, False]
    assert said[3]["answer"].endswith("that is your present setting, in smaller pieces")


def test_the_headline_says_what_to_take_and_whether_that_may_change(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    found, rows = answer(spec), {name: rows_of(path) for name, path in spec["tables"].items()}
    assert headline(found, rows) == (
        "Take B = 128 with learning rate 0.4, whatever you aim at. Settings are left that may change this, see below."
    )
    other = {**found["aims"], "memory": {**found["aims"]["time"], "batch_size": 32}}
    assert "0.4, if the time to the target is what counts." in headline({**found, "aims": other}, rows)
    aims = {aim: {**found["aims"]["time"], "batch_size": 32, "learning_rate": 0.1} for aim in found["aims"]}
    assert headline({**found, "aims": aims, "next": []}, rows) == (
        "Keep B = 32 with learning rate 0.1, whatever you aim at. Nothing that is left is likely to change this."
    )
    assert headline({**found, "aims": {**aims, "time": None}}, rows).startswith("There is no advice yet")


def test_a_present_setting_that_learns_nothing_is_told_before_all(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    found, rows = answer(spec), {name: rows_of(path) for name, path in spec["tables"].items()}
    other = [{**row, "collapsed": "0 1 2" if row["batch_size"] == "128" else ""} for row in rows["arms"]]
    assert headline(found, {**rows, "arms": other}).startswith("Take B = 128")
    own = [{**row, "collapsed": "0 3" if row["batch_size"] == "32" else ""} for row in rows["arms"]]
    assert headline(found, {**rows, "arms": own}) == (
        "There is no advice to follow: 2 of 4 runs of your present setting are no better than one and the same answer"
        " for all examples. What to do is below."
    )
    said = warnings({**rows, "arms": own}, "classification")
    assert any("2 of 4 runs" in each and "metric: validation_balanced_accuracy" in each for each in said)
    assert not any("balanced" in each for each in warnings({**rows, "arms": own}, "regression"))
    assert not any("one and the same" in each for each in warnings(rows, "classification"))


def test_where_nothing_reaches_the_target_there_is_no_advice(tmp_path: Path) -> None:
    made = tables({(32, 0.1): [0.09, 0.09], (128, 0.1): [0.01, 0.01]})
    made["cells"]["reached"] = 0
    from batchlab.tables.derivations.choices.derive import derive

    choices = derive(made, {})
    assert set(choices[choices["aim"] == "time"]["verdict"]) == {"does not reach the target"}
    spec = spec_of(tmp_path)
    write_csv(spec["tables"]["choices"], choices)
    found = answer(spec)
    jsonschema.validate(found, schema())
    assert found["aims"]["time"] is None and found["aims"]["metric"]["batch_size"] == 32
    page = render_advice(spec, found, tmp_path / "advice.html")
    assert "No batch size reaches the target with every seed, so there is no advice." in page


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 second"), (80, "80 seconds"), (1500, "25 minutes"), (9000, "2 hours")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_warnings_are_those_that_apply(tmp_path: Path) -> None:
    def said(folder: Path, normalising: int) -> str:
        folder.mkdir()
        spec = spec_of(folder, normalising=normalising)
        return " ".join(warnings({name: rows_of(path) for name, path in spec["tables"].items()}))

    plain, normalised = said(tmp_path / "a", 0), said(tmp_path / "b", 2)
    assert "batch normalisation" not in plain and "2 layers of batch normalisation" in normalised
    assert "1 layer with random numbers" in plain and "gradient_accumulation_steps" in plain
    assert "tokens" not in plain
    assert "only 1 micro-batch could be measured" in plain  # one row of the table
    assert "smaller" not in plain  # 1280 examples are 10 batches of 128


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attrs if name == "src"]
        if tag not in ("meta", "link", "br", "path", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "rect"):
            assert self.open.pop() == tag


def test_the_page_is_whole_escaped_and_loads_nothing(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    text = render_advice(spec, answer(spec), tmp_path / "advice.html")
    parser = _Page()
    parser.feed(text)
    assert not parser.open and not parser.loads
    assert "Which &lt;B&gt;?" in text and "32, learning rate 0.1." in text
    assert "a validation accuracy of at least 90\N{NO-BREAK SPACE}%" in text
    assert (
        "<dt>Best validation accuracy</dt>" in text and "at 1 of 3 sizes the best rate is the lowest or highest" in text
    )
    assert 'href="choices.csv"' in text and 'href="advice.json"' in text and "What more time would tell" in text


def test_the_snippet_has_five_lines_or_fewer_and_reads_what_is_there(tmp_path: Path) -> None:
    """Keras itself is played: what it is given is compared."""
    assert len(SNIPPET.splitlines()) <= 5
    (tmp_path / "advice.json").write_text(json.dumps(answer(spec_of(tmp_path))))
    given: dict[str, Any] = {}

    class Model:
        def compile(self, optimizer: Any, loss: Any) -> None:
            given["optimizer"] = optimizer

        def fit(self, x: Any, y: Any, **options: Any) -> None:
            given.update(options)

    keras = SimpleNamespace(
        optimizers=SimpleNamespace(get=lambda settings: settings),
        losses=SimpleNamespace(SparseCategoricalCrossentropy=lambda **options: options),
    )
    text = (
        SNIPPET.format(loss=LOSSES["classification"])
        .replace("import json, keras", "import json")
        .replace('"advice.json"', repr(str(tmp_path / "advice.json")))
    )
    exec(text, {"model": Model(), "keras": keras, "x": 0, "y": 0})
    assert given == {
        "optimizer": {"class_name": "sgd", "config": {"momentum": 0.5, "learning_rate": 0.4}},
        "batch_size": 128,
        "epochs": 10,
    }


# The campaign


def rounds(*settings: tuple[int, int, float, int]) -> None:
    """Keep a round of (B, K, rate, seeds) for the campaign."""
    keep(read(CAMPAIGN), [Round(tuple(Setting(*each) for each in settings), 60.0)])


def test_the_machine_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planned = plan(read(CAMPAIGN))
    assert list(planned.studies) == ["machine"] and len(planned.studies["machine"].arms) == 1
    assert {job.rule for job in Jobs(planned) if job.keras} == {"initialise_model", "measure_apart"}


def test_what_is_trained_is_what_the_rounds_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rounds((32, 1, 0.1, 4), (128, 4, 0.1, 4), (128, 4, 0.4, 8), (128, 4, 0.2, 4))
    arms = advised(read(CAMPAIGN))["studies"]["advice"]["arms"]
    assert arms == {
        "present": {"batch_size": 32, "accumulation": 1},
        "b128_k4": {"batch_size": 128, "accumulation": 4, "learning_rate": [0.1, 0.2]},
        "b128_k4_seeds8": {"batch_size": 128, "accumulation": 4, "learning_rate": [0.4], "seeds": 8},
    }
    planned = plan(read(CAMPAIGN))
    assert list(planned.studies) == ["machine", "advice"]
    # The machine is measured once for both studies.
    assert len([job for job in Jobs(planned) if job.rule == "measure_apart"]) == 1
    assert [job.outputs["answer"] for job in Jobs(planned) if job.rule == "write_advice"] == [
        "results/mine/advice.json"
    ]


def test_another_metric_is_judged_in_its_own_direction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rounds((32, 1, 0.1, 4))
    asked = {**CAMPAIGN["advise"], "metric": "validation_loss", "target": 0.3}
    for advise, judged in (
        (CAMPAIGN["advise"], ("validation_accuracy", "higher")),
        (asked, ("validation_loss", "lower")),
    ):
        made = Jobs(plan(read({**CAMPAIGN, "advise": advise}))).find(
            "derive_table", {"study": "advice", "table": "cells"}
        )
        options = made.spec["options"]
        assert (options["metric"], options["better"]) == judged and options.get("target") == advise.get("target")
    wrong = {**CAMPAIGN, "advise": {**asked, "metric": "validation_balanced_accuracy"}}
    with pytest.raises(BatchlabError, match=r"^advise\.metric: unknown metric of the task classification"):
        plan(read(wrong))
    more = {"task": {"name": "classification", "metrics": ["balanced_accuracy"]}}
    assert "machine" in plan(read({**wrong, **more})).studies


def test_rounds_of_another_question_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rounds((32, 1, 0.1, 4))
    for change in ({"epochs": 7}, {"advise": {"batch_size": 16, "budget": "30 min"}}, {"precision": "float64"}):
        assert list(plan(read({**CAMPAIGN, **change})).studies) == ["machine"]
    for change in ({"advise": {"batch_size": 32, "budget": "2 h", "target": 0.5}}, {"title": "Mine"}):
        assert "advice" in plan(read({**CAMPAIGN, **change})).studies


@pytest.mark.parametrize(("count", "block"), [(None, 4), (3, 3), (4, 4), (8, 4), (5, 5), (7, 7), (6, 3), (1, 1)])
def test_jobs_have_equally_many_seeds_so_that_more_make_new_jobs(count: int | None, block: int) -> None:
    found = read({**CAMPAIGN, **({} if count is None else {"seeds": {"count": count}})})["seeds"]
    assert (found["count"], found["block"]) == (count or 4, block)
    assert read({**CAMPAIGN, "seeds": {"count": 3, "block": 2}})["seeds"]["block"] == 2


@pytest.mark.parametrize(("text", "seconds"), [("90 s", 90), ("30min", 1800), ("1.5 h", 5400)])
def test_budgets(text: str, seconds: float) -> None:
    assert budget_in_seconds(text) == seconds


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"advise": {"batch_size": 32, "budget": "soon"}},
            "advise.budget: 'soon' is not possible; allowed: a time such as",
        ),
        ({"advise": {"batch_size": 32}}, "advise: the key 'budget' is missing"),
        ({"advise": {"batch_size": 0, "budget": "1 h"}}, "advise.batch_size: 0 is not possible; allowed: 1 or more"),
        ({"advise": {"batch_size": 32, "budjet": "1 h"}}, "did you mean 'budget'"),
        ({"advise": 32}, "advise: 32 is not possible"),
    ],
)
def test_mistakes_are_told_in_one_line(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BatchlabError, match=words):
        read({**CAMPAIGN, **change})


def test_a_batch_larger_than_the_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        BatchlabError, match=r"advise\.batch_size: 5000 is larger than the training set of digits; allowed"
    ):
        plan(read({**CAMPAIGN, "advise": {"batch_size": 5000, "budget": "1 h"}}))


@pytest.mark.parametrize("key", ["arms", "probes", "epochs", "optimizer", "seeds"])
def test_what_rounds_decide_cannot_be_said_of_the_study(key: str) -> None:
    with pytest.raises(BatchlabError, match=rf"studies\.advice\.{key}: make advise decides this itself"):
        read({**CAMPAIGN, "studies": {"advice": {key: {}}}})
    assert read({**CAMPAIGN, "studies": {"advice": {"title": "Mine"}}})["studies"]["advice"]["title"] == "Mine"


def test_a_campaign_that_does_not_run_the_study_asks_for_no_advice() -> None:
    own = {"run": ["batch_size"], "batch_sizes": {"small": 16, "medium": 64, "large": 256}}
    other = {key: value for key, value in CAMPAIGN.items() if key != "advise"} | own
    assert read({**CAMPAIGN, **own}) == read(other) | {"advise": read(CAMPAIGN)["advise"]}


def test_other_campaigns_are_as_they_were() -> None:
    assert math.isfinite(budget_in_seconds("1 s"))
    config = raw()
    assert advised({**config, "run": []}) == {**config, "run": []}
