"""The report page: complete, self-contained, escaped."""

from __future__ import annotations

import csv
import io
import json
import math
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from batchlab.errors import BatchlabError
from batchlab.report import computed, render
from batchlab.report.answers import advice_of, ranked
from batchlab.report.citing import bibliography, bibtex
from batchlab.report.failures import failures_of
from batchlab.report.forest import WIDTH, strip
from batchlab.report.inline_figures import alternative
from batchlab.report.limits import limits_of
from batchlab.report.shown_claims import judgement, region, tally
from batchlab.report.wording import words
from batchlab.tables.regions import Region

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40" viewBox="0 0 60 40"><defs><clipPath id="clip1">'
    '<rect width="9" height="9"/></clipPath></defs><g clip-path="url(#clip1)"><path d="M0,0h9"/></g></svg>'
)
CLAIMS = """claim,statement,source,published,measured,ci_low,ci_high,n,verdict,figure,study,unit,test,expected,note,standing,direction,size,finding,excluded,sources,because
lower,B = 1024 < B = 64 & more,Shen 2018,96 %,-1.93,-2.1,-1.7,5,supported,accuracy,{study},pp,difference,< 0 pp,,evidence,lower,other,B = 1024 ends 1.93 pp below B = 64,0,shen2018,
alone,"<script>alert(1)</script>",Nobody,none,,,,1,undetermined,,{study},,level,,n = 1: no interval,evidence,,,,0,,
chosen,It reaches 98 %,Shen 2018,98 %,98,97.9,98.1,5,supported,,{study},%,level,97.7 % to 98.3 %,,calibrated,,,B = 64 reaches 98 %,0,shen2018,its rate was chosen on these runs
"""  # noqa: E501 - a table
RANKING = """study,arm,metric,mean,n,ci_low,ci_high,runs,difference,difference_low,difference_high,p_holm,verdict,last_epoch,dataset,model,optimizer,precision,batch_size,accumulation,learning_rate,recipe,label
size,b64,test_accuracy,0.98,5,0.978,0.982,5,,,,,best,30,mnist,mlp,sgd,float32,64,1,0.1,fixed,B = 64
size,b256,test_accuracy,0.979,5,0.977,0.981,5,-0.001,-0.002,0.0004,0.2,cannot be told apart,30,mnist,mlp,sgd,float32,256,1,0.1,fixed,B = 256
size,b1024,test_accuracy,0.95,5,0.948,0.952,5,-0.03,-0.0315,-0.0285,0.001,worse,30,mnist,mlp,sgd,float32,1024,1,0.1,fixed,B = 1024
"""  # noqa: E501 - a table
SUMMARY = """study,arm,label,metric,mean,n,diverged,collapsed
{study},fixed-b64,B = 64,test_accuracy,0.98,3,1,1
{study},fixed-b64,B = 64,updates,100,5,1,1
{study},fixed-b1024,B = 1024,test_accuracy,0.95,5,0,0
"""
COMPARISONS = """study,metric,arm,reference,difference,ci_low,ci_high,n,p,p_holm,effect_size,verdict
{study},test_accuracy,fixed-b1024,fixed-b64,-0.02,-0.03,-0.01,5,0.001,0.002,-2.5,lower
"""
ARMS = "study,arm,label,model,optimizer,learning_rate,phases\n{study},fixed-b64,B = 64,mlp,sgd,0.1,30 epochs B=64\n"
ACCURACY = {"title": "test accuracy", "unit": "%", "factor": 100.0}
SHEN = {
    "key": "shen2018",
    "short": "Shen 2018",
    "authors": ["Kevin Shen"],
    "year": 2018,
    "title": "T",
    "url": "https://x.org/s",
}


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag.lower()

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\u00a0", " ")


