"""Citing: the publications that claims come from, and how this page is cited."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.report.wording import listed


def address(reference: Mapping[str, Any]) -> str:
    """Return the web address of a publication: its DOI's, arXiv's, or its own."""
    if "doi" in reference:
        return f"https://doi.org/{reference['doi']}"
    return f"https://arxiv.org/abs/{reference['arxiv']}" if "arxiv" in reference else str(reference.get("url", ""))


def _named(reference: Mapping[str, Any]) -> str:
    if "doi" in reference:
        return f"doi:{reference['doi']}"
    return f"arXiv:{reference['arxiv']}" if "arxiv" in reference else str(reference.get("url", ""))


def bibliography(references: Sequence[Mapping[str, Any]], claims: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the publications with their addresses, and the claims that cite them, by author and year."""
    ordered = sorted(references, key=lambda each: (each["short"].casefold(), each["key"]))
    return [
        {
            "key": each["key"],
            "short": each["short"],
            "authors": listed([*map(str, each["authors"])]),
            "year": each["year"],
            "title": each["title"],
            "venue": each.get("venue", ""),
            "address": address(each),
            "named": _named(each),
            "claims": [claim for claim in claims if each["key"] in claim["sources"]],
        }
        for each in ordered
    ]


def bibtex(citation: Mapping[str, Any], campaign: str, title: str, day: str, commits: Sequence[str]) -> str:
    """Return an entry for this page.

    Args:
        citation: Fields of CITATION.cff.
        campaign: Name of the campaign.
        title: Title of the page.
        day: Last day of the computation as YYYY-MM-DD, or nothing.
        commits: Short commits of the code.
    """
    authors = " and ".join(f"{{{name}}}" for name in citation.get("authors", []))
    notes = [f"campaign {campaign}", *(f"commit {commit}" for commit in commits)]
    year = (day or citation.get("date-released", ""))[:4]
    fields = {
        "author": authors,
        "title": f"{{{_escaped(title)}}}",
        "year": year,
        "version": citation.get("version", ""),
        "howpublished": "Report of batchlab",
        "note": ", ".join(notes),
        "doi": citation.get("doi", ""),
        "url": citation.get("repository-code", ""),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    key = re.sub(r"\W", "", f"batchlab{year}{campaign}")
    return f"@misc{{{key},\n" + ",\n".join(lines) + "\n}"


def _escaped(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
