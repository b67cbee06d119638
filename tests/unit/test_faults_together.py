"""Mistakes in a campaign: each in one line that names the place, and all of them at once."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from unit.campaigns import planned, raw

from batchlab.configuration.campaign import DEFAULT_CAMPAIGN, load, merged
from batchlab.configuration.catalogue import catalogue
from batchlab.configuration.command_line import with_types
from batchlab.configuration.faults import for_the_terminal, lines_of
from batchlab.configuration.yaml_files import check_files, parsed
from batchlab.errors import BatchlabError
from batchlab.planning import plan


def lines(**changes: Any) -> tuple[str, ...]:
    """Return the lines that a changed campaign is refused with."""
    with pytest.raises(BatchlabError) as caught:
        planned(**changes)
    return lines_of(caught.value)


def test_a_misspelt_required_key_is_named_as_misspelt() -> None:
    [line] = lines(optimizers__sgd={"name": "sgd", "learning_rat": 0.05})
    assert line.startswith("optimizers.sgd: learning_rat: did you mean 'learning_rate'?")
    wrong = raw()
    wrong["campain"] = wrong.pop("campaign")
    with pytest.raises(BatchlabError) as caught:
        load(wrong)
    [line] = lines_of(caught.value)
    assert "campain: did you mean 'campaign'?" in line


def test_all_faults_of_the_form_are_told_at_once() -> None:
    found = lines(epoch=5, seeds={"count": 0, "blok": 1}, optimizers__sgd={"name": "sgd"}, title=3)
    assert [line.partition(":")[0] for line in found] == [
        "the campaign",
        "optimizers.sgd",
        "seeds",
        "seeds.count",
        "title",
    ]
    with pytest.raises(BatchlabError) as caught:
        planned(epoch=5, title=3)
    text = for_the_terminal(caught.value)
    assert all(line.startswith("batchlab: error: ") for line in text.splitlines()) and len(text.splitlines()) == 2


def test_faults_of_several_studies_are_told_at_once_and_each_once() -> None:
    found = lines(
        dataset="digit",
        run=["sizes", "swich", "switch"],
        studies__sizes__arms__wrong={"model": "mlpp"},
        studies__switch__arms__worse={"batch_size": 16, "accumulation": 3},
    )
    assert any("dataset: unknown data set 'digit'; did you mean 'digits'?" in line for line in found)
    assert any("run: unknown study 'swich'; did you mean 'switch'?" in line for line in found)
    assert len(found) == len(set(found))
    found = lines(
        studies__sizes__arms__wrong={"model": "mlpp"},
        studies__switch__arms__worse={"batch_size": 16, "accumulation": 3},
        studies__switch__arms__worst={"batch_size": 5000},
    )
    assert [line.partition(": ")[0] for line in found] == [
        "studies.sizes.arms.wrong.model",
        "studies.switch.arms.worse.accumulation",
    ]


def test_figures_and_claims_of_one_study_are_all_checked() -> None:
    found = lines(
        studies__sizes__figures__accuracy__y="test_acuracy",
        studies__sizes__claims__lower__of={"optimizer": "sdg"},
        studies__sizes__reference={"seed": 3},
    )
    assert len(found) == 3


def test_an_unknown_data_set_lists_the_known_ones_and_says_how_to_declare_one() -> None:
    [line] = lines(dataset="mnst")
    assert "did you mean 'mnist'?" in line and "declared here: digits" in line
    assert "datasets: {mnist: {name: mnist}}" in line and "fashion_mnist" in line and "{file: flowers.csv" in line
    [line] = lines(dataset="mnist")
    assert "did you mean" not in line and "datasets: {mnist: {name: mnist}}" in line


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("campaign: mine\nepochs: [1\nseeds: 3\n", "line 3, column 6"),
        ("campaign: mine\n\tepochs: 3\n", "line 2, column 1"),
        ('campaign: mine\na: "x\n', "line 3, column 1"),
        ("a: b: c\n", "line 1, column 5"),
    ],
)
def test_broken_yaml_is_told_with_file_and_line(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(BatchlabError, match=rf"mine\.yaml: {place}: this is no YAML: "):
        check_files([tmp_path / "mine.yaml"])


def test_numbers_on_the_command_line_are_numbers() -> None:
    """Snakemake reads what is inside braces as text; what a file says stays as it is."""
    given = {
        "seeds": {"count": "2"},
        "optimizers": {"sgd": {"learning_rate": "1e-3", "nesterov": "true"}},
        "run": ["a"],
    }
    read = {"seeds": {"count": "2", "first": "7"}, "run": ["a"], "title": "3", "optimizers": given["optimizers"]}
    typed = with_types(read, given)
    assert typed["seeds"] == {"count": 2, "first": "7"}
    assert typed["optimizers"]["sgd"] == {"learning_rate": 0.001, "nesterov": True}
    assert typed["title"] == "3" and typed["run"] == ["a"]


def phases(epochs: int, shares: list[float]) -> list[int | None]:
    arm = {"epochs": epochs, "phases": [{"share": share} for share in shares]}
    found = planned(studies={"sizes": {"title": "t", "question": "q", "arms": {"a": arm}}})
    [only] = found.studies["sizes"].arms
    return [phase.epochs for phase in only.recipe.phases]


@pytest.mark.parametrize(
    ("epochs", "shares", "lengths"),
    [(30, [1, 2], [10, 20]), (5, [1, 2], [2, 3]), (30, [1, 1, 1], [10, 10, 10]), (7, [0.5, 0.5], [4, 3])],
)
def test_shares_of_an_arm_follow_its_length(epochs: int, shares: list[float], lengths: list[int]) -> None:
    assert phases(epochs, shares) == lengths
    assert sum(lengths) == epochs


def test_shares_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(BatchlabError, match="2 epochs are too few for 3 phases"):
        phases(2, [1, 1, 1])
    [line] = lines(studies__switch__arms__switched={"phases": [{"share": 1}, {"epochs": 2}]})
    assert "give every phase a share or none" in line


@pytest.mark.parametrize("epochs", [3, 5, 30])
def test_the_default_campaign_can_be_made_shorter_or_longer(epochs: int) -> None:
    """`--config epochs=5`: arms that are compared by epochs are equally long."""
    compared = ["switch", "growing_batch"]
    changed = {"epochs": epochs, "run": compared}
    found = plan(load(functools.reduce(merged, (catalogue(), parsed(DEFAULT_CAMPAIGN), changed))))
    for name in compared:
        assert {arm.recipe.last_epoch for arm in found.studies[name].arms} == {epochs}