@pytest.fixture
def spec(tmp_path: Path) -> dict[str, Any]:
    studies = []
    for name in ("size", "switch"):
        folder = tmp_path / "figures" / name
        folder.mkdir(parents=True)
        (folder / "accuracy.svg").write_text(SVG)
        paths = {}
        for table, text in (
            *(("claims", CLAIMS), ("comparisons", COMPARISONS), ("arms", ARMS)),
            *(("ranking", RANKING), ("summary", SUMMARY)),
        ):
            paths[table] = str(folder / f"{table}.csv")
            Path(paths[table]).write_text(text.format(study=name))
        endings = {"svg": "svg", "html": "html", "png": "png", "vl_json": "vl.json", "data": "csv"}
        figure = {
            "name": "accuracy",
            "title": "Accuracy",
            "finding": "lower",
            "caption": "A caption with <tags> & signs",
        }
        figure |= {key: str(folder / f"accuracy.{ending}") for key, ending in endings.items()}
        studies.append(
            {
                "study": name,
                "title": f"Study <{name}>",
                "question": "Is it so?",
                "answer": ["lower"],
                "figures": [figure],
                "tables": [paths["claims"]],
                "columns": {"test_accuracy": {"title": "test accuracy", "unit": "%", "factor": 100.0}},
                **{key: path for key, path in paths.items() if key != "ranking"},
            }
        )
    record = tmp_path / "provenance.json"
    record.write_text(
        json.dumps({"made_from": {"python": ["3.11.9"], "packages": ["keras 3.15.1"], "commit": ["a" * 40]}})
    )
    return {
        "campaign": "quick",
        "title": "A title with <i>",
        "summary": "Summary",
        "studies": studies,
        "advice": {
            "rankings": [{"study": "size", "table": paths["ranking"], "column": ACCURACY, "better": "higher"}],
            "claims": [["size", "lower"], ["size", "absent"]],
            "figure": ["switch", "accuracy"],
        },
        "data": [{"data": "mnist", "examples": [55000, 5000, 10000], "classes": 10, "targets": "classes"}],
        "references": [SHEN],
        "citation": {"authors": ["The authors"], "version": "1.2", "license": "MIT", "date-released": "2020-01-01"},
        "settings": {"epochs": 30, "models": {"mlp": {"hidden": [64, 64]}}},
        "provenance": [str(record)],
    }


def test_page_parses_and_loads_nothing(spec: dict[str, Any], tmp_path: Path) -> None:
    page = Page(render(spec, tmp_path / "index.html"))
    assert page.open == []
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "img")
        assert "src" not in attributes
        if tag == "link":
            assert (attributes["href"] or "").startswith("data:")


