"""The claims of the catalogue and of published campaigns: cited, reasoned, and without a word about results."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchlab.configuration.campaign import read
from batchlab.configuration.catalogue import catalogue
from batchlab.declarations.claim import EVIDENCE
from batchlab.errors import BatchlabError
from batchlab.planning import plan
from batchlab.planning.parts import Plan
from batchlab.planning.references import short, with_source
from batchlab.planning.report_settings import report_spec

PROJECT = Path(__file__).resolve().parents[2]
CAMPAIGNS = ("quick", "paper", "tour", "fashion", "stream", "text")
# Studies that a campaign has by the key `advise`, and those that need sequences of tokens.
NOT_ON_DIGITS = {"machine", "advice", "unequal_tokens", "normalisation_noise"}


def campaign(name: str) -> Plan:
    return plan(read(yaml.safe_load((PROJECT / f"config/{name}.yaml").read_text())))


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    return {name: campaign(name) for name in CAMPAIGNS}


def claims(plans: dict[str, Plan]) -> dict[str, dict[str, Any]]:
    return {
        f"{name} {study.name}.{key}": claim
        for name, planned in plans.items()
        for study in planned.studies.values()
        for key, claim in study.claims.items()
    }


def test_evidence_is_published_somewhere_and_every_other_standing_has_a_reason(plans: dict[str, Plan]) -> None:
    for name, claim in claims(plans).items():
        if claim.get("standing", EVIDENCE) == EVIDENCE:
            assert claim["sources"], name
        else:
            assert claim["because"], name
        if claim.get("standing") in ("uncited", "arithmetic"):
            assert claim["published"], name


def test_a_repeated_claim_names_the_other_one(plans: dict[str, Plan]) -> None:
    known = {key for planned in plans.values() for study in planned.studies.values() for key in study.claims}
    for name, claim in claims(plans).items():
        if claim.get("standing") == "repeated":
            assert known & set(re.findall(r"\w+", claim["because"])), name


def test_every_margin_and_every_region_of_our_own_has_a_reason(plans: dict[str, Plan]) -> None:
    for name, claim in claims(plans).items():
        bounded = isinstance(claim["expect"], dict) and claim["expect"] not in ({"min": 1}, {"max": 1}, {"min": 0})
        if "margin" in claim or bounded:
            assert claim.get("because"), name


def test_every_study_answers_its_question_by_claims_of_its_own(plans: dict[str, Plan]) -> None:
    for planned in plans.values():
        for study in planned.studies.values():
            assert study.answer and set(study.answer) <= set(study.claims), study.name


# Words of outcomes, which only verdicts and tables may use; that SGD "falls behind" is for the data to say.
OUTCOMES = re.compile(
    r"\b(stays?|stayed|leaves|behind|wins?|fewer|better|worse|faster than|slower|recovers?|removes|smoothly|jumps|"
    r"without losing|coincide|grows with|falls with|higher|lower|near(?:er)?|far(?:ther)?|best)\b"
)
SETTINGS = (
    "lowest validation loss",
    "epoch of the lowest",
    "recipe base",
    ", higher at three times",
    "the closed form",
    "has a lower bound",
)


def test_captions_and_notes_hold_settings_only(plans: dict[str, Plan]) -> None:
    for planned in plans.values():
        for study in planned.studies.values():
            texts = {key: figure["caption"] for key, figure in study.figures.items()}
            texts["note"] = study.settings.get("note", "")
            for key, text in texts.items():
                plain = text
                for setting in SETTINGS:
                    plain = plain.replace(setting, "")
                assert not OUTCOMES.search(plain), f"{study.name}.{key}: {OUTCOMES.search(plain)}"


def test_every_study_of_the_catalogue_runs_somewhere(plans: dict[str, Plan]) -> None:
    known = set(catalogue()["studies"])
    assert set(plans["tour"].studies) == known - NOT_ON_DIGITS
    assert {"unequal_tokens", "normalisation_noise"} <= set(plans["text"].studies)


def test_statements_of_threads_name_claims_and_are_answered_on_the_tour(plans: dict[str, Plan]) -> None:
    told = {each["statement"]: each["claims"] for each in report_spec(plans["tour"])["statements"]}
    assert len(told) == len(plans["tour"].config["statements"]) and sum(map(bool, told.values())) == len(told) - 1
    assert not any("powers" in name for _, name in report_spec(plans["text"])["statements"][0]["claims"])
    changed = {**plans["tour"].config, "statements": {"x": {"statement": "s", "links": {}, "claims": ["switch.no"]}}}
    with pytest.raises(BatchlabError, match=r"statements\.x\.claims: unknown claim 'no'"):
        report_spec(replace(plans["tour"], config=changed))


def test_numbers_of_mnist_are_published_with_mnist_only(plans: dict[str, Plan]) -> None:
    for name, claim in claims({key: plans[key] for key in CAMPAIGNS if key != "paper"}).items():
        assert "published_value" not in claim or claim.get("standing") == "not comparable", name
        assert not re.search(r"\d+(\.\d+)? %", claim["published"]), name


# References


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        (["Kevin Shen"], "Shen 2018"),
        (["Daryl Chang", "Apurva Pathak"], "Chang & Pathak 2018"),
        (["Samuel L. Smith", "Pieter-Jan Kindermans", "Quoc V. Le"], "Smith et al. 2018"),
    ],
)
def test_a_reference_is_quoted_by_surname_and_year(authors: list[str], expected: str) -> None:
    assert short({"authors": authors, "year": 2018, "title": "t"}) == expected
    assert short({"authors": authors, "year": 2018, "title": "t", "short": "x#1"}) == "x#1"


def test_sources_are_keys_or_text() -> None:
    known = {"a": {"authors": ["A B"], "year": 2020}, "c": {"authors": ["C D"], "year": 2021}}
    cited = with_source("claims.x", {"source": ["c", "a"]}, known)
    assert (cited["source"], cited["sources"]) == ("D 2021; B 2020", ["c", "a"])
    assert with_source("claims.x", {"source": "our notes"}, known) == {"source": "our notes", "sources": []}
    with pytest.raises(BatchlabError, match=r"claims\.x\.source: unknown reference 'b'"):
        with_source("claims.x", {"source": ["b"]}, known)


def test_every_reference_can_be_followed_and_is_cited(plans: dict[str, Plan]) -> None:
    references = plans["tour"].config["references"]
    for key, reference in references.items():
        assert any(reference.get(name) for name in ("doi", "arxiv", "url")), key
        assert str(reference["year"]) in key or "short" in reference, key
        assert re.fullmatch(r"\d{4}\.\d{4,5}", reference.get("arxiv", "1234.56789")), key
        assert reference.get("url", "https://x").startswith("https://"), key
    cited = {source for claim in claims(plans).values() for source in claim["sources"]}
    assert cited == set(references)
