"""References of a campaign: how claims cite them. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.errors import unknown


def short(reference: Mapping[str, Any]) -> str:
    """Return a reference as a text quotes it: `Shen 2018`, `Smith et al. 2018`, or what its `short` says."""
    if "short" in reference:
        return str(reference["short"])
    surnames = [name.rpartition(" ")[2] for name in reference["authors"]]
    names = " & ".join(surnames) if len(surnames) <= 2 else f"{surnames[0]} et al."
    return f"{names} {reference['year']}"


def with_source(where: str, claim: Mapping[str, Any], references: Mapping[str, Any]) -> dict[str, Any]:
    """Return a claim whose `source` is text and whose `sources` are the keys of the references behind it.

    Args:
        where: Path of the claim in the campaign.
        claim: Its settings; `source` is a list of keys, or text where there is nothing to refer to.
        references: The campaign's references by key.

    Raises:
        BatchlabError: A key that the campaign does not define.
    """
    source = claim["source"]
    if isinstance(source, str):
        return {**claim, "sources": []}
    for key in source:
        if key not in references:
            raise unknown(f"{where}.source", "reference", key, references)
    return {**claim, "source": "; ".join(short(references[key]) for key in source), "sources": list(source)}


def cited(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys that claims cite, each once, in their order."""
    return list(dict.fromkeys(key for claim in claims for key in claim["sources"]))
