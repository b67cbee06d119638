"""Which settings a round trains, and that rounds follow one another as long as the budget lasts."""

from __future__ import annotations

import itertools
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from batchlab.configuration.campaign import read
from batchlab.errors import BatchlabError
from batchlab.rounds import asking
from batchlab.rounds.asking import affordable, ask
from batchlab.rounds.first_round import first_round
from batchlab.rounds.next_round import Proposal, next_round
from batchlab.rounds.round_file import Round, keep, rounds_of, settings_of
from batchlab.rounds.training_speed import Setting, Speed

CAMPAIGN = {"campaign": "mine", "advise": {"batch_size": 32, "budget": "10 min"}}


def speed(update: float = 1e-3, evaluation: float = 0.01, largest: int = 4096) -> Speed:
    machine = {
        "per_update": update,
        "per_micro_batch": 0.0,
        "per_example": 0.0,
        "evaluation": evaluation,
        "cores": 2.0,
        "largest_micro_batch": largest,
    }
    return Speed(machine, examples=1280, epochs=30)


def test_time_is_that_of_starting_updates_and_evaluations() -> None:
    """8 s + 2 new seeds · 30 epochs · (20 updates · 2 ms + 0.1 s) = 16.4 s, 8.2 s on two cores."""
    setting = Setting(64, 1, 0.1, 6)
    assert speed(2e-3, 0.1).seconds(setting, trained=4) == pytest.approx(8.2)


def test_batches_that_do_not_fit_are_accumulated_in_equal_parts() -> None:
    assert [speed(largest=50).pieces(size) for size in (32, 100, 128, 96)] == [1, 2, 4, 2]


def test_the_first_round_begins_with_the_present_setting_and_its_neighbours() -> None:
    settings = first_round(32, 0.1, speed(), 4, math.inf)
    assert settings[0] == Setting(32, 1, 0.1, 4)
    rates = {size: sorted(each.learning_rate for each in settings if each.batch_size == size) for size in (8, 32, 128)}
    assert rates == {8: [0.025, 0.05, 0.1], 32: [0.025, 0.1, 0.4], 128: [0.1, 0.2, 0.4]}
    assert max(each.batch_size for each in settings) == 1024


def test_a_small_budget_leaves_the_present_setting_and_one_other_size() -> None:
    assert {each.batch_size for each in first_round(32, 0.1, speed(update=1.0), 4, 1.0)} == {32, 128}


@pytest.mark.parametrize(("budget", "settings"), [(101, 6), (89, 4), (1000, 18), (330, 7)])
def test_the_first_round_takes_a_short_budget_or_a_third_of_a_long_one(budget: float, settings: int) -> None:
    """A setting trains for 4 · 30 · 0.1 s = 12 s, 6 s on two cores, a size starts for 4 s; gradients take 32 s
    and the rest 20 s. So the first six settings, of three sizes, take 32 + 20 + 6 · 6 + 3 · 4 = 100 s.
    """
    assert len(first_round(32, 0.1, speed(0.0, 0.1), 4, budget)) == settings


# The next round


def row(aim: str, size: int, rate: float, verdict: str, edge: int = 0, more: float | str = "") -> dict[str, Any]:
    return {
        "aim": aim,
        "batch_size": size,
        "learning_rate": rate,
        "verdict": verdict,
        "edge": edge,
        "more_seeds": more,
        "behind_high": 1.5,
    }


def cells(*settings: tuple[int, float], seeds: int = 4) -> list[dict[str, Any]]:
    return [{"batch_size": size, "learning_rate": rate} for size, rate in settings for _ in range(seeds)]


GRID = cells(*((size, rate * factor) for size, rate in ((8, 0.05), (32, 0.1), (128, 0.2)) for factor in (0.5, 1, 2)))


def choices(best: int = 32, edge: int = 0, alike: dict[int, float] | None = None) -> list[dict[str, Any]]:
    verdicts = {
        size: "best" if size == best else "cannot be told apart" if size in (alike or {}) else "worse"
        for size in (8, 32, 128)
    }
    return [
        row(aim, size, rate, verdicts[size], edge * (size == best), (alike or {}).get(size, ""))
        for aim in ("time", "metric", "examples")
        for size, rate in ((8, 0.05), (32, 0.1), (128, 0.2))
    ]


