"""Verdicts by the project against those of `tests/rejudge.py`, which shares no code with it."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rejudge
from slow import slow_but

from batchlab.tables.base import CLAIMS, known_columns
from batchlab.tables.claims import judge
from batchlab.tables.csv_files import write_csv

SIZES, SEEDS = (16, 64, 256), (0, 1, 2, 3)
HISTORY_KEYS = ["study", "arm", "seed", "epoch"]


def history(random: np.random.Generator) -> pd.DataFrame:
    """Return two epochs of three arms, with values whose signs, sizes and spreads differ."""
    rows = [
        {
            "study": "s",
            "arm": f"fixed-b{size}",
            "recipe": "fixed",
            "batch_size": size,
            "seed": seed,
            "epoch": epoch,
            "status": "ok",
            "updates": int(epoch * 1024) // size,
            "examples": int(epoch * 1024),
            "train_accuracy": float(random.uniform(0.9, 1)),
            "test_accuracy": float(random.uniform(0.9, 1)),
            "validation_loss": float(random.uniform(0.1, 1)),
            "seconds": float(random.uniform(1, 2)),
            "change": float(random.normal(0.2, 0.3)),
            "scale": float(np.exp(random.normal(2 + epoch, 0.5))),
        }
        for size, seed, epoch in itertools.product(SIZES, SEEDS, (1.0, 2.0))
    ]
    return pd.DataFrame(rows)


def factors() -> pd.DataFrame:
    """Return a table of another probe, with which the history is joined by study, arm and seed."""
    rows = [
        {
            **run,
            "factor": 1.0 + run["seed"] / 10 + size / 100,
            "grid": float(size),
            "loss": 2.0 + 1 / size + run["seed"] / 50,
            "grid_end": end,
        }
        for size, end in zip(SIZES, ("low", "", "high"), strict=True)
        for run in ({"study": "s", "arm": f"fixed-b{size}", "seed": seed} for seed in SEEDS)
    ]
    return pd.DataFrame(rows)


LAST = {"epoch": "last"}
SMALL, MIDDLE, LARGE = ({"batch_size": size, **LAST} for size in SIZES)
# Of every test: with every kind of region, of one cell and of several, of quantities with and without signs.
KINDS: list[dict[str, Any]] = [
    {"test": "level", "value": "change", "of": SMALL, "expect": {"min": 0}},
    {"test": "level", "value": "change", "of": LAST, "aggregate": "median", "expect": "greater"},
    {"test": "level", "value": "scale", "of": LARGE, "expect": {"min": 3, "max": 300}},
    {
        "test": "level",
        "value": "scale",
        "of": {"batch_size": {"max": 64}},
        "each": ["batch_size", "epoch"],
        "expect": {"min": 1},
    },
    {"test": "level", "value": "test_accuracy", "of": LARGE, "expect": {"min": 0.9}, "unit": "%"},
    {"test": "level", "value": "updates", "of": {"batch_size": 16, "epoch": "best"}, "expect": {"max": 128}},
    {"test": "level", "value": "generalisation_gap", "of": SMALL, "expect": "equal", "margin": 0.05},
    {"test": "difference", "value": "test_accuracy", "of": LARGE, "minus": SMALL, "expect": "less", "unit": "pp"},
    {
        "test": "difference",
        "value": "change",
        "of": {"batch_size": [64, 256]},
        "minus": {"batch_size": 16},
        "each": ["epoch"],
        "aggregate": "mean",
        "expect": "greater",
    },
    {"test": "difference", "value": "examples", "of": LARGE, "minus": SMALL, "expect": {"min": 0, "max": 0}},
    {"test": "ratio", "value": "scale", "of": LARGE, "minus": SMALL, "expect": {"min": 0.5, "max": 2}},
    {"test": "ratio", "value": "change", "of": LARGE, "minus": SMALL, "expect": "greater", "margin": 0.1},
    {"test": "ratio", "value": "updates", "of": LARGE, "minus": SMALL, "expect": {"max": 0.0625}},
    {"test": "ratio", "value": "seconds", "of": LARGE, "minus": SMALL, "expect": {"max": 1}},
    {"test": "equal", "value": "test_accuracy", "of": LARGE, "minus": SMALL, "margin": 0.05, "unit": "pp"},
    {"test": "trend", "value": "change", "of": LAST, "expect": "less"},
    {"test": "trend", "value": "test_accuracy", "of": LAST, "expect": "equal", "margin": 0.02},
    {"test": "steps", "value": "scale", "of": LAST, "expect": "greater"},
    {"test": "steps", "value": "change", "of": {}, "each": ["epoch"], "expect": "less", "margin": 0.01},
    {"test": "level", "value": "factor", "table": ["history", "factors"], "of": SMALL, "expect": {"min": 1}},
    # At rates of which the smallest and the largest batch size have the first and the last of a grid.
    *(
        {"test": test, "value": value, "table": ["history", "factors"], "of": of, "minus": minus, "expect": expect}
        for test, value, of, minus, expect in (
            ("ratio", "loss", SMALL, MIDDLE, {"max": 1.5}),
            ("ratio", "loss", MIDDLE, LARGE, {"min": 1}),
            ("ratio", "loss", MIDDLE, LARGE, {"max": 1.01}),
            ("ratio", "loss", SMALL, LARGE, {"min": 0.5}),
            ("ratio", "factor", LARGE, MIDDLE, {"min": 0.1}),
            ("ratio", "grid", LARGE, MIDDLE, {"min": 0.1}),
            ("difference", "test_accuracy", LARGE, MIDDLE, {"min": -0.5}),
        )
    ),
    {"test": "steps", "value": "loss", "table": ["history", "factors"], "of": LAST, "expect": "less"},
    {"test": "trend", "value": "loss", "table": ["history", "factors"], "of": LAST, "expect": "less"},
    {
        "test": "difference",
        "value": "scale",
        "of": LARGE,
        "minus": SMALL,
        "expect": "less",
        "standing": "not comparable",
    },
]
VALUES: dict[str, dict[str, Any]] = {
    "scale": {"positive": True},
    "updates": {"exact": True},
    "seconds": {"clock": True, "positive": True},
    "test_accuracy": {"bounds": [0, 1], "factor": 100, "unit": "%", "better": "higher"},
    "loss": {"positive": True, "better": "lower"},
    "grid": {"positive": True, "exact": True, "open_at": {"grid_end": "beyond"}},
}


def spec_of(claims: dict[str, Any], looks: int = 1) -> dict[str, Any]:
    """Return the settings of a study's verdicts."""
    return {
        "study": "s",
        "claims": claims,
        "order": list(claims),
        "columns": list(CLAIMS.names),
        "looks": looks,
        "tables": {
            "history": {"text": ["study", "arm", "recipe", "status"], "keys": HISTORY_KEYS},
            "factors": {"text": ["study", "arm", "grid_end"], "keys": HISTORY_KEYS[:3]},
            "arms": {"text": ["arm", "collapsed"], "keys": ["arm"]},
        },
        "derived": {column.name: column.formula for column in known_columns() if column.formula},
        "cells": {},
        "one_example": {},
        "values": VALUES,
    }


