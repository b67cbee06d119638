"""The report in a real browser without network: no console errors, nothing wider than the window."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import axe_core_python
import pandas as pd
import pytest

from batchlab.charts import export
from batchlab.charts.curves.data import data
from batchlab.charts.curves.draw import draw
from batchlab.charts.drawn import read_drawn
from batchlab.charts.figure import figure_from
from batchlab.charts.planned import data_spec, drawing_spec
from batchlab.charts.rows import rows_of
from batchlab.report import render
from batchlab.tables.base import HISTORY
from batchlab.tables.csv_files import write_csv

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium binary on the path")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--allow-file-access-from-files",
    ),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--virtual-time-budget=4000"),
)
# A window is never as narrow as a telephone, so the page is asked inside a frame of the wanted width.
FRAME = """<!DOCTYPE html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><body>
<iframe src="{name}" style="width:{width}px;height:900px;border:0"></iframe>
<script>
onload = async () => {{
  const page = document.querySelector("iframe").contentDocument;
  const later = milliseconds => new Promise(done => setTimeout(done, milliseconds));
  document.body.dataset.answer = JSON.stringify(await (async () => {{ {question} }})());
}};</script>"""
# axe-core finds what people who read with a keyboard, a screen reader or weak eyes would miss; one line for each fault.
AXE = """
  const view = page.defaultView, script = page.createElement("script");
  script.src = "{axe}";
  page.head.append(script);
  await new Promise(done => script.onload = done);
  const found = await view.axe.run(page, {{iframes: false, resultTypes: ["violations"]}});
  return found.violations.flatMap(rule => rule.nodes.map(node => rule.id + ": " + node.html.slice(0, 90)));
""".format(axe=(Path(axe_core_python.__file__).parent / "axe.min.js").as_uri())
DARK = "--blink-settings=preferredColorScheme=0"


def dump(page: Path, profile: Path, *flags: str) -> tuple[str, str]:
    """Return the document after loading, and the console."""
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, *flags, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def ask(page: Path, profile: Path, question: str, width: int = 1280, flags: tuple[str, ...] = ()) -> Any:
    """Return what a script answers about a page that is open in a frame; nothing may be written to the console."""
    frame = page.with_name(f"frame-{profile.parent.name}.html")
    text = FRAME.format(name=page.name, width=width, question=question)
    frame.write_text(text, encoding="utf-8")
    document, console = dump(frame, profile, *flags)
    assert console == ""
    answer = re.search(r'data-answer="([^"]*)"', document)
    assert answer is not None, document[:500]
    return json.loads(html.unescape(answer[1]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with one real figure and a claim of long words."""
    folder = tmp_path_factory.mktemp("report")
    table = pd.DataFrame(
        [
            {
                "arm": f"b{b}",
                "seed": s,
                "batch_size": b,
                "epoch": float(e),
                "test_accuracy": 0.9 + 0.01 * e + s / 1e3 - b / 1e5,
            }
            for b in (16, 64, 1024)
            for s in range(3)
            for e in range(5)
        ]
    )
    spec = {
        "chart": "curves",
        "table": "history",
        "title": "Accuracy",
        "x": "epoch",
        "y": "test_accuracy",
        "colour": "batch_size",
    }
    arms = [{"arm": f"b{size}", "batch_size": size} for size in (16, 64, 1024)]
    settings = data_spec("size", "f", spec, [HISTORY], arms)
    figure = figure_from(settings)
    write_csv(folder / "f.csv", data(figure, rows_of(figure, settings, {"history": table})))
    drawing = drawing_spec("size", "f", spec, [HISTORY], arms, batch_sizes=[16, 64, 1024], identity="")
    figure = figure_from(drawing)
    specification = export.to_vega_lite(draw(figure, read_drawn(folder / "f.csv", figure)))
    (folder / "f.svg").write_text(export.to_svg(specification), encoding="utf-8")
    (folder / "vega-bundle.js").write_text(export.javascript(), encoding="utf-8")
    page = export.to_html(specification, "Accuracy", "Caption", "vega-bundle.js")
    (folder / "f.html").write_text(page, encoding="utf-8")
    (folder / "claims.csv").write_text(
        "claim,statement,source,published,measured,ci_low,ci_high,n,verdict,figure,unit,expected,note\n"
        f"c,{'Averyveryverylongword' * 8},Shen 2018,96 %,-1.9,-2.1,-1.7,5,supported,f,pp,< 0,\n"
    )
    (folder / "arms.csv").write_text(
        "arm,label,model,optimizer,learning_rate,phases\nb16,B = 16,mlp,sgd,0.1,5 epochs\n"
    )
    (folder / "provenance.json").write_text(json.dumps({"made_from": {"packages": ["keras 3"], "commit": ["a" * 40]}}))
    figure = {
        "name": "f",
        "title": "Accuracy",
        "caption": "Caption",
        "svg": str(folder / "f.svg"),
        "html": str(folder / "f.html"),
        "data": str(folder / "f.csv"),
    }
    study = {
        "study": "size",
        "title": "Batch size",
        "question": "Is it so?",
        "figures": [figure],
        "claims": str(folder / "claims.csv"),
        "arms": str(folder / "arms.csv"),
    }
    shen = {
        "key": "shen",
        "short": "Shen 2018",
        "authors": ["K. Shen"],
        "year": 2018,
        "title": "T",
        "url": "https://x.org",
    }
    report = {
        "campaign": "quick",
        "title": "Title",
        "summary": "S",
        "studies": [study],
        "settings": {"commit": "a" * 200},
        "references": [shen],
        "citation": {"authors": ["The authors"], "version": "1"},
        "provenance": [str(folder / "provenance.json")],
    }
    (folder / "index.html").write_text(render(report, folder / "index.html"), encoding="utf-8")
    return folder


