"""Campaigns side by side: the same claims in columns, with the differences between campaigns.

`python -m batchlab.report.campaigns quick paper` writes results/compare/quick+paper.html from finished results, and
beside it the matrix claim × campaign of verdicts, as a table (.csv) and a picture (.svg). It is no rule of the
workflow: nothing depends on it, and it must not start a campaign that it looks at.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from batchlab.charts import export
from batchlab.errors import BatchlabError
from batchlab.files import write_text
from batchlab.report import computed, matrix
from batchlab.report.answers import advice_of
from batchlab.report.cells import count, link, rows_of
from batchlab.report.forest import strip
from batchlab.report.shown_claims import claims_of
from batchlab.report.template import environment
from batchlab.report.wording import told
from batchlab.tables.independent import Interval, difference, ratio

RESULTS = Path("results")


def read(name: str, results: Path = RESULTS) -> dict[str, Any]:
    """Return a finished campaign: name, title, facts, claims by study and name, best arms, and titles of studies.

    Args:
        name: Name of the campaign.
        results: Folder of all results.

    Raises:
        BatchlabError: There is no such campaign, or it was not finished.
    """
    record = results / name / "index.provenance.json"
    if not record.is_file():
        known = sorted(path.parent.name for path in results.glob("*/index.provenance.json"))
        raise BatchlabError(
            f"{record.parent}: no finished campaign; run make figures CONFIG=config/{name}.yaml, or choose one of "
            f"{', '.join(known) or 'none yet'}"
        )
    found = json.loads(record.read_text(encoding="utf-8"))
    spec = found["spec"]
    # Recorded paths begin at the folder in which `results` lies.
    place = results.parent
    made = computed.made_from([place / path for path in spec.get("provenance", [])])
    claims = {
        (study["study"], claim["name"]): claim | {"test": row.get("test", ""), "count": count(row, "n")}
        for study in spec["studies"]
        for claim, row in zip(
            claims_of(str(place / study["claims"]), study["study"]), rows_of(place / study["claims"]), strict=True
        )
    }
    rankings = [
        {**ranking, "table": str(place / ranking["table"])} for ranking in spec.get("advice", {}).get("rankings", [])
    ]
    return {
        "name": name,
        "title": spec["title"],
        "page": results / name / "index.html",
        "facts": dict(_facts(spec, made)),
        "claims": claims,
        "best": advice_of({"rankings": rankings}, [], spec.get("names", {}))["best"],
        "studies": {study["study"]: study["title"] for study in spec["studies"]},
    }


def _facts(spec: Mapping[str, Any], made: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return what a campaign was made of: data, settings, machine, software, code."""
    data = [f"{each['data']}: {' + '.join(f'{size:,}' for size in each['examples'])}" for each in spec.get("data", [])]
    lines = [
        ("Data sets (training + validation + test)", data),
        *computed.settings_of(spec.get("settings", {})),
        *((name, values) for name, values in computed.summary(made, []) if name != "Work"),
        ("Code", computed.commits(made)),
    ]
    return [(name, "; ".join(values)) for name, values in lines if values]


def compare(names: Sequence[str], page: Path, results: Path = RESULTS) -> dict[str, str]:
    """Return what lays campaigns side by side: ending → text of the page, of the matrix as a table, and as a picture.

    Args:
        names: Two or more campaigns; the others are compared with the first.
        page: Where the page will be; the others have its name with their own ending.
        results: Folder of all results.

    Raises:
        BatchlabError: Fewer than two campaigns, one twice, or one that is not finished.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise BatchlabError("name two or more different campaigns, as in make compare CAMPAIGNS='quick paper'")
    campaigns = [{**read(name, results)} for name in names]
    for campaign in campaigns:
        campaign["link"] = link(campaign["page"], page.parent)
    titles = {study: title for campaign in reversed(campaigns) for study, title in campaign["studies"].items()}
    keys = list(dict.fromkeys(key for campaign in campaigns for key in campaign["claims"]))
    rows = [_row(key, campaigns) for key in keys]
    shared = [row for row in rows if all(cell for cell in row["cells"])]
    verdicts = matrix.cells(names, rows)
    drawing = matrix.picture(names, verdicts)
    files = {".csv": matrix.table(verdicts)}
    if drawing is not None:
        files[".svg"] = export.to_svg(export.to_vega_lite(drawing), f"batchlab · campaigns {', '.join(names)}")
    text = (
        environment()
        .get_template("comparison")
        .render(
            campaigns=campaigns,
            facts=[
                (name, texts, len(set(texts)) > 1)
                for name in dict.fromkeys(name for campaign in campaigns for name in campaign["facts"])
                for texts in [[campaign["facts"].get(name, "–") for campaign in campaigns]]
            ],
            studies=[
                (title, [row for row in rows if row["study"] == study])
                for study, title in titles.items()
                if any(row["study"] == study for row in rows)
            ],
            matrix=[(ending, f"{page.stem}{ending}") for ending in files],
            picture=Markup(export.scoped(files[".svg"], "matrix")) if drawing is not None else "",
            shared=len(shared),
            agreeing=sum(len({cell["verdict"] for cell in row["cells"]}) == 1 for row in shared),
            apart=[row for row in shared if any(cell["apart"]["clear"] for cell in row["cells"][1:] if cell["apart"])],
        )
    )
    return {".html": text, **files}


def _row(key: tuple[str, str], campaigns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one claim: a cell for each campaign, empty where it has no such claim."""
    claims = [campaign["claims"].get(key) for campaign in campaigns]
    numbers = [number for claim in claims if claim for number in (*claim["numbers"], *(claim["region"] or ()))]
    first = claims[0]
    return {
        "study": key[0],
        "claim": key[1],
        "name": f"{key[0]}/{key[1]}",
        "anchor": f"{key[0]}-claim-{key[1]}",
        "cells": [
            claim
            and {
                **claim,
                "told": told(claim["numbers"], claim["unit"]),
                "strip": strip(claim, also=numbers),
                "apart": _apart(first, claim) if first and claim is not first else None,
            }
            for claim in claims
        ],
    }


def _apart(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how far two estimates of one claim lie apart, and whether the interval of that excludes nothing."""
    if (first["unit"], first["test"]) != (second["unit"], second["test"]):
        return None
    as_ratio = first["test"] == "ratio"
    apart = (ratio if as_ratio else difference)(_interval(first), _interval(second))
    if not math.isfinite(apart[0]):
        return None
    none = 1.0 if as_ratio else 0.0
    return {
        "told": f"× {told(apart)}" if as_ratio else told(apart, first["unit"]),
        "clear": math.isfinite(apart[1]) and not apart[1] <= none <= apart[2],
    }


def _interval(claim: Mapping[str, Any]) -> Interval:
    mean, low, high = claim["numbers"]
    return Interval(mean, low, high, claim["count"], claim["confidence"])


def main(names: Sequence[str]) -> Path:
    """Write page, table and picture of some campaigns below results/compare and return the page's path."""
    page = RESULTS / "compare" / f"{'+'.join(names)}.html"
    files = compare(names, page)
    page.parent.mkdir(parents=True, exist_ok=True)
    for ending, text in files.items():
        write_text(page.parent / f"{page.stem}{ending}", text)
    return page


if __name__ == "__main__":
    try:
        print(f"The comparison is at {main(sys.argv[1:])}")
    except BatchlabError as problem:
        sys.exit(f"batchlab: error: {problem}")
