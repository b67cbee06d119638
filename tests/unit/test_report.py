"""The report page: complete, self-contained, escaped."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from batchlab.errors import BatchlabError
from batchlab.report import computed, render
from batchlab.report.answers import advice_of, ranked
from batchlab.report.citing import bibliography, bibtex
from batchlab.report.claims import judgement, region, tally
from batchlab.report.failures import failures_of
from batchlab.report.figures import alternative
from batchlab.report.forest import WIDTH, strip
from batchlab.report.limits import limits_of
from batchlab.report.words import words
from batchlab.tables.regions import Region

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40" viewBox="0 0 60 40"><defs><clipPath id="clip1">'
    '<rect width="9" height="9"/></clipPath></defs><g clip-path="url(#clip1)"><path d="M0,0h9"/></g></svg>'
)
CLAIMS = """claim,statement,source,published,measured,ci_low,ci_high,n,verdict,figure,study,unit,expected,note
lower,B = 1024 < B = 64 & more,Shen 2018,96 %,-1.93,-2.1,-1.7,5,supported,accuracy,{study},pp,< 0 pp,
alone,"<script>alert(1)</script>",Nobody,none,,,,1,undetermined,,{study},,,n = 1: no interval
"""
COMPARISONS = """study,metric,arm,reference,difference,ci_low,ci_high,n,p,p_holm,effect_size,verdict
{study},test_accuracy,fixed-b1024,fixed-b64,-0.02,-0.03,-0.01,5,0.001,0.002,-2.5,lower
"""
ARMS = "study,arm,label,model,optimizer,learning_rate,phases\n{study},fixed-b64,B = 64,mlp,sgd,0.1,30 epochs B=64\n"


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
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag.lower()

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def spec(tmp_path: Path) -> dict[str, Any]:
    studies = []
    for name in ("size", "switch"):
        folder = tmp_path / "figures" / name
        folder.mkdir(parents=True)
        (folder / "accuracy.svg").write_text(SVG)
        paths = {}
        for table, text in (("claims", CLAIMS), ("comparisons", COMPARISONS), ("arms", ARMS)):
            paths[table] = str(folder / f"{table}.csv")
            Path(paths[table]).write_text(text.format(study=name))
        endings = {"svg": "svg", "html": "html", "png": "png", "vl_json": "vl.json", "data": "csv"}
        figure = {"name": "accuracy", "title": "Accuracy", "caption": "A caption with <tags> & signs"}
        figure |= {key: str(folder / f"accuracy.{ending}") for key, ending in endings.items()}
        studies.append(
            {
                "study": name,
                "title": f"Study <{name}>",
                "experiments": ["E1"],
                "question": "Is it so?",
                "figures": [figure],
                "tables": [paths["claims"]],
                **paths,
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
        "settings": {"epochs": 30, "models": {"mlp": {"hidden": [64, 64]}}},
        "provenance": [str(record)],
    }


def test_page_parses_and_loads_nothing(spec: dict[str, Any], tmp_path: Path) -> None:
    page = Page(render(spec, tmp_path / "index.html"))
    assert page.open == []
    for tag, attributes in page.tags:
        assert tag not in ("script", "iframe", "object", "img")
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
    assert {"figures/size/accuracy.vl.json", "figures/switch/accuracy.csv"} <= set(links)
    assert "figures/switch/claims.csv" in links
    for text in (
        "Figure 2.",
        "2 of 4 claims supported",
        "−1.93 pp",
        "−2.10 to −1.70",
        "fixed-b1024",
        "keras 3.15.1",
        "a" * 12,
    ):
        assert text in page.text
    pictures = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(pictures) == 2 and all(p["role"] == "img" and "Accuracy" in (p["aria-label"] or "") for p in pictures)


def test_clip_paths_of_two_figures_do_not_clash(spec: dict[str, Any], tmp_path: Path) -> None:
    html = render(spec, tmp_path / "index.html")
    for study in ("size", "switch"):
        assert f'id="{study}-accuracy-1"' in html and f"url(#{study}-accuracy-1)" in html


def test_text_is_escaped(spec: dict[str, Any], tmp_path: Path) -> None:
    html = render(spec, tmp_path / "index.html")
    assert "<script>" not in html and "&lt;script&gt;alert(1)" in html
    assert "Study &lt;size&gt;" in html and "A title with &lt;i&gt;" in html and "&lt;tags&gt; &amp; signs" in html


def test_page_is_reproducible(spec: dict[str, Any], tmp_path: Path) -> None:
    assert render(spec, tmp_path / "index.html") == render(spec, tmp_path / "index.html")


def test_a_missing_figure_is_one_line(spec: dict[str, Any], tmp_path: Path) -> None:
    Path(spec["studies"][0]["figures"][0]["svg"]).unlink()
    with pytest.raises(BatchlabError, match=r"accuracy\.svg: the figure is missing"):
        render(spec, tmp_path / "index.html")


def test_a_study_without_claims_and_records_is_fine(spec: dict[str, Any], tmp_path: Path) -> None:
    for study in spec["studies"]:
        del study["claims"], study["comparisons"]
    spec["provenance"] = [str(tmp_path / "absent.json")]
    assert "claims supported" not in Page(render(spec, tmp_path / "index.html")).text


def test_provenance_has_no_times(tmp_path: Path) -> None:
    record = tmp_path / "a.json"
    record.write_text(
        json.dumps({"started": "2020-01-01T00:00:00", "made_from": {"python": ["3.11"], "packages": ["a 1", "b 2"]}})
    )
    assert provenance([record, record]) == [("Python", "3.11"), ("Packages", "a 1, b 2")]


def test_settings_in_words() -> None:
    assert words({"hidden": [64, 64], "name": "mlp"}) == "hidden 64 64, name mlp"
