"""What the campaign does not show: its data, models, seeds, rates, budget and clocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.declarations.claim import AT_END
from batchlab.report.cells import Row, count
from batchlab.report.wording import counted, listed
from batchlab.tables.rounding import number

# So many learning rates for one batch size are a search for the best one.
_SEARCH = 3


def limits_of(spec: Mapping[str, Any], studies: Sequence[Mapping[str, Any]], machines: Sequence[str]) -> list[str]:
    """Return one sentence, or two, for each limit.

    Args:
        spec: Settings of the page.
        studies: The page's studies, with the rows of their `arms` and their `history` of failures.
        machines: What computed, as the records name it.
    """
    arms, names = [row for study in studies for row in study["rows"]], spec.get("names", {})
    return [
        *_data(spec, arms, names),
        *_models(arms, names),
        *_rates(studies),
        *_ends_of_grids(studies),
        *_budget(arms),
        *_seeds(studies),
        *_clock(machines),
    ]


def _distinct(rows: Sequence[Row], column: str, names: Mapping[str, Mapping[str, str]] | None = None) -> list[str]:
    """Return the values of a column, each once, as texts call them."""
    called = (names or {}).get(column, {})
    return list(dict.fromkeys(called.get(row[column], row[column]) for row in rows if row.get(column)))


def _data(spec: Mapping[str, Any], arms: Sequence[Row], called: Mapping[str, Mapping[str, str]]) -> list[str]:
    names = _distinct(arms, "dataset", called)
    if not names:
        return []
    sets = "One data set" if len(names) == 1 else f"{len(names)} data sets"
    sentences = [f"{sets}: {listed(names)}. Other data may behave in another way."]
    for data in spec.get("data", []):
        if (test := data["examples"][2]) and data["targets"] == "classes":
            sentences.append(
                f"The test set of {data['data']} has {test:,} examples, so one of them is {number(100 / test, 2)} pp "
                "of accuracy; a smaller difference can only be one of means over seeds."
            )
    return sentences


def _models(arms: Sequence[Row], names: Mapping[str, Mapping[str, str]]) -> list[str]:
    models, optimizers = _distinct(arms, "model", names), _distinct(arms, "optimizer", names)
    if not models:
        return []
    return [
        f"{counted(len(models), 'model')} ({listed(models)}) and {counted(len(optimizers), 'optimizer')} "
        f"({listed(optimizers)}). Nothing here is about larger networks or other optimizers."
    ]


def _rates(studies: Sequence[Mapping[str, Any]]) -> list[str]:
    searched = []
    for study in studies:
        rates = defaultdict(set)
        for row in study["rows"]:
            key = tuple(row.get(name, "") for name in ("dataset", "model", "optimizer", "batch_size"))
            rates[key].add(row.get("learning_rate", ""))
        if any(len(found) >= _SEARCH for found in rates.values()):
            searched.append(study["title"])
    if searched:
        varied = f"The learning rate is varied over a range only in: {listed(searched)}."
        return [f"{varied} Elsewhere it is given, not tuned."]
    if not any(study["rows"] for study in studies):
        return []
    return [
        "The learning rate was not tuned for each batch size. A difference between sizes is a difference at the rates "
        "that were run, and much of what publications disagree about comes from this choice."
    ]


def _ends_of_grids(studies: Sequence[Mapping[str, Any]]) -> list[str]:
    cut = [study["title"] for study in studies if any(AT_END in claim["note"] for claim in study.get("claims", ()))]
    if not cut:
        return []
    return [
        "For some batch sizes the best learning rate is the lowest or the highest that was tried, so a better one may "
        f"lie beyond, and what it reaches is a bound: {listed(cut)}."
    ]


def _budget(arms: Sequence[Row]) -> list[str]:
    if not arms or _distinct(arms, "budget") not in (["epochs"], []):
        return []
    return [
        "Runs are compared after equal numbers of epochs, in which a larger batch makes fewer updates, unless a study "
        "says otherwise."
    ]


def _seeds(studies: Sequence[Mapping[str, Any]]) -> list[str]:
    numbers = sorted({seeds for study in studies if (seeds := study["seeds"])})
    if not numbers:
        return []
    text = counted(numbers[0], "seed") if len(numbers) == 1 else f"{numbers[0]} to {counted(numbers[-1], 'seed')}"
    return [
        f"{text} for each arm. Intervals hold the spread over initial weights and order of examples; not over the "
        "split of the data, the machine or the implementation."
    ]


def _clock(machines: Sequence[str]) -> list[str]:
    if not machines:
        return []
    if len(machines) > 1:
        return [
            f"Runs were computed on more than one machine or device ({'; '.join(machines)}), so seconds of one run say "
            "nothing beside those of another; only what a probe measured in turn on one of them may be compared."
        ]
    return [f"Seconds were measured on {machines[0]}. Another machine has other times, in another order perhaps."]


def seeds_of(summary: Sequence[Row]) -> int:
    """Return the largest number of seeds behind a mean of a study's summary."""
    return max((count(row, "n") for row in summary), default=0)
