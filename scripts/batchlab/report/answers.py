"""Answers: which batch size and what about the learning rate, then one sentence for each question of the campaign."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.report.cells import Row, count, rows_of, value
from batchlab.report.wording import counted, listed, spaced, told
from batchlab.tables.rounding import number

Names = Mapping[str, Mapping[str, str]]
# Settings by which arms of one data set and model may differ, and how a text names them.
_DIFFER = {"batch_size": "B = ", "accumulation": "K = ", "learning_rate": "learning rate ", "optimizer": ""}

# So many arms are named; more are counted.
_NAMED = 4


def answers_of(studies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each study its question and the findings that answer it; figures where no claim does."""
    return [
        {
            "study": study["name"],
            "question": study["question"],
            "findings": [claim for claim in study["claims"] if claim["name"] in study["answer"] and claim["finding"]],
            "figures": study["figures"],
        }
        for study in studies
    ]


def statements_of(
    statements: Sequence[Mapping[str, Any]], studies: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return statements of public threads, each with the claims of the campaign that answer it and their first figure.

    Args:
        statements: Each with `statement`, `links` (text and address) and `claims` (study and name).
        studies: The page's studies.
    """
    claims = {(claim["study"], claim["name"]): claim for study in studies for claim in study["claims"]}
    figures = {(figure["study"], figure["name"]): figure for study in studies for figure in study["figures"]}
    told = []
    for statement in statements:
        named = [claims[study, name] for study, name in statement["claims"] if (study, name) in claims]
        found = [{**claim, "shown": figures.get((claim["study"], claim["figure"]))} for claim in named]
        told.append({**statement, "claims": found})
    return told


def advice_of(advice: Mapping[str, Any], studies: Sequence[Mapping[str, Any]], names: Names) -> dict[str, Any]:
    """Return the first answer: sentences on the best arms, and the findings of the claims that belong to it.

    Args:
        advice: `recommendations` (each with `study` and `table`, whose column `advice` is quoted), `rankings` (each
            with `study`, `table`, `column` and `better`), `claims` and `figure` (study and name).
        studies: The page's studies.
        names: Setting → name in the campaign → how texts call it.

    Returns:
        `best` (study and sentences), `studies` (title and claims), and `figure`: the one that is named, or else the
        first of the page.
    """
    claims = {(claim["study"], claim["name"]): claim for study in studies for claim in study["claims"]}
    figures = {(figure["study"], figure["name"]): figure for study in studies for figure in study["figures"]}
    titles = {study["name"]: study["title"] for study in studies}
    found = [claims[study, name] for study, name in advice.get("claims", []) if (study, name) in claims]
    named = tuple(advice.get("figure") or ())
    best = [
        {"study": each["study"], "sentences": row["advice"].removesuffix(".").split(". ")}
        for each in advice.get("recommendations", [])
        for row in rows_of(each["table"])
        if row["advice"]
    ]
    best += [
        {"study": ranking["study"], "sentences": sentences}
        for ranking in advice.get("rankings", [])
        for sentences in ranked(rows_of(ranking["table"]), ranking["column"], ranking["better"], names)
    ]
    return {
        "best": best,
        "studies": [
            {"title": titles[study], "claims": list(group)}
            for study, group in itertools.groupby(filter(_has_finding, found), lambda claim: str(claim["study"]))
        ],
        "figure": figures.get(named) or next(iter(figures.values()), None),
    }


def _has_finding(claim: Mapping[str, Any]) -> bool:
    return bool(claim["finding"])


def ranked(rows: Sequence[Row], column: Mapping[str, Any], better: str, names: Names) -> list[list[str]]:
    """Return for each data set and model of a ranking the sentences on its best arms.

    Args:
        rows: The table, see `batchlab.tables.derivations.ranking`.
        column: `title`, `unit` and `factor` of the metric.
        better: Whether `higher` or `lower` values are better.
        names: Setting → name in the campaign → how texts call it.
    """

    def workload(row: Row) -> tuple[str, str]:
        return row["dataset"], row["model"]

    called = [
        {**row, **{key: known.get(row.get(key, ""), row.get(key, "")) for key, known in names.items()}} for row in rows
    ]
    return [_sentences(list(arms), column, better) for _, arms in itertools.groupby(called, workload)]


def _sentences(rows: Sequence[Row], column: Mapping[str, Any], better: str) -> list[str]:
    best, others = rows[0], rows[1:]
    differ = [name for name in _DIFFER if len({row[name] for row in rows}) > 1] or ["batch_size"]
    factor, unit = column.get("factor", 1.0), column.get("unit", "")
    title = column.get("title") or spaced(best["metric"])

    def name(row: Row) -> str:
        return ", ".join(f"{_DIFFER[key]}{_setting(row[key])}" for key in differ)

    extreme = "highest" if better == "higher" else "lowest"
    mean = told([factor * value(best, column) for column in ("mean", "ci_low", "ci_high")], unit)
    first = f"{name(best)} ends with the {extreme} {title}, {mean}, mean of {counted(count(best, 'n'), 'seed')}"
    close = [name(row) for row in others if row["verdict"] == "cannot be told apart"]
    worse = [row for row in others if row["verdict"] == "worse"]
    rest = []
    if close:
        many = f"{len(close)} of the {len(others)} others" if len(close) > _NAMED else listed(close)
        rest.append(f"{many} cannot be told apart from it")
    if worse:
        side = "below" if better == "higher" else "above"
        sign = -1.0 if better == "higher" else 1.0
        ends = [sign * factor * value(worse[0], f"difference{end}") for end in ("", "_low", "_high")]
        behind = told([ends[0], *sorted(ends[1:])], "pp" if unit == "%" else unit)
        rest.append(f"{name(worse[0]) if close else f'the next, {name(worse[0])},'} lies {behind} {side} it")
    sentences = [f"{first}; {'; '.join(rest)}" if rest else first, _conditions(rows, differ)]
    sentences += _ends(rows, best)
    return sentences


def _setting(text: str) -> str:
    """Return a setting as a text names it; whole numbers without separators, as in `B = 1024`."""
    try:
        return text if text.isdigit() else number(float(text))
    except ValueError:
        return text


def _conditions(rows: Sequence[Row], differ: Sequence[str]) -> str:
    """Return what all arms of a ranking have in common, and what that leaves open."""
    best = rows[0]
    epochs = sorted({count(row, "last_epoch") for row in rows})
    trained = counted(epochs[0], "epoch") if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]} epochs"
    rate = f" at learning rate {_setting(best['learning_rate'])}" if "learning_rate" not in differ else ""
    optimizer = f" with {best['optimizer']}" if "optimizer" not in differ else ""
    text = f"This is for {best['model']} on {best['dataset']}{optimizer}{rate}, {trained}"
    return f"{text}; with a rate of its own for each size the order may be another" if rate else text


def _ends(rows: Sequence[Row], best: Row) -> list[str]:
    """Return a warning if the best batch size is the smallest or the largest that was tried."""
    sizes = sorted({value(row, "batch_size") for row in rows})
    if len(sizes) < 2 or sizes[0] < value(best, "batch_size") < sizes[-1]:
        return []
    at = "smallest" if value(best, "batch_size") == sizes[0] else "largest"
    beyond = "smaller" if at == "smallest" else "larger"
    if at == "smallest" and sizes[0] <= 1:
        return []
    return [f"It is the {at} size that was tried; {beyond} ones may be better"]