def campaign(folder: Path, seed: int, looks: int = 1, collapsed: str | None = None) -> Path:
    """Write tables, verdicts and their record as a run does; return the folder of results."""
    random = np.random.default_rng(seed)
    common = {"statement": "It is.", "source": "nobody", "published": "so", "table": "history"}
    claims = {f"kind_{number}": {**common, **kind} for number, kind in enumerate(KINDS)}
    frames = {
        "history": history(random),
        "factors": factors(),
        "arms": pd.DataFrame({"arm": ["fixed-b16", "fixed-b256"], "collapsed": [None, collapsed]}),
    }
    (folder / "tables/s").mkdir(parents=True)
    (folder / "claims").mkdir()
    for name, frame in frames.items():
        write_csv(folder / f"tables/s/{name}.csv", frame)
    spec = spec_of(claims, looks)
    write_csv(folder / "claims/s.csv", judge(spec, frames))
    (folder / "claims/s.csv.provenance.json").write_text(json.dumps({"spec": spec}, sort_keys=True))
    return folder


@pytest.mark.parametrize(
    "case", slow_but([(0, 1, None), (1, 1, None), (2, 3, None), (3, 1, "2")], (0, 1, None)), ids=str
)
def test_every_kind_of_claim_is_judged_alike(tmp_path: Path, case: tuple[int, int, str | None]) -> None:
    found = list(rejudge.rejudged(campaign(tmp_path, *case)))
    assert len(found) == len(KINDS)
    assert {name: differ for name, row, here in found if (differ := rejudge.otherwise(row, here))} == {}
    # Neither side says one thing of all.
    assert {here["verdict"] for _, _, here in found} >= {"supported", "undetermined", "not judged"}


@pytest.mark.parametrize(
    "case", slow_but([("measured", 1.001), ("ci_low", 0.999), ("verdict", None)], ("ci_low", 0.999)), ids=str
)
def test_what_differs_is_named(
    tmp_path: Path, case: tuple[str, float | None], capsys: pytest.CaptureFixture[str]
) -> None:
    column, wrong = case
    path = campaign(tmp_path, 0) / "claims/s.csv"
    frame = pd.read_csv(path)
    place = frame.index[frame["claim"] == "kind_2"]
    frame.loc[place, column] = "contradicted" if wrong is None else frame.loc[place, column] * wrong
    frame.to_csv(path, index=False)
    assert rejudge.main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and f"s.kind_2: {column}: " in lines[0]
    assert f"{len(KINDS)} claims judged anew, {len(KINDS) - 1} as published" in lines[1]


def test_intervals_are_those_of_textbooks() -> None:
    """Agreement alone proves nothing: t for three values by hand, and Fieller's set by its definition."""
    mean, low, high, n = rejudge.of_mean([1.0, 2.0, 3.0], 0.95)
    half = 4.302652729911275 / math.sqrt(3)
    assert (mean, low, high, n) == pytest.approx((2, 2 - half, 2 + half, 3))
    above, below = np.array([1.0, 2.0, 4.0, 3.0]), np.array([2.0, 2.5, 3.0, 2.2])
    for end in rejudge.of_quotient(above, below, 0.95)[1:3]:
        apart = above - end * below
        assert abs(apart.mean()) / (apart.std(ddof=1) / 2) == pytest.approx(3.182446305284263)
