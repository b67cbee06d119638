"""Figures: valid, reproducible, honest about n and divergence, one colour for one batch size."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import vl_convert
from batchlab.charts.aggregate import summarise
from batchlab.charts.drawing import CHARTS, draw
from scipy import stats

from batchlab.charts import export, marks, theme
from batchlab.charts import words as columns
from batchlab.charts.density import draw as density
from batchlab.charts.figure import Figure, figure_from
from batchlab.errors import BatchlabError

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


TABLES = {"history": history(), "gradient_norms": norms(), "weight_drift": drift()}
COMMON: dict[str, Any] = {
    "study": "s",
    "batch_sizes": SIZES,
    "identity": "0123456789abcdef",
    "caption": "c",
    "name": "f",
}
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
    "forest": {"table": "history", "y": "test_accuracy", "where": {"epoch": "last", "optimizer": "sgd"}},
}


def spec(chart: str, **changes: Any) -> dict[str, Any]:
    return {**COMMON, "chart": chart, "title": f"A {chart} figure", **SPECS[chart], **changes}


def drawn(chart: str, tables: dict[str, pd.DataFrame] | None = None, **changes: Any) -> dict[str, Any]:
    return export.to_vega_lite(draw(spec(chart, **changes), tables or TABLES))


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


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_is_valid_and_rendered_to_the_same_bytes(chart: str) -> None:
    first, second = drawn(chart), drawn(chart)
    assert export.to_json(first) == export.to_json(second)
    svg = export.to_svg(first)
    assert svg == export.to_svg(second)
    assert export.to_png(svg)[:8] == b"\x89PNG\r\n\x1a\n"
    assert "0123456789" in subtitle(first) and "0123456789a" not in subtitle(first)


@pytest.mark.parametrize("chart", CHARTS)
def test_the_order_of_rows_inside_arms_does_not_matter(chart: str) -> None:
    table = SPECS[chart]["table"]
    # Names keep the order of the table, which is the campaign's; seeds and epochs may come in any order.
    shuffled = TABLES[table].sample(frac=1, random_state=1).sort_values(["arm"], kind="stable")
    ordered = TABLES[table].sort_values(["arm"], kind="stable")
    assert export.to_json(drawn(chart, {table: shuffled})) == export.to_json(drawn(chart, {table: ordered}))


def test_a_batch_size_has_one_colour_in_all_figures() -> None:
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
    assert 1.05 / (max(values) + 0.05) > 2.0


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
    curves = pd.DataFrame({"x": [low, high]})
    figure = Figure(chart="curves", table="history", x="updates", x_scale="log")
    assert marks.x_axis(figure, curves["x"], 300).to_dict()["axis"]["values"] == ticks


def test_axes_have_titles_with_units() -> None:
    found = [node["title"] for node in nodes(drawn("curves", x="seconds")) if "field" in node and "title" in node]
    titles = {" ".join(title) if isinstance(title, list) else title for title in found}
    assert {"Training time (s)", "Accuracy (%)"} <= titles
    assert columns.quantity("batch_size").axis == "batch size B (examples per update)"
    assert columns.quantity("generalisation_gap").factor == 100


def test_means_and_intervals_are_those_of_scipy() -> None:
    specification = drawn("points", where={"epoch": "last", "optimizer": "sgd", "batch_size": 64})
    (row,) = [row for data in specification["datasets"].values() for row in data]
    values = TABLES["history"].query("optimizer == 'sgd' and batch_size == 64 and epoch == 3")["test_accuracy"] * 100
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((values.mean(), low, high), rel=1e-5)
    assert row["n"] == 3 and "n = 3 seeds" in subtitle(specification)


def test_one_seed_has_no_interval_and_says_so() -> None:
    specification = drawn("curves", {"history": history(seeds=1)})
    assert "n = 1" in subtitle(specification)
    assert not any(
        node.get("mark", {}).get("type") == "area"
        for node in nodes(specification)
        if isinstance(node.get("mark"), dict)
    )


def test_diverged_runs_are_counted_and_left_out_as_a_whole() -> None:
    table = history()
    bad = (table["arm"] == "sgd-b16") & (table["seed"] == 1)
    table.loc[bad & (table["epoch"] >= 2), "status"] = "diverged"
    table.loc[bad & (table["epoch"] >= 2), ["train_accuracy", "test_accuracy", "test_loss"]] = np.nan
    specification = drawn("curves", {"history": table}, facet=None, where={"optimizer": "sgd"})
    assert "1 diverged run not drawn" in subtitle(specification)
    counts = {row["n"] for data in specification["datasets"].values() for row in data if row["batch_size"] == 16}
    assert counts == {2}


def test_a_study_in_which_everything_diverged_is_still_drawn() -> None:
    table = history().assign(status="diverged", test_accuracy=np.nan, train_accuracy=np.nan)
    for chart in ("curves", "points", "forest", "heatmap"):
        assert "diverged" in json.dumps(drawn(chart, {"history": table}))


@pytest.mark.parametrize("chart", ["curves", "forest"])
def test_an_empty_selection_is_one_line_that_names_figure_and_filter(chart: str) -> None:
    with pytest.raises(BatchlabError) as error:
        drawn(chart, where={"batch_size": 48})
    message = str(error.value)
    assert "figure s/f" in message and "batch_size: 48" in message and "\n" not in message


def test_mistakes_are_one_line_each() -> None:
    for changes, words in (
        ({"y": "test_acuracy"}, "test_acuracy"),
        ({"chart": "pie"}, "pie"),
        ({"table": "none"}, "none"),
    ):
        with pytest.raises(BatchlabError, match=words) as error:
            draw({**spec("curves"), **changes}, TABLES)
        assert "\n" not in str(error.value)
    with pytest.raises(BatchlabError, match="epoch"):
        drawn("density", {"gradient_norms": pd.concat([norms(), norms().assign(epoch=3)])})
    with pytest.raises(BatchlabError, match="several rows of one seed"):
        drawn("points", where={}, colour="optimizer")


def test_arms_of_one_batch_size_are_never_averaged_together() -> None:
    faster = history(optimizers=("sgd",)).assign(
        recipe="faster", arm=lambda frame: "faster-" + frame["arm"], learning_rate=1.0
    )
    both = pd.concat([history(optimizers=("sgd",)), faster])
    specification = drawn("curves", {"history": both}, y="test_accuracy", facet=None)
    assert any(node.get("field") == "recipe" for node in nodes(specification))
    assert {row["n"] for data in specification["datasets"].values() for row in data} == {3}


def test_a_column_can_be_panel_and_colour_at_once() -> None:
    specification = drawn("curves", facet="batch_size", y="test_accuracy", where={"optimizer": "sgd"})
    (rows,) = specification["datasets"].values()
    assert {(row["panel"], row["batch_size"]) for row in rows} == {("B = 16", 16), ("B = 64", 64), ("B = 1024", 1024)}


def test_normalised_norms_have_the_mean_of_the_largest_batch() -> None:
    table = norms()
    scaled = table.assign(same=density.normalised(table, "norm", ["seed"])).groupby("batch_size")["same"].mean()
    assert scaled.to_numpy() == pytest.approx(np.full(len(SIZES), table[table["batch_size"] == 1024]["norm"].mean()))


def test_density_is_that_of_scipy_up_to_its_peak() -> None:
    values = np.random.default_rng(1).normal(10, 2, 200)
    curve = density.curve(values, logarithmic=False)
    expected = stats.gaussian_kde(values)(curve["x"])
    assert curve["density"].to_numpy() == pytest.approx(expected / expected.max(), abs=2e-3)


def test_exact_zeros_are_named_where_a_logarithm_cannot_show_them() -> None:
    assert "exactly 0: K = 1" in subtitle(drawn("drift"))


def test_ids_are_scoped_with_what_refers_to_them() -> None:
    svg = '<svg><clipPath id="clip7"/><g clip-path="url(#clip7)"/><use href="#clip7"/></svg>'
    assert export.scoped(svg, "a") == '<svg><clipPath id="a-1"/><g clip-path="url(#a-1)"/><use href="#a-1"/></svg>'


def test_interactive_page_is_self_contained_and_escapes_its_caption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = export.javascript(tmp_path)
    assert bundle == vl_convert.javascript_bundle()  # type: ignore[call-arg]
    monkeypatch.setattr(vl_convert, "javascript_bundle", None)  # from now on the kept one serves
    page = export.to_html(drawn("curves"), "<b>", "a </script> & b", export.javascript(tmp_path))
    assert page == export.to_html(drawn("curves"), "<b>", "a </script> & b", bundle)
    assert "<title>&lt;b&gt;</title>" in page and "a &lt;/script&gt; &amp; b" in page
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="https?:', page)


def test_signs_that_the_font_lacks_are_replaced() -> None:
    specification = drawn("curves", y_title="‖w − w₀‖₂")
    assert "||w − w0||" in json.dumps(specification, ensure_ascii=False)


def test_intervals_of_proportions_stay_between_0_and_1() -> None:
    values = {"test_accuracy": [0.9, 0.99, 1.0], "norm": [0, 9, 90]}
    rows = pd.DataFrame({"arm": "a", "seed": [0, 1, 2], "epoch": 1, **values})
    figure = figure_from({"chart": "curves", "table": "history", "x": "epoch", "y": ["test_accuracy"]})
    high = summarise(figure, rows, ["arm"], "test_accuracy", factor=100).frame.high.item()
    assert high == 100
    assert summarise(figure, rows, ["arm"], "norm").frame.low.item() < 0
