"""The report page: answers first, then every claim and study with its figures, in one file that needs no network."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.report import citing, computed
from batchlab.report.answers import advice_of, answers_of, statements_of
from batchlab.report.forest import strip
from batchlab.report.glossary import terms_in
from batchlab.report.inline_figures import inline_svg
from batchlab.report.limits import limits_of
from batchlab.report.shown_claims import claims_of, tally
from batchlab.report.studies import study_of
from batchlab.report.template import environment


def render(spec: Mapping[str, Any], page: str | Path) -> str:
    """Return the report of a campaign as HTML.

    What it says of results is made of the campaign's tables, and dates and machines of the records beside them, so the
    same files give the same page.

    Args:
        spec: See `batchlab.planning.report_settings.report_spec`.
        page: Where the page will be; links are relative to its folder.

    Returns:
        One document with styles, script and figures inside; it loads nothing, unless somebody asks for an interactive
        figure, which lies beside it.

    Raises:
        BatchlabError: A figure or a table is missing.
    """
    folder, numbers = Path(page).parent, itertools.count(1)
    studies = [study_of(study, folder, numbers) for study in spec["studies"]]
    claims = [{**claim, "strip": strip(claim)} for study in studies for claim in study["claims"]]
    made = computed.made_from(spec.get("provenance", []))
    day, commits = computed.days(made), computed.commits(made)
    citation = spec.get("citation", {})
    advice = advice_of(spec.get("advice", {}), studies, spec.get("names", {}))
    if first := advice["figure"]:
        copy, _, _ = inline_svg(first["file"], f"first-{first['anchor']}", first["alternative"])
        advice["figure"] = {**first, "again": copy}
    return (
        environment()
        .get_template("page")
        .render(
            campaign=spec["campaign"],
            title=spec["title"],
            summary=spec.get("summary", ""),
            advice=advice,
            answers=answers_of(studies),
            statements=statements_of(spec.get("statements", []), studies),
            tally=tally(claims),
            claims=claims,
            limits=limits_of(spec, studies, computed.machines(made)),
            studies=studies,
            failures=[(study, study["failures"]) for study in studies if study["failures"]],
            glossary=terms_in(studies),
            summary_of_records=computed.summary(made, spec.get("data", [])),
            settings=computed.settings_of(spec.get("settings", {})),
            details=computed.details(made),
            day=day,
            commits=commits,
            uncommitted=computed.uncommitted(made),
            citation=citation,
            shorts={each["key"]: each["short"] for each in spec.get("references", [])},
            references=citing.bibliography(spec.get("references", []), claims),
            bibtex=citing.bibtex(citation, spec["campaign"], spec["title"], day[-10:], commits),
            identity=spec.get("identity", ""),
        )
    )


def claims_page(spec: Mapping[str, Any]) -> str:
    """Return all claims of a campaign as a page of their own, which links to no other file.

    Args:
        spec: As for `render`.

    Raises:
        BatchlabError: A table is missing.
    """
    studies = [
        {"title": study.get("title", study["study"]), "claims": claims_of(study.get("claims"), study["study"])}
        for study in spec["studies"]
    ]
    return (
        environment()
        .get_template("claims_alone")
        .render(
            campaign=spec["campaign"],
            title=spec["title"],
            studies=studies,
            tally=tally([claim for study in studies for claim in study["claims"]]),
        )
    )


__all__ = ["claims_page", "render"]
