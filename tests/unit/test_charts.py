"""Figures: their numbers stand in a table; drawings are valid, reproducible, honest about n, and add no number."""

from __future__ import annotations

import itertools
import json
import math
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import vl_convert
from scipy import stats

from batchlab.charts import export, theme
from batchlab.charts.averaging import means
from batchlab.charts.axes import span_of, x_axis
from batchlab.charts.colours import from_top
from batchlab.charts.density.data import curve, normalised
from batchlab.charts.drawn import read_drawn
from batchlab.charts.figure import Figure, figure_from
from batchlab.charts.headings import finding_of
from batchlab.charts.line_ends import spread_out
from batchlab.charts.planned import data_spec, drawing_spec, setting_of, telling
from batchlab.charts.quantities import axes_of, quantity, series_of
from batchlab.charts.rows import rows_of
from batchlab.charts.telling import tell_apart
from batchlab.charts.words import number_text
from batchlab.declarations import find
from batchlab.declarations.columns import Column, Table
from batchlab.errors import BatchlabError
from batchlab.tables.base import HISTORY
from batchlab.tables.contract import columns_of
from batchlab.tables.csv_files import write_csv

CHARTS = sorted(find.charts())
SCRIPTS = Path(__file__).parents[2] / "scripts"
DECLARED: dict[str, Table] = {
    table.name: table for table in (HISTORY, *(table for probe in find.probes().values() for table in probe.tables))
}
SIZES = [4, 16, 64, 256, 1024]


def history(seeds: int = 3, optimizers: tuple[str, ...] = ("sgd", "adam")) -> pd.DataFrame:
    rows = []
    for optimizer, size, seed, epoch in itertools.product(optimizers, (16, 64, 1024), range(seeds), range(4)):
        accuracy = 0.9 + 0.02 * epoch - 0.00003 * size + 0.001 * seed
        rows.append(
            {
                "study": "s",
                "arm": f"{optimizer}-b{size}",
                "recipe": "fixed",
                "label": f"B = {size}",
                "seed": seed,
                "model": "mlp",
                "optimizer": optimizer,
                "batch_size": size,
                "accumulation": 1,
                "learning_rate": 0.1,
                "epoch": float(epoch),
                "updates": epoch * 1024 // size,
                "seconds": epoch * (1 + 0.01 * seed),
                "train_accuracy": accuracy + 0.01,
                "test_accuracy": accuracy,
                "test_loss": 1 / (1 + epoch),
                "status": "ok",
            }
        )
    return pd.DataFrame(rows)


def norms() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    rows = [
        {"study": "s", "arm": "a", "epoch": 2, "seed": 0, "method": "fixed_weights", "batch_size": size, "norm": value}
        for size in SIZES
        for value in size * generator.lognormal(0, 1 / np.sqrt(size), 50)
    ]
    return pd.DataFrame(rows)


def drift() -> pd.DataFrame:
    rows = [
        {
            "study": "s",
            "arm": "a",
            "seed": s,
            "accumulation": k,
            "updates": u,
            "relative_difference": (k > 1) * u * 1e-7 * (1 + s),
        }
        for k in (1, 4, 16)
        for s in range(3)
        for u in (1, 10, 100)
    ]
    return pd.DataFrame(rows)


def plane() -> pd.DataFrame:
    """Return the surface 1 + x² + 4 y² over a plane, and two paths in it."""
    common = {"study": "s", "arm": "a", "epoch": 0, "seed": 0, "rates": "same"}
    surface = [
        {**common, "first": x, "second": y, "loss": 1 + x**2 + 4 * y**2}
        for x in np.linspace(-2, 2, 9)
        for y in np.linspace(-1, 1, 9)
    ]
    paths = [
        {**common, "first": 0.1 * update, "second": size * 0.01 * (-1) ** update, "batch_size": size, "updates": update}
        for size in (16, 64)
        for update in range(5)
    ]
    return pd.DataFrame([*surface, *paths])


TABLES = {"history": history(), "gradient_norms": norms(), "weight_drift": drift(), "plane": plane()}
SPECS: dict[str, dict[str, Any]] = {
    "curves": {
        "table": "history",
        "x": "epoch",
        "y": ["train_accuracy", "test_accuracy"],
        "colour": "batch_size",
        "facet": "optimizer",
    },
    "points": {
        "table": "history",
        "x": "batch_size",
        "y": "test_accuracy",
        "x_scale": "log2",
        "colour": "optimizer",
        "where": {"epoch": "last"},
    },
    "density": {"table": "gradient_norms", "y": "norm"},
    "drift": {"table": "weight_drift", "x_scale": "log"},
    "heatmap": {
        "table": "history",
        "x": "batch_size",
        "y": "optimizer",
        "value": "test_accuracy",
        "where": {"epoch": "last"},
    },
    "contours": {
        "table": "plane",
        "x": "first",
        "y": "second",
        "value": "loss",
        "colour": "batch_size",
        "along": "updates",
    },
    "scatter": {
        "table": "history",
        "x": "test_loss",
        "x_scale": "log",
        "y": "test_accuracy",
        "colour": "batch_size",
        "facet": "optimizer",
        "along": "epoch",
    },
    "forest": {"table": "history", "y": "test_accuracy", "where": {"epoch": "last", "optimizer": "sgd"}},
}


def spec(chart: str, **changes: Any) -> dict[str, Any]:
    """Return a figure's settings as a campaign gives them; None takes one out."""
    values = {"chart": chart, "title": f"A {chart} figure", "caption": "c", **SPECS[chart], **changes}
    return {key: value for key, value in values.items() if value is not None}


