"""The watched child of the probe `throughput`, played by children that lie, hang and take too much; and the fit."""

from __future__ import annotations

import json
import math
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import nnls

from batchlab.errors import BatchlabError
from batchlab.probes.throughput.measure import measure
from batchlab.probes.throughput.points import points
from batchlab.probes.throughput.watched import Watched, free_memory
from batchlab.tables.derivations.machine.derive import derive, nonnegative

OPTIONS = {"factor": 4, "accumulations": [1, 4], "largest": 4096, "seconds": 30, "memory_share": 0.5}
SPEC = {"model": {}, "optimizer": {}, "learning_rate": 0.1, "precision": "float32", "seeds": [3]}
FACTS = {
    "parameters": 7,
    "training_examples": 64,
    "normalising": 1,
    "random": 0,
    "evaluation": 0.5,
    "device": "cpu",
    "backend": "tensorflow",
}
MEGABYTE = 10**6


def child(body: str) -> list[str]:
    """Return the command of a child; `tell` writes a line, `asked` is what it was given."""
    start = f"""
import json, os, sys, time
asked = json.load(sys.stdin)
def tell(**line):
    print(json.dumps(line), flush=True)
def begin(points):
    tell(facts={FACTS!r}, points=points)
"""
    return [sys.executable, "-S", "-E", "-c", start + textwrap.dedent(body)]


def rows(body: str, **options: Any) -> dict[tuple[int, int], Mapping[str, Any]]:
    tables, _ = measure(SPEC, "data.npz", {**OPTIONS, **options}, child(body))
    return {(row["micro_batch"], row["accumulation"]): row for row in tables["throughput"]}


def test_points_go_up_to_the_training_set_with_several_micro_batches_at_every_second_size() -> None:
    assert points(100, OPTIONS) == [(1, 1), (4, 1), (4, 4), (16, 1), (64, 1), (100, 1)]
    assert points(100, {**OPTIONS, "largest": 16, "accumulations": [1]}) == [(1, 1), (4, 1), (16, 1)]
    assert points(1, OPTIONS) == [(1, 1)]


def test_what_an_honest_child_measures_becomes_rows() -> None:
    tables, facts = measure(
        SPEC,
        "data.npz",
        OPTIONS,
        child("""
        begin([[1, 1], [4, 4]])
        for point in ([1, 1], [4, 4]):
            tell(begun=point)
            time.sleep(0.03)
            tell(measured=point, seconds=0.002)
        """),
    )
    first, second = tables["throughput"]
    cores = tables["workload"][0]["cores"]
    assert (first["seed"], first["outcome"], second["outcome"]) == (3, "measured", "measured")
    assert second["batch_size"] == 16 and second["examples_per_second"] == pytest.approx(8000)
    assert tables["workload"] == [{"seed": 3, **{key: FACTS[key] for key in FACTS if key != "backend"}, "cores": cores}]
    assert facts["backend"] == "tensorflow" and "parameters" not in facts


def test_memory_is_measured_from_outside_whatever_the_child_says() -> None:
    found = rows("""
    begin([[1, 1], [4, 1]])
    tell(begun=[1, 1])
    time.sleep(0.03)
    tell(measured=[1, 1], seconds=0.001, memory=1)
    tell(begun=[4, 1])
    taken = bytearray(150_000_000)
    for page in range(0, len(taken), 4096):
        taken[page] = 1
    time.sleep(0.03)
    tell(measured=[4, 1], seconds=0.001, memory=1)
    """)
    assert found[4, 1]["memory"] - found[1, 1]["memory"] == pytest.approx(150, abs=10)


@pytest.mark.parametrize("seconds", ["-1", "0", "100", "'soon'", "None", "float('nan')"])
def test_times_that_cannot_be_are_not_believed(seconds: str) -> None:
    found = rows(f"""
    begin([[1, 1], [4, 1]])
    tell(begun=[1, 1])
    time.sleep(0.02)
    tell(measured=[1, 1], seconds=0.001)
    tell(begun=[4, 1])
    tell(measured=[4, 1], seconds={seconds})
    """)
    assert found[1, 1]["outcome"] == "measured"
    assert found[4, 1]["outcome"] == "failed" and math.isnan(found[4, 1]["seconds_per_update"])


def test_a_child_that_takes_too_much_is_stopped_and_the_smaller_sizes_remain() -> None:
    """It asks for a hundredth of the free memory at most, of which the child takes everything it can get."""
    found = rows(
        """
        begin([[1, 1], [4, 1], [16, 1]])
        tell(begun=[1, 1])
        time.sleep(0.02)
        tell(measured=[1, 1], seconds=0.001)
        tell(begun=[4, 1])
        taken = []
        while True:
            taken.append(bytearray(b"x" * 1_000_000))
        """,
        memory_share=min(0.5, 200 * MEGABYTE / free_memory()),
    )
    assert [row["outcome"] for row in found.values()] == ["measured", "no memory", "not begun"]


