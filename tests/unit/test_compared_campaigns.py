"""Campaigns side by side: differences with intervals, and one line for what cannot be compared."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from batchlab.charts import export
from batchlab.errors import BatchlabError
from batchlab.report import claims_page, matrix
from batchlab.report.campaigns import compare
from batchlab.tables.independent import Interval, difference, ratio
from batchlab.tables.intervals import mean_interval

HEAD = (
    "claim,statement,source,published,measured,ci_low,ci_high,n,verdict,figure,study,unit,test,expected,note,standing,"
    "direction,size,finding,excluded,sources,because\n"
)


def interval(values: list[float]) -> Interval:
    estimate = mean_interval(values)
    return Interval(estimate.mean, estimate.ci_low, estimate.ci_high, estimate.n)


def test_a_difference_has_welchs_interval() -> None:
    first, second = [1.0, 2.0, 4.0], [5.0, 5.5, 7.0, 9.0, 9.5]
    expected = stats.ttest_ind(second, first, equal_var=False).confidence_interval()
    found = difference(interval(first), interval(second))
    assert found == pytest.approx((np.mean(second) - np.mean(first), expected.low, expected.high))
    tiny = [each * 1e-200 for each in first]
    assert difference(interval(tiny), interval(tiny))[1:] == pytest.approx(
        tuple(1e-200 * end for end in difference(interval(first), interval(first))[1:])
    )


def test_a_ratio_is_a_difference_of_logarithms() -> None:
    first, second = [0.1, 0.2, 0.4], [1.0, 1.5, 1.2, 2.0]
    ends = [interval(list(np.log(values))) for values in (first, second)]
    as_levels = [Interval(*(math.exp(end) for end in each[:3]), each.n) for each in ends]
    expected = stats.ttest_ind(np.log(second), np.log(first), equal_var=False).confidence_interval()
    apart = math.exp(np.mean(np.log(second)) - np.mean(np.log(first)))
    assert ratio(*as_levels) == pytest.approx((apart, math.exp(expected.low), math.exp(expected.high)))
    assert math.isnan(ratio(Interval(-1, -2, 0, 3), as_levels[1])[1])


def test_intervals_of_other_levels_are_taken_for_what_they_are() -> None:
    """The same samples, told by an interval of 95 and one of 98 %, give the same difference."""
    first, second = (1.0, 1.2, 0.7, 1.1), (2.0, 2.5, 1.9)

    def told(values: tuple[float, ...], level: float) -> Interval:
        found = mean_interval(values, level)
        return Interval(found.mean, found.ci_low, found.ci_high, found.n, level)

    assert difference(told(first, 0.98), told(second, 0.95)) == pytest.approx(
        difference(told(first, 0.95), told(second, 0.95))
    )


def test_without_intervals_of_both_there_is_no_interval_and_exact_numbers_differ_exactly() -> None:
    one, exact = Interval(3.0, math.nan, math.nan, 1), Interval(2.0, 2.0, 2.0, 5)
    apart, low, high = difference(one, exact)
    assert apart == -1 and math.isnan(low) and math.isnan(high)
    assert difference(exact, Interval(2.5, 2.5, 2.5, 3)) == (0.5, 0.5, 0.5)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two finished campaigns: `a` with two claims, `b` with one of them and one of its own."""
    end = "evidence,lower,,{} found,0,,"
    rows = {
        "a": [
            "lower,B = 64 < B = 16,S,p,-2,-3,-1,5,supported,,s,pp,difference,< 0 pp,," + end.format("A"),
            "own,x,S,p,1,0,2,5,supported,,s,,level,,,evidence,,,,0,,",
        ],
        "b": ["lower,B = 256 < B = 32,S,p,-9,-10,-8,5,contradicted,,s,pp,difference,< 0 pp,," + end.format("B")],
    }
    for name, claims in rows.items():
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        (folder / "s.csv").write_text(HEAD + "\n".join(claims) + "\n")
        spec: dict[str, Any] = {
            "campaign": name,
            "title": f"Title {name}",
            "studies": [{"study": "s", "title": "Study <s>", "claims": f"results/{name}/s.csv"}],
            "settings": {"epochs": 30, "precision": {"a": "float32", "b": "float64"}[name]},
            "data": [{"data": "digits", "examples": [100, 20, 30], "classes": 10, "targets": "classes"}],
        }
        (folder / "index.provenance.json").write_text(json.dumps({"spec": spec}))
    return tmp_path / "results"