def arms_of(tables: dict[str, pd.DataFrame], figure: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the arms of a study whose tables these are."""
    frame = tables[names_of(figure)[0]]
    settings = [name for name in SETTINGS if name in frame]
    last = frame.drop_duplicates("arm", keep="last")
    return [{str(key): value for key, value in row.items()} for row in last[settings].to_dict("records")]


SETTINGS = ("arm", "recipe", "label", "model", "optimizer", "batch_size", "accumulation", "learning_rate")


def names_of(figure: dict[str, Any]) -> list[str]:
    return [figure["table"]] if isinstance(figure["table"], str) else list(figure["table"])


def plain(value: Any) -> Any:
    """Return settings as a job reads them: from JSON."""
    return json.loads(json.dumps(value, sort_keys=True))


def settings(figure: dict[str, Any], tables: dict[str, pd.DataFrame]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of both jobs of a figure."""
    declared, arms = [DECLARED[name] for name in names_of(figure)], arms_of(tables, figure)
    drawing = {"batch_sizes": SIZES, "identity": "0123456789abcdef"}
    return (
        plain(data_spec("s", "f", figure, declared, arms)),
        plain(drawing_spec("s", "f", figure, declared, arms, **drawing)),
    )


def numbers(figure: dict[str, Any], tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the table of a figure."""
    wanted, _ = settings(figure, tables)
    known = figure_from(wanted)
    data: pd.DataFrame = import_module(f"batchlab.charts.{figure['chart']}.data").data(
        known, rows_of(known, wanted, tables)
    )
    return data


@pytest.fixture
def drawn(tmp_path: Path) -> Any:
    """Return a function that makes the table of a figure, writes it, and draws from the file alone."""

    def draw(chart: str, tables: dict[str, pd.DataFrame] | None = None, **changes: Any) -> dict[str, Any]:
        figure, tables = spec(chart, **changes), tables or TABLES
        path = tmp_path / f"{chart}.csv"
        write_csv(path, numbers(figure, tables))
        known = figure_from(settings(figure, tables)[1])
        return export.to_vega_lite(import_module(f"batchlab.charts.{chart}.draw").draw(known, read_drawn(path, known)))

    return draw


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping of a specification."""
    if isinstance(tree, dict):
        yield tree
        for item in tree.values():
            yield from nodes(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from nodes(item)


def colours_of(specification: dict[str, Any]) -> dict[int, str]:
    for node in nodes(specification):
        if node.get("field") == "batch_size" and "scale" in node:
            return dict(zip(node["scale"]["domain"], node["scale"]["range"], strict=True))
    raise AssertionError("no colour scale for batch_size")


def subtitle(specification: dict[str, Any]) -> str:
    return " ".join(specification["title"]["subtitle"])


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_a_flat_panel_beside_a_steep_one_has_lines_of_its_own(drawn: Any) -> None:
    """A surface 10,000 times steeper has nearly all levels; the other is drawn nevertheless, and that is said."""
    flat = plane()
    steep = flat.assign(rates="linear", loss=1 + 10_000 * (flat["loss"] - 1))
    alike = flat.assign(rates="linear", loss=1 + 2 * (flat["loss"] - 1))
    for other, own in ((steep, True), (alike, False)):
        both = {"plane": pd.concat([flat, other], ignore_index=True)}
        table = numbers(spec("contours", facet="rates", where={"epoch": 0}), both)
        lines = table[table["mark"] == "contour"]
        levels = {rates: set(panel["level"]) for rates, panel in lines.groupby("rates")}
        assert all(len(found) >= 3 for found in levels.values())
        assert (not levels["same"] & levels["linear"]) == own
        figure = drawn("contours", both, facet="rates")
        assert ("lines at other values in each panel" in subtitle(figure).lower()) == own
        panels = [node for node in nodes(figure) if "layer" in node]
        assert len(panels) == 2


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_is_valid_and_rendered_to_the_same_bytes(chart: str, drawn: Any) -> None:
    first, second = drawn(chart), drawn(chart)
    assert export.to_json(first) == export.to_json(second)
    svg = export.to_svg(first)
    assert svg == export.to_svg(second)
    assert export.to_png(svg)[:8] == b"\x89PNG\r\n\x1a\n"
    assert export.to_pdf(svg)[:5] == b"%PDF-" and export.to_pdf(svg) == export.to_pdf(svg)


@pytest.mark.parametrize("chart", CHARTS)
def test_every_number_that_is_drawn_stands_in_the_table(chart: str, drawn: Any, tmp_path: Path) -> None:
    specification = drawn(chart)
    cells = {
        float(cell)
        for line in (tmp_path / f"{chart}.csv").read_text().splitlines()[1:]
        for cell in line.split(",")
        if re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", cell)
    }
    values = [value for rows in specification["datasets"].values() for row in rows for value in row.values()]
    found = [value for value in values if isinstance(value, int | float)]
    assert len(found) > 10 and set(map(float, found)) <= cells


@pytest.mark.parametrize("chart", CHARTS)
def test_a_drawing_needs_no_statistics_and_no_tables(chart: str) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import batchlab.charts.export, batchlab.charts.drawn, batchlab.charts.%s.draw\n"
        "print(sorted({'pandas', 'numpy', 'scipy', 'tensorflow', 'batchlab.tables.selection'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code % chart, str(SCRIPTS)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("chart", CHARTS)
def test_settings_that_only_draw_change_no_number_and_others_redraw_nothing_alone(chart: str) -> None:
    declared = find.charts()[chart]
    before, drawing = settings(spec(chart), TABLES)
    for name in declared.only_drawn:
        value = {"sort": "value"}.get(name, [0, 1] if name.endswith("domain") else "Words")
        if name in {option.name for option in declared.options}:
            after, drawing_after = settings(spec(chart, **{name: value}), TABLES)
            assert after == before and drawing_after != drawing
    where = settings(spec(chart, where={**spec(chart).get("where", {}), "seed": "first"}), TABLES)
    assert where[0] != before and where[1] == drawing


def test_a_new_title_of_a_column_redraws_the_figures_that_use_it_and_computes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accuracy, loss = spec("curves"), spec("curves", y="test_loss")
    before = [settings(figure, TABLES) for figure in (accuracy, loss)]
    columns = columns_of([HISTORY])
    changed = {**columns, "test_loss": Column("test_loss", title="cross-entropy of the test set", series="test")}
    monkeypatch.setattr("batchlab.charts.planned.columns_of", lambda tables: changed)
    after = [settings(figure, TABLES) for figure in (accuracy, loss)]
    assert before[0] == after[0]
    assert before[1][1] != after[1][1]


@pytest.mark.parametrize("chart", CHARTS)
def test_the_order_of_rows_inside_arms_does_not_matter(chart: str, drawn: Any) -> None:
    table = SPECS[chart]["table"]
    # Names keep the order of the table, which is the campaign's; seeds and epochs may come in any order.
    shuffled = TABLES[table].sample(frac=1, random_state=1).sort_values(["arm"], kind="stable")
    ordered = TABLES[table].sort_values(["arm"], kind="stable")
    assert export.to_json(drawn(chart, {table: shuffled})) == export.to_json(drawn(chart, {table: ordered}))


def test_the_scripts_of_a_figure_lead_from_tables_to_five_formats(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    figure = spec("points")
    write_csv(tmp_path / "tables/history.csv", TABLES["history"])
    data, drawing = settings(figure, TABLES)
    outputs = {key: str(tmp_path / f"f.{key}") for key in ("svg", "png", "pdf", "html", "vl_json")}
    (tmp_path / "claims.csv").write_text("claim,finding\nworse,B = 64 ends 1 pp lower\n")
    bundle = {"bundle": str(tmp_path / "vega-bundle.js")}
    run_script("figure_data", data, {"tables": str(tmp_path / "tables")}, {"data": str(tmp_path / "f.csv")}, tmp_path)
    run_script("bundle_vega", {}, {}, bundle, tmp_path)
    inputs = {"data": str(tmp_path / "f.csv"), "claims": str(tmp_path / "claims.csv"), **bundle}
    run_script("draw_figure", {**drawing, "finding": "worse"}, inputs, outputs, tmp_path)
    assert all(Path(path).stat().st_size > 100 for path in outputs.values())
    rows = pd.read_csv(tmp_path / "f.csv").query("mark == 'mean'")
    drawn = json.loads(Path(outputs["vl_json"]).read_text())
    assert sorted(means_of(drawn)) == sorted(rows["mean"].tolist()) and len(rows) == 6
    # The finding is the title, what was called title before stands below it, and the source is written in the picture.
    assert drawn["title"]["text"] == ["B = 64 ends 1 pp lower"] and "A points figure" in subtitle(drawn)
    assert "batchlab · s/f · training 0123456789<" in Path(outputs["svg"]).read_text()
    assert '<script src="../vega-bundle.js">' in Path(outputs["html"]).read_text()
    assert "vegaEmbed" in Path(bundle["bundle"]).read_text()


def means_of(specification: dict[str, Any]) -> list[float]:
    """Return the means that are drawn, each once however many layers draw it."""
    rows = {json.dumps(row, sort_keys=True): row for data in values_of(specification) for row in data if "mean" in row}
    return [row["mean"] for row in rows.values()]


def values_of(specification: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the rows of each set of values of a specification."""
    return [list(data) for data in specification["datasets"].values()]


class Named(dict[str, Any]):
    """Named files as Snakemake gives them: iterated by value."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())


def run_script(name: str, spec: dict[str, Any], inputs: dict[str, Any], outputs: dict[str, str], logs: Path) -> None:
    params = SimpleNamespace(spec=json.dumps(spec), get=lambda key, default=None: default)
    snakemake = SimpleNamespace(
        params=params,
        input=Named(inputs),
        output=Named(outputs),
        threads=1,
        log=[str(logs / f"{name}.log")],
        rule=name,
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), {"snakemake": snakemake})


def test_a_figure_of_two_tables_draws_a_column_of_each(drawn: Any) -> None:
    drift_table = TABLES["weight_drift"].assign(epoch=0.0, probe="weight_drift")
    moments = pd.DataFrame(
        {"study": "s", "arm": "a", "epoch": 0.0, "seed": [0, 1, 2], "probe": "gradient_norms", "trace": [1.0, 2.0, 3.0]}
    )
    tables = {"weight_drift": drift_table, "gradient_moments": moments}
    figure = {"table": ["weight_drift", "gradient_moments"], "x": "trace", "y": "relative_difference", "x_scale": None}
    specification = drawn("points", tables, **figure, colour="seed", where={"updates": 100, "accumulation": 4})
    found = {(row["x"], row["mean"]) for rows in values_of(specification) for row in rows}
    # Seed s has the trace 1 + s and the difference 1e-5 (1 + s).
    assert found == {(1, 1e-5), (2, 2e-5), (3, 3e-5)}


def test_a_batch_size_has_one_colour_in_all_figures(drawn: Any) -> None:
    curves = colours_of(drawn("curves", where={"batch_size": [16, 64]}))
    densities = colours_of(drawn("density", where={"batch_size": [64, 1024]}))
    assert curves[64] == densities[64] == theme.batch_colours(SIZES)[64]


def test_a_probe_size_outside_the_campaign_moves_no_other_colour() -> None:
    campaign, wider = theme.batch_colours(SIZES), theme.batch_colours(SIZES, [32, 2, 4096])
    assert {size: wider[size] for size in SIZES} == campaign
    assert luminance(wider[16]) > luminance(wider[32]) > luminance(wider[64])


def test_batch_colours_are_ordered_and_readable_on_white() -> None:
    values = [luminance(colour) for colour in theme.batch_colours([2**k for k in range(12)]).values()]
    assert all(bright > dark for bright, dark in itertools.pairwise(values))


def all_scales() -> dict[str, list[str]]:
    sizes = {
        f"{count} batch sizes": list(theme.batch_colours([2**k for k in range(count)]).values()) for count in (3, 8)
    }
    ordered = {f"{count} ordered": theme.ordered_colours(count) for count in (2, 3, 4, 5)}
    return {**sizes, **ordered, "categories": list(theme.CATEGORIES)}


@pytest.mark.parametrize("scale", all_scales())
def test_every_line_can_be_seen_on_white_and_told_from_every_other(scale: str) -> None:
    colours = all_scales()[scale]
    # WCAG 2.1, 1.4.11: parts of a graphic have a contrast of 3 : 1.
    assert min(1.05 / (luminance(colour) + 0.05) for colour in colours) >= 3
    # A difference of about 2.3 in the Lab space is just noticed (Mahy et al. 1994); thin lines need several times that.
    assert min(difference(one, other) for one, other in itertools.combinations(colours, 2)) > 12


def test_words_in_the_colour_of_a_line_can_be_read() -> None:
    for colour in itertools.chain.from_iterable(all_scales().values()):
        assert 1.05 / (luminance(theme.readable(colour)) + 0.05) >= 4.5
    assert theme.readable("#0072b2") == "#0072b2"


def difference(one: str, other: str) -> float:
    """Return the distance of two colours in CIE L*a*b* (CIE 1976, D65)."""
    return float(np.linalg.norm(lab(one) - lab(other)))


def lab(colour: str) -> np.ndarray[Any, Any]:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (2, 1024, [3, 10, 30, 100, 300, 1000]),
        (0.5, 60, [0.5, 1, 2, 5, 10, 20, 50]),
        (550, 1250, [600, 700, 800, 900, 1000, 1100, 1200]),
        (88, 99, [88, 90, 92, 94, 96, 98]),
    ],
)
def test_logarithmic_axes_have_readable_ticks(low: float, high: float, ticks: list[float]) -> None:
    figure = Figure("s", "f", {"x": "updates", "x_scale": "log"}, {})
    assert x_axis(figure, [low, high], 300).to_dict()["axis"]["values"] == ticks


def test_axes_have_titles_with_units(drawn: Any) -> None:
    found = [node["title"] for node in nodes(drawn("curves", x="seconds")) if "field" in node and "title" in node]
    titles = {" ".join(title) if isinstance(title, list) else title for title in found}
    assert {"Training time (s)", "Accuracy (%)"} <= titles


def test_columns_that_share_an_axis_have_one_quantity() -> None:
    columns = columns_of([HISTORY])
    figure = Figure("s", "f", {"y": ["train_accuracy", "test_accuracy", "test_loss"], "panels": True}, columns)
    assert quantity(figure, "batch_size").axis == "batch size B (examples per update)"
    assert quantity(figure, "train_accuracy", "test_accuracy").axis == "accuracy (%)"
    both = quantity(figure, "test_accuracy", "test_loss")
    assert (both.title, both.unit, both.factor) == ("test accuracy, test loss", "", 1)
    assert quantity(figure, "norm_dense").axis == "norm dense"
    assert axes_of(figure) == [("train_accuracy", "test_accuracy"), ("test_loss",)]
    # Test comes first: it has the solid line.
    assert list(series_of(figure, ["train_accuracy", "test_accuracy"]).values()) == ["test", "train"]


def test_arms_are_told_apart_by_what_differs_between_them() -> None:
    arms = [{"recipe": "a", "label": "x", "batch_size": 4}, {"recipe": "a", "label": "y", "batch_size": 8}]
    (probe,) = find.probes()["running_statistics"].tables
    told = telling([probe], arms)
    assert "recipe" not in told and told.index("label") < told.index("statistics") < told.index("batch_size")


def test_means_and_intervals_are_those_of_scipy(drawn: Any) -> None:
    specification = drawn("points", where={"epoch": "last", "optimizer": "sgd", "batch_size": 64})
    row = next(row for data in values_of(specification) for row in data)
    values = TABLES["history"].query("optimizer == 'sgd' and batch_size == 64 and epoch == 3")["test_accuracy"] * 100
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((values.mean(), low, high), rel=1e-5)
    assert row["n"] == 3 and "n = 3 seeds" in subtitle(specification)


def test_one_seed_has_no_interval_and_says_so(drawn: Any) -> None:
    specification = drawn("curves", {"history": history(seeds=1)})
    assert "n = 1" in subtitle(specification)
    assert not any(
        node.get("mark", {}).get("type") == "area"
        for node in nodes(specification)
        if isinstance(node.get("mark"), dict)
    )


def test_diverged_runs_are_counted_and_left_out_as_a_whole(drawn: Any) -> None:
    table = history()
    bad = (table["arm"] == "sgd-b16") & (table["seed"] == 1)
    table.loc[bad & (table["epoch"] >= 2), "status"] = "diverged"
    table.loc[bad & (table["epoch"] >= 2), ["train_accuracy", "test_accuracy", "test_loss"]] = np.nan
    specification = drawn("curves", {"history": table}, facet=None, where={"optimizer": "sgd"})
    assert "1 diverged run not drawn" in subtitle(specification)
    counts = {row["n"] for data in specification["datasets"].values() for row in data if row.get("batch_size") == 16}
    assert counts == {2}


def test_a_study_in_which_everything_diverged_is_still_drawn(drawn: Any) -> None:
    table = history().assign(status="diverged", test_accuracy=np.nan, train_accuracy=np.nan)
    for chart in ("curves", "points", "forest", "heatmap"):
        assert "diverged" in json.dumps(drawn(chart, {"history": table}))


@pytest.mark.parametrize(
    ("mean", "half", "text"),
    [
        (0.987654, 0.0123, "0.988 ± 0.012"),
        (1.3e-13, 6e-14, "1.3e−13 ± 6e−14"),
        (-40.2, 8, "−40 ± 8"),
        (-1.0, 0.0, "−1"),
    ],
)
def test_a_forest_writes_numbers_that_can_be_read(mean: float, half: float, text: str) -> None:
    words = import_module("batchlab.charts.forest.draw")._words
    assert words({"mean": mean, "low": mean - half, "high": mean + half}) == text


@pytest.mark.parametrize("chart", ["curves", "forest"])
def test_an_empty_selection_is_one_line_that_names_figure_and_filter(chart: str) -> None:
    with pytest.raises(BatchlabError) as error:
        numbers(spec(chart, where={"batch_size": 48}), TABLES)
    message = str(error.value)
    assert "figure s/f" in message and "batch_size: 48" in message and "\n" not in message


def test_mistakes_are_one_line_each(tmp_path: Path) -> None:
    with pytest.raises(BatchlabError, match="figure s/f: column test_acuracy: no such column") as error:
        numbers(spec("curves", y="test_acuracy"), TABLES)
    assert "\n" not in str(error.value)
    with pytest.raises(BatchlabError, match="epoch"):
        numbers(spec("density"), {"gradient_norms": pd.concat([norms(), norms().assign(epoch=3)])})
    with pytest.raises(BatchlabError, match="several rows of one seed"):
        numbers(spec("points", where={}, colour="optimizer"), TABLES)
    with pytest.raises(BatchlabError, match="column batch_size: no such column"):
        numbers(spec("density"), {"gradient_norms": norms().drop(columns="batch_size")})
    known = figure_from(settings(spec("curves"), TABLES)[1])
    with pytest.raises(BatchlabError, match="no such table"):
        read_drawn(tmp_path / "gone.csv", known)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BatchlabError, match="not the table of a figure"):
        read_drawn(tmp_path / "other.csv", known)


def test_arms_of_one_batch_size_are_never_averaged_together(drawn: Any) -> None:
    faster = history(optimizers=("sgd",)).assign(
        recipe="faster", arm=lambda frame: "faster-" + frame["arm"], learning_rate=1.0
    )
    both = pd.concat([history(optimizers=("sgd",)), faster])
    specification = drawn("curves", {"history": both}, y="test_accuracy", facet=None)
    assert any(node.get("field") == "recipe" for node in nodes(specification))
    assert {row["n"] for data in specification["datasets"].values() for row in data} == {3}


def test_a_column_can_be_panel_and_colour_at_once(drawn: Any) -> None:
    specification = drawn("curves", facet="batch_size", y="test_accuracy", where={"optimizer": "sgd"})
    panels = {
        (panel["title"]["text"], row["batch_size"])
        for panel in specification["concat"]
        for node in nodes(panel)
        if "data" in node
        for row in specification["datasets"][node["data"]["name"]]
        if row
    }
    assert panels == {("B = 16", 16), ("B = 64", 64), ("B = 1024", 1024)}


def test_the_panels_of_a_map_share_one_legend_that_is_no_higher_than_they_are(drawn: Any) -> None:
    # Otherwise Vega draws one beside each panel, and a map of two rows leaves room below it as high as the legend.
    where = {"epoch": "last", "recipe": "fixed", "batch_size": {"min": 16, "max": 64}}
    specification = drawn("heatmap", where=where, x="optimizer", y="batch_size", facet="label")
    legends = [node for node in nodes(specification) if "gradientLength" in node]
    assert len(legends) == 1 and not any(node.get("color") == "independent" for node in nodes(specification))
    heights = {node["height"] for node in nodes(specification) if isinstance(node.get("height"), int)}
    assert legends[0]["gradientLength"] < min(heights)


def test_cells_are_in_the_order_of_the_numbers_that_name_them(drawn: Any) -> None:
    table = history(optimizers=("sgd",)).assign(
        recipe=lambda frame: frame["batch_size"].map({16: "c", 64: "a", 1024: "b"})
    )
    names = {"c": "64", "a": "1,024", "b": "16,384"}
    specification = drawn(
        "heatmap", {"history": table}, x="recipe", y="optimizer", where={"epoch": "last"}, names=names
    )
    orders = [node["sort"] for node in nodes(specification) if node.get("field") == "recipe" and "sort" in node]
    assert orders and all(order == ["c", "a", "b"] for order in orders)


def test_normalised_norms_have_the_mean_of_the_largest_batch() -> None:
    table = norms()
    scaled = table.assign(same=normalised(table, "norm", ["seed"])).groupby("batch_size")["same"].mean()
    assert scaled.to_numpy() == pytest.approx(np.full(len(SIZES), table[table["batch_size"] == 1024]["norm"].mean()))


def test_density_is_that_of_scipy_up_to_its_peak() -> None:
    values = np.random.default_rng(1).normal(10, 2, 200)
    points = curve(values, logarithmic=False)
    expected = stats.gaussian_kde(values)(points["x"])
    assert points["density"].to_numpy() == pytest.approx(expected / expected.max(), abs=2e-3)


def test_exact_zeros_are_named_where_a_logarithm_cannot_show_them(drawn: Any) -> None:
    assert "exactly 0: K = 1" in subtitle(drawn("drift"))


def test_ids_are_scoped_with_what_refers_to_them() -> None:
    svg = '<svg><clipPath id="clip7"/><g clip-path="url(#clip7)"/><use href="#clip7"/></svg>'
    assert export.scoped(svg, "a") == '<svg><clipPath id="a-1"/><g clip-path="url(#a-1)"/><use href="#a-1"/></svg>'


def test_interactive_page_loads_nothing_but_the_bundle_beside_it_and_escapes_its_caption(drawn: Any) -> None:
    page = export.to_html(drawn("curves"), "<b>", "a </script> & b", "../vega-bundle.js", "source & line")
    assert "<title>&lt;b&gt;</title>" in page and "a &lt;/script&gt; &amp; b" in page and "source &amp; line" in page
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"', page) == ["data:,", "../vega-bundle.js"]
    assert "Click in the legend" in page and export.javascript() == export.javascript()


def some_diverged() -> pd.DataFrame:
    """Return runs of which all of one batch size and optimizer, and one of another, have diverged."""
    table = history()
    lost = (table["arm"] == "sgd-b16") | ((table["arm"] == "adam-b64") & (table["seed"] == 0))
    return table.assign(status=np.where(lost, "diverged", "ok"))


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("seeds", ["all", "one", "diverged"])
def test_tooltips_name_only_what_the_rows_hold(chart: str, seeds: str, drawn: Any) -> None:
    histories = {"all": history(), "one": history(seeds=1), "diverged": some_diverged()}
    specification = drawn(chart, {**TABLES, "history": histories[seeds]})
    for node in nodes(specification):
        told = node.get("encoding", {}).get("tooltip", [])
        if not told:
            continue
        rows = specification["datasets"][node["data"]["name"]] if "data" in node else []
        for tip in told:
            # What is missing is shown as `undefined`, what is empty as `null`.
            assert all(row.get(tip["field"]) is not None for row in rows), (tip["field"], rows[:1])
            assert "_" not in tip["title"]


def test_an_interactive_figure_can_be_zoomed_and_its_legend_clicked(drawn: Any) -> None:
    still = drawn("curves")
    moving = export.interactive(still)
    kinds = {param["name"]: param for param in moving["params"]}
    assert kinds["chosen"]["bind"] == "legend" and kinds["chosen"]["select"]["fields"] == ["batch_size"]
    zooms = [param for param in moving["params"] if param.get("bind") == "scales"]
    assert len(zooms) == 2  # one for each panel
    names = [node["name"] for node in nodes(moving) if "mark" in node and "name" in node]
    assert sorted(names) == sorted(kinds["chosen"]["views"])
    assert sorted(view for param in zooms for view in param["views"]) == sorted(names)
    assert "params" not in still
    vl_convert.vegalite_to_svg(moving)


def test_signs_that_the_font_lacks_are_replaced(drawn: Any) -> None:
    specification = drawn("curves", y_title="‖w − w₀‖₂")
    assert "||w − w0||" in json.dumps(specification, ensure_ascii=False)
    specification = drawn("curves", names={"sgd": "η₁ ∝ √B"})
    text = json.dumps(specification, ensure_ascii=False)
    assert "η1 ~ √B" in text and "∝" not in text


def test_intervals_stay_within_the_bounds_of_their_column() -> None:
    values = {"test_accuracy": [0.9, 0.99, 1.0], "norm": [0, 9, 90]}
    rows = pd.DataFrame({"arm": "a", "seed": [0, 1, 2], "epoch": 1, **values})
    figure = Figure("s", "f", {"x": "epoch", "y": ["test_accuracy"]}, columns_of([HISTORY]))
    assert means(figure, rows, ["arm"], "test_accuracy", factor=100)["high"].item() == 100
    assert means(figure, rows, ["arm"], "norm")["low"].item() < 0


def test_the_table_of_a_figure_has_what_is_drawn_and_why_not_more(tmp_path: Path) -> None:
    table = history(optimizers=("sgd",))
    table.loc[(table["arm"] == "sgd-b16") & (table["seed"] == 1), "status"] = "diverged"
    frame = numbers(spec("curves", facet=None, x="updates", x_scale="log"), {"history": table})
    marks = frame.set_index("mark")["n"].groupby(level=0).apply(list)
    assert marks["diverged"] == [1]
    assert marks["selected"] == [len(table) - 4]
    # Of 8 runs, each at epoch 0 without an update.
    assert marks["beyond"] == [8]
    points = frame[frame["mark"] == "mean"]
    assert len(points) == 3 * 3 * 2 and (points["x"] > 0).all()
    # Numbers of seeds and of updates are whole although other rows have none.
    write_csv(tmp_path / "f.csv", frame)
    assert (tmp_path / "f.csv").read_text().splitlines()[1].startswith("mean,test_accuracy,16,64,")


def test_drift_has_geometric_means_and_counts_zeros() -> None:
    frame = numbers(spec("drift"), TABLES)
    at_100 = frame[(frame["mark"] == "mean") & (frame["accumulation"] == 4) & (frame["x"] == 100)]
    assert at_100["mean"].item() == pytest.approx(1e-5 * math.prod((1, 2, 3)) ** (1 / 3), rel=1e-5)
    assert frame[frame["mark"] == "zero"][["accumulation", "n"]].to_numpy().tolist() == [[1, 9]]


def minus_figure(**changes: Any) -> dict[str, Any]:
    figure = spec("curves", y="test_accuracy", facet=None, where={"optimizer": "sgd"}, minus={"batch_size": 64})
    return {**figure, **changes}


def test_differences_are_paired_by_seed() -> None:
    frame = numbers(minus_figure(), TABLES)
    drawn_sizes = set(frame[frame["mark"] == "mean"]["batch_size"])
    assert drawn_sizes == {16, 1024}
    # At every seed and epoch 64 lies 0.00003 · (1024 − 64) above 1024: no width, although seeds differ.
    last = frame[(frame["mark"] == "mean") & (frame["batch_size"] == 1024)]
    assert last[["mean", "low", "high"]].to_numpy() == pytest.approx(np.full((4, 3), -100 * 0.00003 * 960))
    shuffled = TABLES["history"].sample(frac=1, random_state=2).sort_values("arm", kind="stable")
    ordered = TABLES["history"].sort_values("arm", kind="stable")
    pd.testing.assert_frame_equal(
        numbers(minus_figure(), {"history": shuffled}), numbers(minus_figure(), {"history": ordered})
    )


def test_differences_are_told_in_points_and_name_their_reference(drawn: Any) -> None:
    changes = {key: value for key, value in minus_figure().items() if key not in ("chart", "title", "caption", "table")}
    text = json.dumps(drawn("curves", **changes, facet=None), ensure_ascii=False)
    assert "Test accuracy minus that of B = 64 (pp)" in text.replace('", "', " ")


@pytest.mark.parametrize(("minus", "message"), [({"batch_size": 48}, "no row"), ({"optimizer": "sgd"}, "several runs")])
def test_a_reference_must_be_one_run_of_each_seed(minus: dict[str, Any], message: str) -> None:
    with pytest.raises(BatchlabError, match=f"figure s/f: minus names {message}"):
        numbers(minus_figure(minus=minus), TABLES)


def test_single_seeds_are_drawn_with_the_median_which_is_a_run_that_exists() -> None:
    table = history(optimizers=("sgd",))
    # One of three seeds has collapsed; no run has their mean.
    table.loc[(table["batch_size"] == 16) & (table["seed"] == 2), "test_accuracy"] = 0.1
    figure = spec("curves", y="test_accuracy", facet=None, spread="seeds", where={"epoch": 3, "batch_size": 16})
    frame = numbers(figure, {"history": table})
    seeds = frame[frame["mark"] == "seed"].sort_values("seed")["value"]
    assert seeds.tolist() == pytest.approx([95.952, 96.052, 10])
    (middle,) = frame[frame["mark"] == "mean"]["mean"]
    assert middle == pytest.approx(95.952) and frame[frame["mark"] == "mean"]["low"].isna().all()


def test_means_on_a_logarithmic_axis_are_geometric_and_their_intervals_positive() -> None:
    table = history(optimizers=("sgd",)).query("batch_size == 16 and epoch == 3")
    table["test_loss"] = [0.001, 0.01, 10.0]
    figure = spec("points", y="test_loss", y_scale="log", colour=None, where={})
    row = numbers(figure, {"history": table}).iloc[0]
    logs = np.log([0.001, 0.01, 10.0])
    low, high = stats.t.interval(0.95, 2, logs.mean(), stats.sem(logs))
    assert (row["mean"], row["low"], row["high"]) == pytest.approx(tuple(np.exp([logs.mean(), low, high])), rel=1e-5)


def reaching(reached: list[int]) -> pd.DataFrame:
    arm = {"study": "s", "arm": "a", "recipe": "fixed", "label": "B = 16", "optimizer": "sgd", "model": "mlp"}
    rows = [
        {**arm, "batch_size": 16, "seed": s, "epoch": 4.0 * 2**s, "updates": 1, "r": r} for s, r in enumerate(reached)
    ]
    return pd.DataFrame(rows).rename(columns={"r": "accumulation"})


@pytest.mark.parametrize(("reached", "bars"), [([1, 1, 1], True), ([1, 0, 0], False)])
def test_runs_that_end_before_their_target_are_arrows_without_interval(
    drawn: Any, reached: list[int], bars: bool
) -> None:
    changes = {"y": "epoch", "y_scale": "log", "colour": None, "where": None, "reached": "accumulation"}
    tables = {"history": reaching(reached)}
    row = numbers(spec("points", **changes), tables).iloc[0]
    assert row["mean"] == pytest.approx(8) and row["censored"] == reached.count(0) and pd.notna(row["low"]) == bars
    told = json.dumps(drawn("points", tables, **changes), ensure_ascii=False)
    assert ("\u2191" in told) != bars and ("ended before the target" in told.lower()) != bars


CLAIM = {"value": "test_accuracy", "source": "Someone 1999"}
REFERENCE = {"minus": {"batch_size": 64, "optimizer": "sgd", "epoch": "last"}}


@pytest.mark.parametrize(
    ("claim", "low", "high", "text"),
    [
        ({"test": "level", "expect": {"min": 0.9, "max": 0.95}}, 90, 95, "published: Someone 1999"),
        ({"test": "level", "expect": {"max": 0.963}, "published_value": 0.96}, 96, 96, "published: Someone 1999"),
        # B = 64 ends at 0.9 + 0.06 − 0.00192 + 0.001 as the mean of its seeds.
        ({"test": "equal", "margin": 0.003, "expect": "equal", **REFERENCE}, 95.608, 96.208, "margin of the claim"),
        (
            {"test": "difference", "expect": "less", "published_value": {"min": -0.02, "max": -0.01}, **REFERENCE},
            *(93.908, 94.908, "published: Someone 1999"),
        ),
        ({"test": "ratio", "expect": {"min": 0.5}, **REFERENCE}, 47.954, None, "published: Someone 1999"),
    ],
)
def test_what_was_published_is_drawn_where_it_lies_on_the_axis(
    claim: dict[str, Any], low: float, high: float | None, text: str
) -> None:
    figure = spec("points", where={"epoch": "last", "optimizer": "sgd"}, colour=None, regions=["c", "gone"])
    declared, arms = [HISTORY], arms_of(TABLES, figure)
    wanted = plain(data_spec("s", "f", figure, declared, arms, claims={"c": {**CLAIM, **claim}}))
    known = figure_from(wanted)
    data = import_module("batchlab.charts.points.data").data(known, rows_of(known, wanted, TABLES))
    (region,) = data[data["mark"] == "region"].to_dict("records")
    assert region["low"] == pytest.approx(low) and region["text"] == text
    assert pd.isna(region["high"]) if high is None else region["high"] == pytest.approx(high)


def test_changes_of_batch_size_or_rate_are_upright_lines(drawn: Any) -> None:
    figure = spec("curves", facet=None, y="test_accuracy", where={"optimizer": "sgd"})
    wanted = plain(data_spec("s", "f", figure, [HISTORY], arms_of(TABLES, figure), changes=[2, 30]))
    known = figure_from(wanted)
    data = import_module("batchlab.charts.curves.data").data(known, rows_of(known, wanted, TABLES))
    # Epoch 30 lies beyond what is drawn.
    assert data[data["mark"] == "change"]["x"].tolist() == [2]


def test_a_figure_says_what_was_trained_and_keeps_quiet_about_what_it_tells_apart() -> None:
    arm = {
        "recipe": "fixed",
        "dataset": "digits",
        "model": "mlp",
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "batch_size": 16,
    }
    arms = [arm, {**arm, "recipe": "faster", "learning_rate": 1.0}, {**arm, "recipe": "adam", "optimizer": "adam"}]
    columns = columns_of([HISTORY])
    only = {"where": {"recipe": "fixed", "epoch": "last"}, "colour": "batch_size"}
    assert setting_of(only, arms, columns) == "digits · MLP · SGD · learning rate 0.1"
    assert setting_of({"where": {"recipe": ["fixed", "faster"]}}, arms, columns).endswith(
        "SGD · learning rate 0.1 and 1"
    )
    assert setting_of({"facet": "optimizer"}, arms, columns) == "digits · MLP · learning rate 0.1 and 1"
    # Two data sets of one title are told once.
    titles = {"digits": "Tiny Shakespeare", "lines": "Tiny Shakespeare"}
    both = [*arms, *({**arm, "dataset": "lines"} for arm in arms)]
    assert setting_of({"facet": "optimizer"}, both, columns, titles).startswith("Tiny Shakespeare · MLP")


@pytest.mark.parametrize(("along", "symbol"), [(None, "circle"), ("epoch", "stroke")])
def test_a_legend_shows_symbols_that_have_the_colour_of_what_is_drawn(
    drawn: Any, along: str | None, symbol: str
) -> None:
    """A stroke has no colour where only fills have one."""
    specification = drawn("scatter", colour="batch_size", along=along)
    found = {
        node["legend"]["symbolType"] for node in nodes(specification) if "symbolType" in (node.get("legend") or {})
    }
    assert found == {symbol}


def test_a_rate_that_changes_from_phase_to_phase_is_not_told_by_its_last_value() -> None:
    arm = {"recipe": "a", "dataset": "digits", "model": "mlp", "optimizer": "sgd", "learning_rate": 0.01}
    phases = "2 epochs, B = 64, lr = {} → 2 epochs, B = 128, lr = {}"
    falling, steady = ({**arm, "phases": phases.format(first, 0.01)} for first in (0.1, 0.01))
    assert setting_of({}, [falling], columns_of([HISTORY])) == "digits · MLP · SGD"
    assert setting_of({}, [steady], columns_of([HISTORY])) == "digits · MLP · SGD · learning rate 0.01"


def test_symbols_that_are_moved_aside_stay_inside_and_make_room_in_their_own_panel_alone(drawn: Any) -> None:
    def shifts(**changes: Any) -> tuple[float, float]:
        found = list(nodes(drawn("points", {"history": table}, y_scale="linear", where={"epoch": "last"}, **changes)))
        paddings = [node["scale"]["padding"] for node in found if "padding" in node.get("scale", {})]
        return max(abs(node.get("xOffset", 0)) for node in found), min(paddings)

    names = tuple("abcdefg")
    table = history(optimizers=names).assign(test_accuracy=0.9)
    table["model"] = table["optimizer"].map(dict(zip(names, "mmmnnoo", strict=True)))
    most, padding = shifts(colour="optimizer", facet=None)
    assert most == 18 and padding >= most + 3
    most, padding = shifts(colour="optimizer", facet="model")
    assert most == 6 and padding == 10


@pytest.mark.parametrize("apart", [0.0001, 0.3])
def test_bars_that_the_frame_cuts_off_are_told(drawn: Any, apart: float) -> None:
    table = history()
    table["test_accuracy"] = 0.5 + apart * (table["seed"] - 1)
    told = subtitle(drawn("points", {"history": table}))
    assert ("bars that end at the frame go on beyond it" in told) is (apart > 0.1)


def test_batch_sizes_with_a_best_rate_at_an_end_of_the_grid_are_told(drawn: Any) -> None:
    table = history().assign(grid_end="")
    told = "B = 16 and 1,024, rates reach an end of those that were tried"
    assert told not in subtitle(drawn("points", {"history": table}))
    table.loc[(table["batch_size"] == 16) & (table["seed"] == 1), "grid_end"] = "low"
    table.loc[table["batch_size"] == 1024, "grid_end"] = "high"
    assert told in subtitle(drawn("points", {"history": table}))


def test_names_at_the_ends_of_lines_do_not_overlap_and_keep_their_order() -> None:
    wished = [50.0, 51.0, 52.0, 200.0, 319.0, 320.0]
    places = spread_out(wished, 320)
    assert places == sorted(places) and min(b - a for a, b in itertools.pairwise(places)) >= 13
    assert all(0 <= place <= 320 for place in places)
    # What is far from all others stays, and a crowd is spread around its middle.
    assert places[3] == 200 and sum(places[:3]) == pytest.approx(sum(wished[:3]))


def test_no_axis_shows_what_cannot_be() -> None:
    figure = Figure("s", "f", {"x": "epoch", "y": ["test_accuracy"]}, {})
    span = span_of(figure, [{"mean": 0.1, "low": -3, "high": 4}, {"mean": 6, "low": None, "high": None}], 300, "linear")
    assert span.low == 0 and span.high > 6
    assert span.pixel(span.high) == 0 and span.pixel(span.low) == 300
    wide = span_of(
        figure, [{"mean": 1e-9, "low": 1e-30, "high": 1}, {"mean": 1e-7, "low": None, "high": None}], 300, "log"
    )
    # An interval over decades does not flatten the lines.
    assert 1e-11 < wide.low < 1e-9 and 1e-7 < wide.high < 1e-5


def test_a_forest_of_perfect_accuracies_ends_at_100_percent(drawn: Any) -> None:
    specification = drawn("forest", {"history": history().assign(test_accuracy=1.0)}, y="test_accuracy")
    [domain] = {tuple(node["scale"]["domain"]) for node in nodes(specification) if node.get("field") == "mean"}
    assert domain == (99, 100)


def test_the_same_number_in_all_seeds_has_no_interval_for_show(drawn: Any) -> None:
    table = history().assign(test_accuracy=0.5)
    assert "The same in all 3 seeds" in subtitle(drawn("points", {"history": table}))


def test_thousands_are_separated_where_numbers_are_long() -> None:
    assert [number_text(value) for value in (64, 1024, 30000, 0.03, 55000.0)] == [
        "64",
        "1024",
        "30,000",
        "0.03",
        "55,000",
    ]


def test_a_finding_is_read_from_the_claims_and_missing_ones_leave_the_neutral_title(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_text("claim,finding\na,B = 4 is best\nb,\n")
    figure = Figure("s", "f", {}, {}, title="Accuracy")
    assert figure.titled(finding_of(path, "a")).heading == "B = 4 is best"
    assert figure.titled(finding_of(path, "b")).heading == "Accuracy"
    with pytest.raises(BatchlabError, match="no claim c; name one of a, b"):
        finding_of(path, "c")


def test_times_of_one_machine_have_no_interval_over_seeds(drawn: Any) -> None:
    changes = {"y": "seconds", "colour": None, "where": {"epoch": 3, "optimizer": "sgd"}}
    frame = numbers(spec("points", **changes), TABLES)
    points = frame[frame["mark"] == "mean"]
    # Seed s takes 3 · (1 + 0.01 s) seconds.
    assert points["mean"].tolist() == pytest.approx([3.03] * 3) and points[["low", "high"]].isna().all(axis=None)
    assert "one machine, so no interval" in subtitle(drawn("points", **changes))


def test_arms_among_which_the_data_choose_are_one_setting() -> None:
    """Two seeds of one batch size, each at the rate that the other chose, are one point and no two."""
    rows = pd.DataFrame(
        {"arm": ["a", "b"], "seed": [0, 1], "batch_size": 16, "learning_rate": [0.1, 0.2], "updates": 9}
    )
    figure = Figure("s", "f", {"x": "batch_size", "y": ["updates"]}, {}, tells=("learning_rate",))
    assert tell_apart(figure, rows)[0].dash == "learning_rate"
    assert tell_apart(replace(figure, chosen=("arm", "learning_rate")), rows) == (
        replace(figure, chosen=("arm", "learning_rate")),
        [],
    )


def test_a_curve_through_points_of_different_colours_is_one_line_and_seeds_behind_a_row_are_told(drawn: Any) -> None:
    rows = [
        {"study": "s", "dataset": "d", "model": "mlp", "optimizer": "sgd", "batch_size": size, "seeds": 8}
        | {"updates": 5000 // size, "examples": 5000 + 40 * size, "fitted_examples": 5100 + 40 * size}
        for size in SIZES
    ]
    DECLARED["hyperbola_curve"] = find.derivations()["hyperbola_curve"].table
    figure = {"table": "hyperbola_curve", "x": "updates", "y": "examples", "x_scale": "log", "where": {}}
    tables = {"hyperbola_curve": pd.DataFrame(rows).assign(arm="a", label="l", recipe="r")}
    specification = drawn("points", tables, **figure, colour="batch_size", predicted="fitted_examples")
    found = [node for node in nodes(specification) if "encoding" in node]
    [line] = [node for node in found if node["encoding"].get("y", {}).get("field") == "predicted"]
    assert line["mark"]["type"] == "line"
    assert "batch_size" not in [part["field"] for part in line["encoding"]["detail"]]
    assert "n = 8 seeds together" in subtitle(specification) and "One seed" not in subtitle(specification)


def test_a_legend_follows_the_ends_of_lines_if_they_end_together() -> None:
    figure = Figure("s", "f", {"colour": "learning_rate"}, {})
    ends = {0.1: (32, 3.0), 0.2: (32, 1.0), 0.05: (32, 2.0)}
    rows = [{"learning_rate": rate, "x": x, "mean": mean} for rate, (x, mean) in ends.items()]
    assert from_top(figure, rows) == [0.1, 0.05, 0.2]
    # Then the numbers' own order, which is that of the colours.
    assert from_top(figure, [*rows, {"learning_rate": 0.2, "x": 64, "mean": 9.0}]) == []