def test_one_huge_request_fails_in_the_child_alone() -> None:
    """The address space is limited, so an allocation that is larger than any look could catch fails at once."""
    found = rows(
        """
        begin([[1, 1], [4, 1]])
        tell(begun=[1, 1])
        time.sleep(0.05)
        tell(measured=[1, 1], seconds=0.001)
        tell(begun=[4, 1])
        try:
            taken = bytearray(1 << 45)
        except MemoryError:
            tell(**{"no memory": [4, 1]})
        """
    )
    assert found[4, 1]["outcome"] == "no memory"


def test_a_child_that_is_silent_is_stopped() -> None:
    watched = Watched(child("tell(here=1)\ntime.sleep(60)"), {}, memory=1 << 40, seconds=0.1)
    assert [report.said for report in watched.reports()] == [{"here": 1}]
    assert watched.ending == "no time" and watched.code < 0


def test_no_point_is_begun_after_the_time() -> None:
    found = rows(
        """
        begin([[1, 1], [4, 1], [16, 1]])
        for point in ([1, 1], [4, 1], [16, 1]):
            tell(begun=point)
            time.sleep(0.15)
            tell(measured=point, seconds=0.001)
        """,
        seconds=0.2,
    )
    assert [row["outcome"] for row in found.values()] == ["measured", "measured", "not begun"]


def test_lines_that_are_not_of_the_protocol_do_no_harm() -> None:
    found = rows("""
    print("hello")
    begin([[1, 1]])
    print("[1, 2")
    tell(begun=[7, 7])
    tell(measured=[7, 7], seconds=0.001)
    tell(begun=[1, 1])
    time.sleep(0.02)
    tell(measured=[1, 1], seconds=0.001)
    """)
    assert list(found) == [(1, 1)] and found[1, 1]["outcome"] == "measured"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit(3)", "it ended with code 3"),
        ("begin([[1, 1]])\ntell(begun=[1, 1])\ntell(failed=[1, 1], why='ValueError: no')", "ValueError: no"),
    ],
)
def test_where_nothing_was_measured_the_line_says_why(body: str, words: str) -> None:
    with pytest.raises(BatchlabError, match=words):
        rows(body)


# The fit


def table(time: tuple[float, float, float], memory: tuple[float, float], **more: Any) -> pd.DataFrame:
    made = [
        {
            "study": "machine",
            "arm": "present",
            "micro_batch": micro,
            "accumulation": passes,
            "seconds_per_update": (seconds := time[0] + passes * (time[1] + time[2] * micro)),
            "examples_per_second": micro * passes / seconds,
            "memory": memory[0] + memory[1] * micro,
            "allowed": 1000.0,
            "outcome": "measured",
        }
        for micro, passes in points(4096, OPTIONS)
    ]
    return pd.DataFrame(made).assign(**more)


def test_lines_are_found_again() -> None:
    [row] = derive({"throughput": table((1e-3, 2e-4, 1e-6), (500.0, 0.02))}, {}).to_dict("records")
    assert (row["per_update"], row["per_micro_batch"]) == pytest.approx((1e-3, 2e-4))
    assert row["per_example"] == pytest.approx(1e-6) and row["time_error"] < 1e-9
    assert (row["memory_base"], row["memory_per_example"]) == pytest.approx((500.0, 0.02))
    assert row["largest_micro_batch"] == 25000  # (1000 − 500) / 0.02
    # Nine tenths of the rate at 4096, m / (1.2 ms + m µs) = 0.9 · 0.773: m = 2750, so 4096 of the measured ones.
    assert row["fastest_micro_batch"] == row["enough_micro_batch"] == 4096


def test_the_largest_micro_batch_keeps_within_what_is_allowed() -> None:
    [row] = derive({"throughput": table((0, 0, 1e-6), (500.0, 0.1), allowed=1000.0)}, {}).to_dict("records")
    assert row["largest_micro_batch"] == 5000  # (1000 − 500) / 0.1
    assert row["enough_micro_batch"] == 1  # throughput does not grow at all
    rows = table((0, 0, 1e-6), (500.0, 0.0))
    rows.loc[rows["micro_batch"] == 4096, ["outcome", "seconds_per_update", "memory"]] = [
        "no memory",
        math.nan,
        math.nan,
    ]
    [row] = derive({"throughput": rows}, {}).to_dict("records")
    assert row["largest_micro_batch"] == 4095
    [row] = derive({"throughput": table((0, 0, 1e-6), (500.0, 0.0))}, {}).to_dict("records")
    assert row["largest_micro_batch"] == 64 * 4096  # so far a line is believed


def test_least_squares_without_negative_coefficients_agree_with_scipy() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        matrix, target = random.normal(size=(6, 3)), random.normal(size=6)
        assert nonnegative(matrix, target) == pytest.approx(nnls(matrix, target)[0], abs=1e-9)
    assert nonnegative(np.ones((4, 2)), np.full(4, 3.0)) == pytest.approx([3.0, 0.0])  # of equal ones, fewer terms


def test_settings_reach_the_child() -> None:
    watched = Watched(child("tell(**asked)"), {"points": {"factor": 4}}, memory=1 << 40, seconds=5)
    [report] = watched.reports()
    assert report.said == json.loads('{"points": {"factor": 4}}') and watched.ending == "ended"