def test_claims_stand_in_columns_with_their_differences(results: Path) -> None:
    page = compare(["a", "b"], results / "compare/a+b.html", results)[".html"].replace("\u00a0", " ")
    assert "1 claim is in both campaigns; 0 have the same verdict in both." in page
    assert "Measured effects differ clearly in 1 of the 1" in page and 'href="#s-claim-lower"' in page
    # Half widths of 1 with n = 5 each: standard error 1 / 2.776 in both, 8 degrees of freedom.
    half = stats.t.ppf(0.975, 8) * math.sqrt(2) / stats.t.ppf(0.975, 4)
    assert f"clearly different: −7.0 pp [−{7 + half:.1f}, −{7 - half:.1f}]" in page
    assert "A found" in page and "B found" in page and "no such claim" in page and "Study &lt;s&gt;" in page
    differing = [line for line in page.splitlines() if 'class="differs"' in line]
    assert len(differing) == 1 and "float64" in differing[0]
    assert 'href="../a/index.html"' in page


def test_the_matrix_has_every_claim_and_its_picture_those_that_count_twice(results: Path) -> None:
    files = compare(["a", "b"], results / "compare/a+b.html", results)
    rows = list(csv.DictReader(io.StringIO(files[".csv"])))
    assert [(row["claim"], row["campaign"], row["verdict"]) for row in rows] == [
        ("lower", "a", "supported"),
        ("lower", "b", "contradicted"),
        ("own", "a", "supported"),
    ]
    assert (rows[1]["measured"], rows[1]["ci_low"], rows[1]["unit"], rows[1]["n"]) == ("-9.0", "-10.0", "pp", "5")
    assert "s/lower" in files[".svg"] and "s/own" not in files[".svg"] and "Verdicts on 1 claim in 2" in files[".svg"]
    assert 'href="a+b.csv"' in files[".html"] and "<svg" in files[".html"]


@pytest.mark.parametrize("verdict", ["supported", "contradicted", "undetermined", "not judged"])
def test_every_verdict_is_seen_in_the_picture(verdict: str) -> None:
    """Its marks have an area that can be filled, two of them and one in the legend."""
    found = [
        {"study": "s", "claim": "c", "campaign": name, "verdict": verdict, "standing": "evidence", "statement": "It."}
        for name in ("a", "b")
    ]
    drawing = export.to_svg(export.to_vega_lite(matrix.picture(["a", "b"], found)), "two campaigns")
    shapes = re.findall(r'<path[^>]* d="(M[^"]+)" fill="#\w{6}"', drawing)
    assert len([shape for shape in shapes if "A" in shape or shape.endswith("Z")]) == 3


def test_campaigns_without_a_claim_in_common_have_no_picture(results: Path) -> None:
    lines = (results / "b/s.csv").read_text().replace("\nlower,", "\nother,")
    (results / "b/s.csv").write_text(lines)
    files = compare(["a", "b"], results / "compare/a+b.html", results)
    assert set(files) == {".html", ".csv"} and "No claim that counts is in two of them." in files[".html"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"], "name two or more different campaigns"),
        (["a", "a"], "name two or more different campaigns"),
        (["a", "c"], r"results/c: no finished campaign; .* choose one of a, b"),
    ],
)
def test_what_cannot_be_compared_is_one_line(results: Path, names: list[str], message: str) -> None:
    with pytest.raises(BatchlabError, match=message):
        compare(names, results / "compare/x.html", results)


def test_the_page_of_claims_stands_by_itself(results: Path) -> None:
    spec = json.loads((results / "a/index.provenance.json").read_text())["spec"]
    spec["studies"][0]["claims"] = str(results / "a/s.csv")
    page = claims_page(spec).replace("\u00a0", " ")
    assert "Of 2 published claims of 1 publication" in page and "Found: A found." in page and "−2.0 pp" in page
    assert "<a " not in page and "<script" not in page