def proposed(**given: Any) -> list[Proposal]:
    return [each for each in next_round(choices(**given), GRID, speed(), (32, 0.1)) if each.settles]


def added(proposals: list[Proposal], why: str) -> list[tuple[int, float, int]]:
    return [
        (each.setting.batch_size, each.setting.learning_rate, each.setting.seeds)
        for each in proposals
        if why in each.why
    ]


def test_between_the_best_size_and_its_neighbours_rates_lie_between() -> None:
    found = proposed()
    assert added(found, "between B = 8 and 32")[0] == (16, pytest.approx(0.05 * math.sqrt(2), rel=1e-5), 4)
    assert added(found, "between B = 32 and 128")[0] == (64, pytest.approx(0.1 * math.sqrt(2), rel=1e-5), 4)
    assert not added(found, "tried was") and not added(found, "cannot be told apart")


def test_a_rate_at_the_edge_is_followed_beyond_it() -> None:
    moved = [
        {**each, "learning_rate": 0.2 if each["batch_size"] == 32 else each["learning_rate"]}
        for each in choices(edge=1)
    ]
    found = [each for each in next_round(moved, GRID, speed(), (32, 0.1)) if "highest" in each.why]
    assert [(each.setting.batch_size, each.setting.learning_rate) for each in found] == [(32, 0.4)]


def test_a_best_size_at_the_end_is_followed_beyond_it() -> None:
    assert added(proposed(best=128), "largest")[0] == (512, pytest.approx(0.4), 4)
    assert added(proposed(best=8), "smallest")[0] == (2, pytest.approx(0.025), 4)


def test_seeds_are_added_to_both_that_cannot_be_told_apart() -> None:
    found = added(proposed(alike={128: 3}), "cannot be told apart")
    assert found == [(32, 0.1, 8), (128, 0.2, 8)]
    # Beyond 100 seeds the table is empty, and nothing is proposed.
    assert not added(proposed(alike={128: ""}), "cannot be told apart")


def test_seeds_are_not_added_where_little_can_be_gained() -> None:
    close = [{**each, "behind_high": 1.05} for each in choices(alike={8: 2})]
    found = [each for each in next_round(close, GRID, speed(), (32, 0.1)) if "told apart" in each.why]
    # Of the metric a ratio says nothing.
    assert found and all("validation" in each.why for each in found)


def test_what_is_there_is_not_proposed() -> None:
    tried = {(each["batch_size"], each["learning_rate"]) for each in GRID}
    found = next_round(choices(best=8, edge=1, alike={32: 2, 128: 1}), GRID, speed(), (32, 0.1))
    assert all(each.trained == 4 for each in found if (each.setting.batch_size, each.setting.learning_rate) in tried)
    settings = [(each.setting.batch_size, each.setting.learning_rate, each.setting.seeds) for each in found]
    assert len(settings) == len(set(settings)) and (1024, 0.1, 4) in settings


# Rounds one after the other


def proposal(why: str, seconds: float, settles: bool = True, size: int = 64) -> dict[str, Any]:
    return {
        "batch_size": size,
        "accumulation": 1,
        "learning_rate": 0.1,
        "seeds": 4,
        "trained": 0,
        "why": why,
        "settles": settles,
        "seconds": seconds,
    }


def test_groups_are_taken_whole_as_the_budget_allows() -> None:
    listed = [
        proposal("a", 10),
        proposal("a", 10, size=32),
        proposal("b", 30),
        proposal("c", 5),
        proposal("d", 1, False),
    ]

    def taken(left: float, share: float, factor: float = 1.0) -> list[float] | None:
        found = affordable(listed, left, share, factor)
        return None if found is None else [found.expected - 20, len(found.settings)]

    assert taken(100, 100) == [55, 4]
    assert taken(100, 45) == [25, 3]  # a and c, with 20 s for the round itself
    assert taken(45, 22) == [20, 2]  # none fits into the share
    assert taken(39, 39) == [5, 1]
    assert taken(100, 100, 2.0) == [25, 3]  # 100 s are worth 50
    assert taken(24, 24) is None
    assert affordable([listed[-1]], 100, 100) is None


