"""Whether published rules foresee the measured knee: ranks by brute force, ratios, and where they come from."""

from __future__ import annotations

import csv
import itertools
import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from batchlab.errors import BatchlabError
from batchlab.pages.foresight_table import knees_table, ranks_table
from batchlab.report.foresight import rank_correlation, ranks, rows_of_campaign, write


def campaign(results: Path, name: str, knee: float | None, sizes: dict[int, float | None]) -> None:
    """Write the answer of a campaign: epoch → the noise scale there."""
    folder = results / name
    folder.mkdir(parents=True)
    by_noise = [
        {"rule": "noise_scale", "epoch": epoch, "batch_size": size, "low": None, "high": None}
        for epoch, size in sizes.items()
    ]
    knee_ = {"batch_size": knee, "low": None, "high": None}
    (folder / "advice.json").write_text(json.dumps({"by_noise": by_noise, "knee": knee_, "seeds": 4}))
    (folder / "advice.provenance.json").write_text(json.dumps({"code": name, "git": {}, "spec": {"much": 1}}))


def test_times_are_the_first_the_middle_and_the_last(tmp_path: Path) -> None:
    campaign(tmp_path, "one", 50.0, {2: 10.0, 10: 20.0, 20: None})
    rows = rows_of_campaign("one", tmp_path)
    assert [(row["when"], row["epoch"]) for row in rows] == [("early", 2), ("middle", 10), ("late", 20)]
    assert [row["knee"] for row in rows] == [50.0] * 3 and math.isnan(rows[2]["foreseen"])


def test_ranks_and_ratios_over_workloads(tmp_path: Path) -> None:
    """Four workloads whose knees are four times what was foreseen, and one without a knee."""
    for place, name in enumerate("abcd"):
        campaign(tmp_path, name, 40.0 * 2**place, {1: 10.0 * 2**place})
    campaign(tmp_path, "e", None, {1: 7.0})
    folder = write("abcde", tmp_path)
    [row] = csv.DictReader((folder / "ranks.csv").open())
    assert (row["workloads"], row["known"], row["rank"]) == ("5", "4", "1")
    assert [float(row[name]) for name in ("ratio", "ratio_low", "ratio_high")] == pytest.approx([0.25] * 3)
    assert (row["rank_low"], row["rank_high"]) == ("1", "1")
    assert json.loads((folder / "provenance.json").read_text())["a"] == {"code": "a", "git": {}}
    assert len((folder / "knees.csv").read_text().splitlines()) == 6
    few = ranks([row for name in "abc" for row in rows_of_campaign(name, tmp_path)])
    assert few[0]["rank"] == 1 and math.isnan(few[0]["rank_low"])


def test_intervals_are_those_of_all_draws_of_workloads(tmp_path: Path) -> None:
    """Four workloads have 256 draws with replacement, which are counted one by one, with SciPy's τ."""
    foreseen, knees = [10.0, 40.0, 20.0, 80.0], [12.0, 30.0, 50.0, 60.0]
    for name, knee, size in zip("abcd", knees, foreseen, strict=True):
        campaign(tmp_path, name, knee, {1: size})
    [row] = ranks([row for name in "abcd" for row in rows_of_campaign(name, tmp_path)])
    taken = [list(each) for each in itertools.product(range(4), repeat=4)]
    first, second = np.array(foreseen), np.array(knees)
    with warnings.catch_warnings(action="ignore"):  # draws of one workload alone have no rank
        found = np.array([stats.kendalltau(first[each], second[each]).statistic for each in taken])
    ends = np.quantile(found[np.isfinite(found)], [0.05, 0.95])
    assert row["rank"] == pytest.approx(stats.kendalltau(first, second).statistic)
    assert (row["rank_low"], row["rank_high"]) == pytest.approx(tuple(ends))
    logs = np.log(first / second)
    ends = np.exp(stats.t.interval(0.9, 3, logs.mean(), stats.sem(logs)))
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx(tuple(ends))
    assert row["ratio"] == pytest.approx(stats.gmean(first) / stats.gmean(second))


@pytest.mark.parametrize("second", list(itertools.permutations([1.0, 2.0, 2.0, 5.0]))[::5])
def test_the_rank_correlation_is_kendalls(second: tuple[float, ...]) -> None:
    first = np.array([3.0, 1.0, 4.0, 4.0])
    assert rank_correlation(first, second) == pytest.approx(stats.kendalltau(first, second).statistic)
    assert math.isnan(rank_correlation([1.0, 1.0], [1.0, 2.0]))


def test_a_campaign_without_an_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(BatchlabError, match=r"mine/advice\.json: no answer; run make advise"):
        write(["mine"], tmp_path)


def test_the_page_tells_ranks_and_knees_with_their_intervals(tmp_path: Path) -> None:
    for place, name in enumerate("abcd"):
        campaign(tmp_path, f"foresight_{name}", 40.0 * 2**place, {1: 10.0 * 2**place, 5: None, 9: 80.0 * 2**place})
    folder = write([f"foresight_{name}" for name in "abcd"], tmp_path)
    ranked = ranks_table(folder).splitlines()
    assert "| early | 4 of 4 | 1 [1, 1] | 0.25 [0.25, 0.25] |" in ranked[2]
    assert "| middle | 0 of 4 | none found | none found |" in ranked[3]
    assert knees_table(folder).splitlines()[2] == "| a | 40 | 10 | none found | 80 |"
