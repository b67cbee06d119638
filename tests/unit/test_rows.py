"""What planning foresees of a table against the tables that were written: those of results/paper."""

from __future__ import annotations

import copy
import functools
import itertools
import random
from typing import Any

import pandas as pd
import pytest
import yaml
from unit.campaigns import planned
from unit.test_campaign_files import PROJECT, merged

from batchlab.configuration.campaign import load
from batchlab.errors import BatchlabError
from batchlab.planning import plan
from batchlab.tables.csv_files import read_table
from batchlab.tables.selection import select

TABLES = PROJECT / "results/paper/tables"
SETTINGS = ("arm", "recipe", "dataset", "model", "optimizer", "precision", "learning_rate_rule", "batch_size")
FORESEEN = (*SETTINGS, "label", "accumulation", "learning_rate", "seed", "epoch", "method")
# Tables of training and of every probe, with a study that has several values of most settings in it.
CASES = [
    ("switch", "history"),
    ("growing_batch", "history"),
    ("growing_batch", "distances"),
    ("weight_distances", "arms"),
    ("weight_distances", "summary"),
    ("adam_rule", "history"),
    ("gradient_norms", "gradient_norm_summary"),
    ("gradient_norms", "gradient_moments"),
    ("accumulation", "weight_drift"),
    ("equal_updates", "trajectory"),
    ("batch_norm", "running_statistics"),
]


@functools.cache
def paper() -> dict[str, Any]:
    return merged(*(yaml.safe_load((PROJECT / "config" / name).read_text()) for name in ("studies.yaml", "paper.yaml")))


def plan_with(study: str, table: str, filters: list[dict[str, Any]]) -> None:
    """Plan one study of the paper with a claim for each filter."""
    campaign = copy.deepcopy(paper())
    campaign["run"] = [study]
    texts = dict.fromkeys(("statement", "source", "published"), "")
    claim = {**texts, "test": "level", "table": table, "value": "batch_size", "expect": "less"}
    campaign["studies"][study]["claims"] = {f"row{n}": {**claim, "of": of} for n, of in enumerate(filters)}
    plan(load(campaign))


def written(study: str, table: str) -> pd.DataFrame:
    frame = read_table(TABLES / study / f"{table}.csv")
    return frame[[name for name in FORESEEN if name in frame]].drop_duplicates()


@pytest.mark.parametrize(("study", "table"), CASES)
def test_every_row_that_was_written_was_foreseen(study: str, table: str) -> None:
    rows = written(study, table)
    chosen = rows.sample(min(len(rows), 60), random_state=0).to_dict("records")
    plan_with(study, table, [{str(key): value for key, value in row.items() if pd.notna(value)} for row in chosen])


@pytest.mark.parametrize(("study", "table"), CASES)
def test_filters_that_select_nothing_are_refused_and_no_others(study: str, table: str) -> None:
    rows = written(study, table)
    pairs = [
        {first: one, second: other}
        for first, second in itertools.combinations([name for name in SETTINGS if name in rows], 2)
        for one in rows[first].unique().tolist()
        for other in rows[second].unique().tolist()
    ]
    refused = 0
    for conditions in random.Random(0).sample(pairs, min(len(pairs), 25)):
        if select(rows, conditions).empty:
            with pytest.raises(BatchlabError, match=r"row0\.of: no arm of the study has rows in table"):
                plan_with(study, table, [conditions])
            refused += 1
        else:
            plan_with(study, table, [conditions])
    assert refused or len(rows["arm"].unique()) == 1


def test_moments_have_the_batch_size_of_their_arm_whatever_sizes_were_drawn() -> None:
    claim = dict.fromkeys(("statement", "source", "published"), "")
    claim |= {"test": "level", "table": "gradient_moments", "value": "trace", "expect": "less"}
    planned(
        studies__switch__probes__norms__batch_sizes=[64, 256],
        studies__switch__claims={"trace": {**claim, "of": {"batch_size": "small"}}},
    )


def test_what_is_not_foreseen_is_left_to_the_table() -> None:
    plan_with("switch", "history", [{"test_loss": {"max": -1}}, {"updates": 10**9}, {"epoch": "best", "seed": [0, 99]}])
