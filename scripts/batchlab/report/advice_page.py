"""The page of an adviser campaign, which a person reads in two minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.report.advising import (
    between,
    by_noise_in_words,
    foresight_in_words,
    headline,
    knee_in_words,
    more_in_words,
    rules_in_words,
    sentences,
)
from batchlab.report.cells import Row, count, link, rows_of, value
from batchlab.report.inline_figures import figure_of
from batchlab.report.template import environment
from batchlab.report.template.answer_page import LOSSES, SNIPPET
from batchlab.report.wording import counted
from batchlab.tables.rounding import number

# Exponents of the usual rules, and how a sentence calls what lies near them.
_NEAR = {0.0: "a constant rate", 0.5: "the square-root rule", 1.0: "the linear rule"}


def render_advice(spec: Mapping[str, Any], found: Mapping[str, Any], page: str | Path) -> str:
    """Return the page as HTML: one document that loads nothing.

    Args:
        spec: See `batchlab.report.advising.answer`; beside that `title`, `about`, `metric` (title, factor and unit),
            `study`,
            `task` and `figures`.
        found: What `answer` returned.
        page: Where the page will be.

    Raises:
        BatchlabError: A table or a figure is missing.
    """
    folder = Path(page).parent
    tables = {name: rows_of(path) for name, path in spec["tables"].items()}
    metric = spec["metric"]
    factor, unit = metric.get("factor", 1.0), metric.get("unit", "")
    goal = f"{number(factor * found['target']['value'], 4)} {unit}".strip()
    title = metric.get("title") or found["target"]["metric"].replace("_", " ")
    links = {name: link(path, folder) for name, path in spec["tables"].items()}
    least = "at least" if tables["cells"][0]["better"] == "higher" else "at most"
    shown = {**found, "aims": {**found["aims"], "metric": _scaled(found["aims"]["metric"], factor, unit)}}
    figures = [figure_of(figure, spec["study"], folder, place, "") for place, figure in enumerate(spec["figures"], 1)]
    return (
        environment()
        .get_template("advice")
        .render(
            title=spec["title"],
            summary=f"{spec['about']}; {counted(found['epochs'], 'epoch')}, {_seeds(found)}. {_present(tables)}.",
            headline=headline(found, tables),
            aims=sentences(shown, tables, title),
            rule=_rule(found["rate_rule"], tables["choices"]),
            target=f"a {title} of {least} {goal}",
            links={**links, "json": Path(page).with_suffix(".json").name},
            warnings=found["warnings"],
            more=more_in_words([each for each in found["next"] if each["settles"]]),
            rest=more_in_words([each for each in found["next"] if not each["settles"]]),
            figures=figures,
            noise=by_noise_in_words(tables["batch_by_noise"]),
            knee=knee_in_words(found["knee"]),
            foresight=foresight_in_words(spec["foresight"]),
            rules=rules_in_words(tables["thumb_rules"]),
            snippet=SNIPPET.format(loss=LOSSES.get(spec["task"], "…")),
        )
    )


def _present(tables: Mapping[str, Sequence[Row]]) -> str:
    """Return the setting with which the campaign begins."""
    row = next(row for row in tables["thumb_rules"] if row["rule"] == "present")
    return f"Present setting: B = {row['batch_size']}, learning rate {number(value(row, 'learning_rate'))}"


def _seeds(found: Mapping[str, Any]) -> str:
    least, most = found["seeds"], found["most_seeds"]
    return counted(least, "seed") if least == most else f"{least} to {most} seeds"


def _scaled(aim: Mapping[str, Any] | None, factor: float, unit: str) -> dict[str, Any] | None:
    """Return the answer on the metric in the unit in which people read it."""
    if aim is None:
        return None
    scaled = {end: None if aim[end] is None else factor * aim[end] for end in ("value", "low", "high")}
    return {**aim, **scaled, "unit": unit}


def _rule(rule: Mapping[str, Any], choices: Sequence[Row]) -> str:
    """Return how the best rate follows the batch size, as far as best rates lie between others that were tried."""
    if rule["exponent"] is None:
        return "How the best rate follows the batch size cannot be said: fewer than two sizes reach the target."
    fits = [name for power, name in _NEAR.items() if rule["low"] <= power <= rule["high"]]
    text = f"The best learning rate grows as B to the power {number(rule['exponent'], 2)}"
    text += between(rule["low"], rule["high"], 2)
    text += f": {' or '.join(fits)} fits" if fits else "; none of the usual rules fits"
    sizes = [row for row in choices if row["aim"] == "time" and count(row, "reached")]
    if edges := sum(count(row, "edge") for row in sizes):
        text += (
            f". That is a guess: at {edges} of {counted(len(sizes), 'size')} the best rate is the lowest or highest"
            " that was tried"
        )
    return f"{text}."
