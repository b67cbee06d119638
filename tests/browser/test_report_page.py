"""The report in a real browser without network: no console errors, nothing wider than the window."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

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
# A window is never as narrow as a telephone, so the page is measured inside a frame of the wanted width.
FRAME = """<!DOCTYPE html><meta charset="utf-8"><body>
<iframe src="{name}" style="width:{width}px;height:900px;border:0"></iframe>
<script>onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  document.body.dataset.measured = page.documentElement.scrollWidth + " of " + page.documentElement.clientWidth
    + ", " + page.querySelectorAll("svg").length + " figures";
}};</script>"""


def dump(page: Path, profile: Path) -> tuple[str, str]:
    """Return the document after loading, and the console."""
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


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
    }
    report = {
        "campaign": "quick",
        "title": "Title",
        "summary": "S",
        "studies": [study],
        "settings": {"commit": "a" * 200},
    }
    (folder / "index.html").write_text(render(report, folder / "index.html"), encoding="utf-8")
    return folder


@pytest.mark.parametrize("width", [1280, 420])
def test_nothing_is_wider_than_the_window(folder: Path, tmp_path: Path, width: int) -> None:
    frame = folder / f"frame{width}.html"
    frame.write_text(FRAME.format(name="index.html", width=width), encoding="utf-8")
    document, console = dump(frame, tmp_path / "profile")
    measured = re.search(r'data-measured="(\d+) of (\d+), (\d+) figures"', document)
    assert measured is not None, document[:500]
    content, window, figures = map(int, measured.groups())
    assert content <= window <= width
    assert figures == 3
    assert console == ""


def test_the_interactive_figure_draws_itself(folder: Path, tmp_path: Path) -> None:
    document, console = dump(folder / "f.html", tmp_path / "profile")
    assert re.search(r'<svg[^>]+class="marks"', document) and "Epoch" in document
    assert console == ""