@pytest.mark.parametrize("width", [1280, 420])
def test_nothing_is_wider_than_the_window(folder: Path, tmp_path: Path, width: int) -> None:
    question = "const root = page.documentElement; return [root.scrollWidth, root.clientWidth];"
    content, window = ask(folder / "index.html", tmp_path / "profile", question, width)
    assert content <= window <= width


@pytest.mark.parametrize(("width", "flags"), [(1280, ()), (420, ()), (1280, (DARK,))])
def test_everybody_can_read_the_page(folder: Path, tmp_path: Path, width: int, flags: tuple[str, ...]) -> None:
    assert ask(folder / "index.html", tmp_path / "profile", AXE, width, flags) == []


def test_everybody_can_read_an_interactive_figure(folder: Path, tmp_path: Path) -> None:
    assert ask(folder / "f.html", tmp_path / "profile", AXE) == []


def test_faults_of_reading_are_found(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><h1>One</h1><h3></h3>'
        '<p style="color: #999; background: #fff">pale</p><svg role="img" width="9" height="9"></svg><input>'
        '<div style="width: 50px; overflow-x: auto"><p style="width: 500px">wide</p></div>'
    )
    found = {line.partition(": ")[0] for line in ask(page, tmp_path / "profile", AXE, 420)}
    wanted = {"html-has-lang", "document-title", "landmark-one-main", "empty-heading", "color-contrast", "label"}
    assert wanted | {"svg-img-alt", "scrollable-region-focusable"} <= found


def test_links_within_the_page_lead_somewhere(folder: Path, tmp_path: Path) -> None:
    question = """
      const links = [...page.querySelectorAll("a[href^='#']")].map(link => decodeURIComponent(link.hash.slice(1)));
      return [links.length > 5, links.filter(target => !page.getElementById(target)), links[0]];"""
    some, dead, first = ask(folder / "index.html", tmp_path / "profile", question)
    assert some and dead == []
    assert first == "answer"  # skips the contents


def test_the_first_figure_is_on_the_first_screen(folder: Path, tmp_path: Path) -> None:
    question = 'return page.querySelector("main figure svg").getBoundingClientRect().top;'
    assert ask(folder / "index.html", tmp_path / "profile", question) < 600


def test_a_click_opens_the_interactive_figure_in_its_place(folder: Path, tmp_path: Path) -> None:
    question = """
      const link = page.querySelector("a.live"), canvas = link.closest("figure").querySelector(".canvas");
      link.click();
      const frame = canvas.querySelector("iframe"), hidden = canvas.querySelector("svg").style.display;
      for (let tries = 0; tries < 50 && !frame.contentDocument.querySelector("svg.marks"); tries++) await later(100);
      const drawn = Boolean(frame.contentDocument.querySelector("svg.marks"));
      link.click();
      const frames = canvas.querySelectorAll("iframe").length;
      return [frame.title, hidden, drawn, frames, canvas.querySelector("svg").style.display];"""
    flags = ("--virtual-time-budget=9000",)
    assert ask(folder / "index.html", tmp_path / "profile", question, flags=flags) == [
        *("Interactive figure: Figure 1, Accuracy", "none", True, 0, ""),
    ]


def test_search_finds_figures_and_claims_and_print_opens_what_is_folded(folder: Path, tmp_path: Path) -> None:
    question = """
      const input = page.getElementById("search"), view = page.defaultView;
      input.value = "very long";
      input.dispatchEvent(new view.Event("input"));
      const found = [...page.querySelectorAll("#found a")].map(link => link.getAttribute("href"));
      const count = page.getElementById("count").textContent;
      view.dispatchEvent(new view.Event("beforeprint"));
      const all = [...page.querySelectorAll("main details")];
      return [found, count, all.filter(one => !one.open).length, all.length > 0];"""
    assert ask(folder / "index.html", tmp_path / "profile", question) == [["#size-claim-c"], "1 place", 0, True]


def test_the_interactive_figure_draws_itself(folder: Path, tmp_path: Path) -> None:
    document, console = dump(folder / "f.html", tmp_path / "profile")
    assert re.search(r'<svg[^>]+class="marks"', document) and "Epoch" in document
    assert console == ""