def test_everything_is_on_the_page_and_every_link_has_its_target(spec: dict[str, Any], tmp_path: Path) -> None:
    page = Page(render(spec, tmp_path / "index.html"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"size", "switch", "size-accuracy", "switch-accuracy", "size-claim-lower", "switch-claim-alone"} <= set(ids)
    links = [attributes["href"] or "" for tag, attributes in page.tags if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    beside = {link for link in links if not link.startswith(("#", "https:"))}
    assert {"figures/size/accuracy.vl.json", "figures/switch/accuracy.csv", "figures/switch/claims.csv"} <= beside
    assert "https://x.org/s" in links
    for text in ("Figure 2", "−1.93 pp", "−2.10 to −1.70 pp", "fixed-b1024", "−2.0 pp", "keras 3.15.1", "a" * 12):
        assert text in page.text, text
    pictures = [attributes for tag, attributes in page.tags if tag == "svg" and attributes.get("role") == "img"]
    # Both figures, and the one at the top again.
    assert len(pictures) == 3 and all("Accuracy" in (p["aria-label"] or "") for p in pictures)


def test_only_evidence_counts_and_its_publications_are_named(spec: dict[str, Any], tmp_path: Path) -> None:
    text = " ".join(Page(render(spec, tmp_path / "index.html")).text.split())
    assert "Of 4 published claims of 2 publications: 2 supported 2 undetermined 0 contradicted" in text
    assert "Shown and not counted: 2 calibrated (its level was chosen on these runs)" in text
    assert "about one in twenty" in text


def test_the_page_begins_with_the_best_batch_size_and_the_findings(spec: dict[str, Any], tmp_path: Path) -> None:
    source = render(spec, tmp_path / "index.html")
    text = " ".join(
        Page(source[source.index('<section id="answer"') : source.index('<section id="answers"')]).text.split()
    )
    assert "B = 64 ends with the highest test accuracy, 98.00 % [97.80, 98.20], mean of 5 seeds" in text
    assert "B = 256 cannot be told apart from it; B = 1024 lies 3.00 pp [2.85, 3.15] below it." in text
    assert "mlp on mnist with sgd at learning rate 0.1, 30 epochs; with a rate of its own" in text
    assert "Study <size>: B = 1024 ends 1.93 pp below B = 64 claim" in text
    assert "Figure 2" in text and "smallest size that was tried" in text


def test_a_recommendation_is_the_first_answer(tmp_path: Path) -> None:
    table = tmp_path / "recommendation.csv"
    table.write_text('batch_size,advice\n16,"Take B = 16 with learning rate 0.1: 95.0 %. B = 32 ends lower."\n32,\n')
    found = advice_of({"recommendations": [{"study": "choice", "table": str(table)}]}, [], {})
    assert found["best"] == [
        {"study": "choice", "sentences": ["Take B = 16 with learning rate 0.1: 95.0 %", "B = 32 ends lower"]}
    ]


def test_statements_of_threads_stand_beside_what_was_measured(spec: dict[str, Any], tmp_path: Path) -> None:
    spec["statements"] = [
        {"statement": "Large is fine", "links": [["x#1", "https://x.org/1"]], "claims": [["size", "lower"]]},
        {"statement": "It is free", "links": [], "claims": []},
    ]
    source = render(spec, tmp_path / "index.html")
    part = source[source.index('<section id="statements"') : source.index('<section id="claims"')]
    text = " ".join(Page(part).text.split())
    assert "“Large is fine” x#1 B = 1024 ends 1.93 pp below B = 64. supported Figure 1" in text
    assert "No claim of this campaign answers: “It is free”." in text
    assert 'href="https://x.org/1"' in part and 'href="#size-claim-lower"' in part
    spec["statements"] = spec["statements"][1:]  # of those that are left, none is answered
    assert 'id="statements"' not in render(spec, tmp_path / "index.html")


def test_a_campaign_without_a_ranking_gives_no_advice(spec: dict[str, Any], tmp_path: Path) -> None:
    spec["advice"] = {}
    assert "gives no advice" in render(spec, tmp_path / "index.html")


def ranking(*arms: dict[str, Any]) -> list[dict[str, str]]:
    common = {"dataset": "d", "model": "m", "optimizer": "sgd", "accumulation": "1", "learning_rate": "0.1"}
    common |= {"metric": "error", "n": "3", "last_epoch": "5", "difference": "", "verdict": "worse"}
    return [{**common, **{key: str(value) for key, value in arm.items()}} for arm in arms]


def test_a_ranking_tells_rates_and_sizes_apart_and_says_which_side_is_better() -> None:
    rows = ranking(
        {"batch_size": 8, "learning_rate": 0.3, "mean": 2, "ci_low": 1.5, "ci_high": 2.5, "verdict": "best"},
        {"batch_size": 4, "learning_rate": 0.1, "mean": 5, "difference": 3, "difference_low": 2, "difference_high": 4},
        {"batch_size": 16, "learning_rate": 0.1, "mean": 6, "difference": 4, "difference_low": 3, "difference_high": 5},
    )
    [[first, conditions]] = ranked(rows, {}, "lower", {"model": {"m": "MLP"}})
    assert first == (
        "B = 8, learning rate 0.3 ends with the lowest error, 2.0 [1.5, 2.5], mean of 3 seeds; the next, "
        "B = 4, learning rate 0.1, lies 3.0 [2.0, 4.0] above it"
    )
    assert conditions == "This is for MLP on d with sgd, 5 epochs"


def test_data_sets_and_models_are_ranked_for_themselves() -> None:
    rows = ranking(*({"model": model, "batch_size": 1, "mean": 2, "verdict": "best"} for model in "ab"))
    assert [sentences[1].partition(" on ")[0] for sentences in ranked(rows, {}, "lower", {"model": {"m": "MLP"}})] == [
        "This is for a",
        "This is for b",
    ]
    assert advice_of({}, [], {})["figure"] is None


@pytest.mark.parametrize(
    ("low", "high", "closed", "unit"),
    [(-math.inf, 0, False, "pp"), (1, math.inf, True, ""), (-0.3, 0.3, True, "pp"), (-math.inf, 1e-10, True, "")],
)
def test_regions_are_read_as_they_are_written(low: float, high: float, closed: bool, unit: str) -> None:
    assert region(Region(low, high, closed).text(1, unit)) == (low, high)


def test_a_level_or_an_empty_region_is_none() -> None:
    assert region("") is None and region("about 3") is None


def drawn(claim: dict[str, Any]) -> dict[str, list[dict[str, float]]]:
    """Return tag → positions of the parts of a strip."""
    found: dict[str, list[dict[str, float]]] = {}
    for tag, attributes in Page(str(strip({"kind": "supported", "test": "difference", **claim}))).tags[1:]:
        numbers = {key: float(value) for key, value in attributes.items() if value and key != "class"}
        found.setdefault(attributes["class"] or tag, []).append(numbers)
    return found


def test_a_strip_keeps_the_order_of_numbers_and_reaches_its_end_where_the_region_does() -> None:
    parts = drawn({"numbers": (-2.0, -3.0, -1.0), "region": (-math.inf, -0.5)})
    [shade], [bar], [dot], [none] = parts["region"], parts["bar"], parts["dot"], parts["none"]
    assert shade["x"] == 0 < bar["x1"] < dot["cx"] < bar["x2"] < shade["width"] < none["x1"] < WIDTH
    assert dot["cx"] == pytest.approx((bar["x1"] + bar["x2"]) / 2, abs=0.1)


def test_ratios_are_drawn_on_a_logarithmic_scale() -> None:
    parts = drawn({"numbers": (2.0, 1.0, 4.0), "region": (1.0, math.inf), "test": "ratio"})
    [shade], [bar], [dot] = parts["region"], parts["bar"], parts["dot"]
    assert dot["cx"] == pytest.approx((bar["x1"] + bar["x2"]) / 2, abs=0.1)
    assert shade["x"] + shade["width"] == pytest.approx(WIDTH, abs=0.1)


def test_a_strip_without_an_estimate_or_without_width_is_drawn_as_far_as_it_goes() -> None:
    assert strip({"numbers": (math.nan,) * 3, "region": None, "test": "level", "kind": "undetermined"}) == ""
    assert drawn({"numbers": (0.0, 0.0, 0.0), "region": (0.0, 0.0), "test": "level"})["dot"][0]["cx"] == WIDTH / 2


@pytest.mark.parametrize(
    ("verdict", "direction", "size", "words"),
    [
        ("undetermined", "lower", "", "clearly lower; size open"),
        ("undetermined", "open", "", ""),
        ("supported", "lower", "other", "another size than published"),
        ("supported", "lower", "reproduced", "size as published"),
        ("not judged", "higher", "other", ""),
    ],
)
def test_direction_and_size_are_told_apart(verdict: str, direction: str, size: str, words: str) -> None:
    assert judgement(verdict, direction, size) == words


def test_a_claim_without_keys_counts_as_one_publication_by_its_text() -> None:
    row = {"standing": "evidence", "sources": [], "source": "S", "verdict": "supported"}
    claims = [row | {"confidence": 0.95, "level": "95 %"}] * 2
    assert (tally(claims)["count"], tally(claims)["publications"]) == (2, "1 publication")


def test_failed_runs_are_listed_once_for_each_arm() -> None:
    summary = list(csv.DictReader(io.StringIO(SUMMARY)))
    assert failures_of(summary) == ["B = 64: 1 run diverged and 1 run collapsed of 5"]


def test_limits_say_what_one_test_example_is_worth_and_whether_rates_were_searched() -> None:
    arm = {"dataset": "d", "model": "m", "optimizer": "sgd", "batch_size": "4", "budget": "epochs"}
    rows = [{**arm, "learning_rate": rate} for rate in ("0.1", "0.2", "0.3")]
    study = {"title": "Rates", "rows": rows, "seeds": 5}
    spec = {"data": [{"data": "d", "examples": [100, 20, 30], "classes": 3, "targets": "classes"}]}
    text = " ".join(limits_of(spec, [study], ["a machine (cpu)"]))
    assert "30 examples, so one of them is 3.3 pp" in text and "varied over a range only in: Rates" in text
    assert "a machine (cpu)" in text and "5 seeds" in text and "equal numbers of epochs" in text
    assert "not tuned for each batch size" in " ".join(limits_of({}, [{**study, "rows": rows[:2]}], []))
    assert "a better one may lie beyond" not in text
    bound = {"note": "n = 3; at an end of the rates that were tried in B = 4: 3 of 3 values, so a bound at best"}
    cut = " ".join(limits_of({}, [{**study, "claims": [{"note": ""}, bound]}, study], []))
    assert "a better one may lie beyond, and what it reaches is a bound: Rates." in cut


@pytest.mark.parametrize(
    ("made", "found", "comparable"),
    [
        ({"host": ["a"], "device": ["cpu"]}, ["a (CPU)"], True),
        ({"host": ["a", "b"], "device": ["cpu"]}, ["a (CPU)", "b (CPU)"], False),
        ({"host": ["a"], "device": ["cpu", "gpu"]}, ["a", "devices: CPU, GPU"], False),
        ({"host": ["a", "b"], "device": ["cpu", "gpu"]}, ["a", "b", "devices: CPU, GPU"], False),
        ({"host": ["a"]}, ["a"], True),
    ],
)
def test_seconds_of_several_machines_or_devices_are_said_not_to_compare(
    made: dict[str, list[str]], found: list[str], comparable: bool
) -> None:
    assert computed.machines(made) == found
    text = " ".join(limits_of({}, [], found))
    assert ("say nothing beside those of another" in text) != comparable
    assert all(each in text for each in found)


def test_alternative_texts_hold_the_finding_and_numbers_of_the_table(tmp_path: Path) -> None:
    table = tmp_path / "f.csv"
    rows = [
        "mark,column,x,mean,low,high,n",
        "mean,test_accuracy,4,97.75,97.4,98.1,8",
        "mean,test_accuracy,16,96,95,97,8",
    ]
    table.write_text("\n".join(rows))
    text = alternative(str(table), "Accuracy", "B = 4 is best")
    assert text.startswith("B = 4 is best. Accuracy. The first number is 97.75 [97.40, 98.10] (test accuracy at 4)")
    assert text.endswith("The last of 2 is 96.0 [95.0, 97.0] (test accuracy at 16).")
    assert alternative(None, "Accuracy", "") == "Accuracy."


def test_publications_have_addresses_and_the_page_an_entry_for_bibtex() -> None:
    shen = {**SHEN, "doi": "10.1/x"}
    keskar = {**SHEN, "key": "k", "short": "Keskar 2017", "arxiv": "1609.04836"}
    claim = {"sources": ["k"]}
    found = bibliography([shen, keskar], [claim])
    assert [each["address"] for each in found] == ["https://arxiv.org/abs/1609.04836", "https://doi.org/10.1/x"]
    assert [each["claims"] for each in found] == [[claim], []]
    entry = bibtex({"authors": ["The authors"], "version": "1.2"}, "quick", "100 % of it", "2026-11-27", ["abc"])
    assert entry.startswith("@misc{batchlab2026quick,") and "author = {{The authors}}" in entry
    assert "title = {{100 \\% of it}}" in entry and "note = {campaign quick, commit abc}" in entry


def test_clip_paths_of_two_figures_do_not_clash(spec: dict[str, Any], tmp_path: Path) -> None:
    html = render(spec, tmp_path / "index.html")
    for study in ("size", "switch"):
        assert f'id="{study}-accuracy-1"' in html and f"url(#{study}-accuracy-1)" in html


def test_text_is_escaped(spec: dict[str, Any], tmp_path: Path) -> None:
    html = render(spec, tmp_path / "index.html")
    assert "<script>alert" not in html and "&lt;script&gt;alert(1)" in html
    assert "Study &lt;size&gt;" in html and "A title with &lt;i&gt;" in html and "&lt;tags&gt; &amp; signs" in html


def test_page_is_reproducible(spec: dict[str, Any], tmp_path: Path) -> None:
    assert render(spec, tmp_path / "index.html") == render(spec, tmp_path / "index.html")


def test_a_missing_figure_is_one_line(spec: dict[str, Any], tmp_path: Path) -> None:
    Path(spec["studies"][0]["figures"][0]["svg"]).unlink()
    with pytest.raises(BatchlabError, match=r"accuracy\.svg: the figure is missing"):
        render(spec, tmp_path / "index.html")


def test_a_study_without_claims_and_records_is_fine(spec: dict[str, Any], tmp_path: Path) -> None:
    for study in spec["studies"]:
        del study["claims"], study["comparisons"], study["summary"]
    spec["provenance"] = [str(tmp_path / "absent.json")]
    text = Page(render(spec, tmp_path / "index.html")).text
    assert "published claim" not in text and "No claim answers this; see Figure 1" in " ".join(text.split())


def test_records_say_when_and_how_long_and_shared_jobs_count_once(tmp_path: Path) -> None:
    for name, days, seconds in (("a", ["2026-11-26"], ["x 1800.0", "y 900.0"]), ("b", ["2026-11-27"], ["x 1800.0"])):
        made = {"python": ["3.11"], "packages": ["numpy 1", "keras 2"], "day": days, "core_seconds": seconds}
        (tmp_path / name).write_text(json.dumps({"started": "2020-01-01T00:00:00", "made_from": made}))
    made = computed.made_from([tmp_path / "a", tmp_path / "b", tmp_path / "absent"])
    assert computed.days(made) == "2026-11-26 to 2026-11-27"
    assert computed.core_hours(made) == pytest.approx(0.75)
    of_data = {"data": "d", "examples": [10, 0, 5], "classes": 2, "targets": "classes"}
    summary = dict(computed.summary(made, [of_data]))
    assert summary["Work"] == ["0.75 core-hours in 2 jobs of data, training and measuring"]
    assert summary["Software"] == ["Python 3.11, keras 2, numpy 1"]
    assert summary["Data: d"] == ["10 training, 5 test examples; 2 classes"]
    several = dict(computed.summary(made, [{**of_data, "inputs": ["age (1)", "image (8 × 8)"]}]))
    assert several["Data: d"][1] == "Inputs: age (1), image (8 × 8)"


def test_settings_in_words() -> None:
    assert words({"hidden": [64, 64], "name": "mlp"}) == "hidden 64 64, name mlp"