SNAKEMAKE = """
import csv, json, pathlib, sys
from batchlab.configuration.campaign import read
from batchlab.rounds.round_file import settings_of
target, options = sys.argv[1], sys.argv[2:]
config = read(json.loads(pathlib.Path("mine.yaml").read_text()))
with open("calls", "a") as file:
    file.write(f"{target} {len(settings_of(config))}\\n")
if target == "measured":
    folder = pathlib.Path("results/mine/tables/machine")
    folder.mkdir(parents=True, exist_ok=True)
    rows = {"machine": {"largest_micro_batch": 4096, "per_update": 1e-3, "per_micro_batch": 0, "per_example": 0},
            "workload": {"evaluation": 0.01, "cores": 2, "training_examples": 1280}}
    for name, row in rows.items():
        with open(folder / f"{name}.csv", "w") as file:
            writer = csv.DictWriter(file, row); writer.writeheader(); writer.writerow(row)
elif pathlib.Path("broken").exists():
    sys.exit(3)
else:
    sizes = [each.batch_size for each in settings_of(config)]
    size = next((size for size in (48, 80) if size not in sizes), None)
    one = {"batch_size": size, "accumulation": 1, "learning_rate": 0.1, "seeds": 4, "trained": 0, "why": "w",
           "settles": True, "seconds": 5}
    pathlib.Path("results/mine/advice.json").write_text(json.dumps({"next": [one] if size else []}))
    pathlib.Path("results/mine/advice.html").write_text("")
"""


def test_rounds_go_on_until_the_answer_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(json.dumps(CAMPAIGN))
    (tmp_path / "snakemake.py").write_text(SNAKEMAKE.replace("\\\\", "\\"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "scripts"))
    program = tmp_path / "snakemake"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" snakemake.py "$@"\n')
    program.chmod(0o755)
    command = [str(program), "--cores", "2"]
    # Each look at the clock is ten seconds later, so each call for an answer takes ten seconds.
    monkeypatch.setattr(asking, "time", SimpleNamespace(monotonic=itertools.count(step=10).__next__))
    (tmp_path / "broken").touch()
    assert ask("mine.yaml", command) == 3
    first = len(settings_of(read(CAMPAIGN)))
    (tmp_path / "broken").unlink()
    assert ask("mine.yaml", command) == 0
    calls = (tmp_path / "calls").read_text().split("\n")[:-1]
    assert calls[:2] == ["measured 0", f"advice {first}"]
    # What was interrupted is completed, then two rounds with one more setting each follow.
    assert calls[2:] == [f"measured {first}", *(f"advice {first + more}" for more in (0, 1, 2))]
    # The call that was interrupted counts.
    assert [each.seconds for each in rounds_of(read(CAMPAIGN))] == [20, 10, 10]
    assert "Nothing that is left is likely to change it." in capfd.readouterr().out
    # Nothing more is trained, however often it is asked.
    assert ask("mine.yaml", command) == 0 and len(settings_of(read(CAMPAIGN))) == first + 2


def test_a_campaign_that_asks_for_no_advice_is_told_how(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("campaign: mine\n")
    with pytest.raises(BatchlabError, match=r"mine\.yaml: the key 'advise' is missing; write advise: {batch_size: 32"):
        ask(str(file), ["snakemake"])


def test_more_seeds_of_a_setting_are_the_same_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = read(CAMPAIGN)
    one, other = Setting(32, 1, 0.1, 4), Setting(64, 1, 0.2, 4)
    keep(config, [Round((one, other), 1.0, 2.0), Round((Setting(64, 1, 0.2, 8), Setting(32, 1, 0.1, 2)), 1.0)])
    assert settings_of(config) == [one, Setting(64, 1, 0.2, 8)]
