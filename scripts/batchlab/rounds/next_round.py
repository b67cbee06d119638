"""What is worth training next: where the answer lies, coarse to fine, and seeds where they may change it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchlab.rounds.first_round import FACTOR, coarse
from batchlab.rounds.training_speed import Setting, Speed

# Aims for which seeds are added and rates are tuned, the most important first.
AIMS = ("time", "metric", "examples")
# Sizes closer than this are not told from one another by one between them.
_CLOSE = 2.9
# A rate beyond the tried ones: as far as from the last but one, within limits.
_LEAST_STEP, _MOST_STEP = 2.0, 4.0
# An advantage that is less than this for sure is not worth more seeds.
_SMALL = 1.1
# Times the seeds that all settings have.
_MOST_SEEDS = 6
_BEST, _ALIKE = "best", "cannot be told apart"


@dataclass(frozen=True)
class Proposal:
    """A setting to train, or more seeds of one.

    Attributes:
        setting: What it would be after that.
        trained: Seeds of it that are there.
        why: For the reader; the same for proposals that go together.
        settles: Whether it may change the answer; others complete the picture.
    """

    setting: Setting
    trained: int
    why: str
    settles: bool


def next_round(
    choices: Sequence[Mapping[str, Any]], cells: Sequence[Mapping[str, Any]], speed: Speed, present: tuple[int, float]
) -> list[Proposal]:
    """Return what is worth training next, the most important first; nothing if the answer stands.

    Rates beyond the best ones where these are at an edge; sizes beyond the best one where that is at an end; a size
    between the best one and its neighbours; seeds of what cannot be told apart; settings that rules of thumb take; then
    what is left of the coarse grid.

    Args:
        choices: Rows of the table, with numbers as numbers.
        cells: Rows of the table.
        speed: Of the machine.
        present: Present batch size and rate.
    """
    return list(_Next(choices, cells, speed, present).proposals())


class _Next:
    def __init__(
        self,
        choices: Sequence[Mapping[str, Any]],
        cells: Sequence[Mapping[str, Any]],
        speed: Speed,
        present: tuple[int, float],
    ) -> None:
        self._choices, self._speed, self._present = choices, speed, present
        seeds: dict[tuple[int, float], int] = {}
        for row in cells:
            key = (int(row["batch_size"]), float(row["learning_rate"]))
            seeds[key] = seeds.get(key, 0) + 1
        self._tried = [speed.setting(size, rate, count) for (size, rate), count in seeds.items()]
        self._base = min(seeds.values())
        self._sizes = sorted({int(row["batch_size"]) for row in choices})

    def proposals(self) -> Iterator[Proposal]:
        """Yield each once, and none that is there."""
        told: list[Setting] = []
        for found in (
            *(self._edges(), self._ends(), self._between(), self._seeds()),
            *(self._thumb_rules(), self._rest()),
        ):
            for proposal in found:
                known = [each for each in (*self._tried, *told) if each.same(proposal.setting)]
                if all(each.seeds < proposal.setting.seeds for each in known):
                    told.append(proposal.setting)
                    yield proposal

    def _rates(self, size: int) -> list[float]:
        return sorted({each.learning_rate for each in self._tried if each.batch_size == size})

    def _row(self, aim: str, size: int) -> Mapping[str, Any]:
        return next(row for row in self._choices if row["aim"] == aim and int(row["batch_size"]) == size)

    def _best(self, aim: str) -> int | None:
        """Return the best size for an aim; of sizes that all miss the target, the one that most seeds reach it with."""
        rows = [row for row in self._choices if row["aim"] == aim]
        found = next((row for row in rows if row["verdict"] == _BEST), None)
        return int(found["batch_size"]) if found else None

    def _new(self, size: int, rate: float, why: str, settles: bool = True) -> Proposal:
        return Proposal(self._speed.setting(size, rate, self._base), 0, why, settles)

    def _around(self, aim: str) -> list[int]:
        """Return the best size for an aim, its neighbours, and what cannot be told apart from it."""
        best = self._best(aim)
        if best is None:
            return self._sizes if aim == AIMS[0] else []
        place = self._sizes.index(best)
        alike = [int(row["batch_size"]) for row in self._choices if (row["aim"], row["verdict"]) == (aim, _ALIKE)]
        near = self._sizes[max(0, place - 1) : place + 2] if aim == AIMS[0] else []
        return list(dict.fromkeys([best, *alike, *near]))

    def _edges(self) -> Iterator[Proposal]:
        for aim in AIMS:
            for size in self._around(aim):
                row, rates = self._row(aim, size), self._rates(size)
                if not int(row["edge"]) or len(rates) < 2:
                    continue
                high = float(row["learning_rate"]) >= rates[-1]
                step = rates[-1] / rates[-2] if high else rates[1] / rates[0]
                step = min(max(step, _LEAST_STEP), _MOST_STEP)
                rate = rates[-1] * step if high else rates[0] / step
                yield self._new(size, rate, "the best rate is the lowest or highest that was tried")

    def _ends(self) -> Iterator[Proposal]:
        for aim in AIMS[:2]:
            best = self._best(aim)
            if best is None:
                continue
            smaller, larger = best // FACTOR, best * FACTOR
            if best == self._sizes[-1] and larger <= self._speed.examples:
                yield from self._at(larger, f"B = {best} is the largest that was tried")
            if best == self._sizes[0] and smaller >= 1:
                yield from self._at(smaller, f"B = {best} is the smallest that was tried")

    def _between(self) -> Iterator[Proposal]:
        best = self._best(AIMS[0])
        if best is None:
            return
        place = self._sizes.index(best)
        for near in self._sizes[max(0, place - 1) : place + 2]:
            low, high = sorted((best, near))
            middle = round(math.sqrt(low * high))
            if high >= _CLOSE * low and low < middle < high:
                yield from self._at(middle, f"nothing was tried between B = {low} and {high}")

    def _at(self, size: int, why: str) -> Iterator[Proposal]:
        """Yield a size with the rate that the tuned ones say, half and twice that."""
        rate = self._rate_at(size)
        for factor in (1.0, 0.5, 2.0):
            yield self._new(size, rate * factor, why)

    def _rate_at(self, size: int) -> float:
        """Return the rate at a size: on the line between the best ones of its neighbours, in logarithms.

        Beyond them as with the square-root rule.
        """
        known = sorted(
            (int(row["batch_size"]), float(row["learning_rate"])) for row in self._choices if row["aim"] == AIMS[0]
        )
        below = [each for each in known if each[0] < size]
        above = [each for each in known if each[0] > size]
        if not below or not above:
            near, rate = below[-1] if below else above[0]
            return rate * math.sqrt(size / near)
        (low, slow), (high, fast) = below[-1], above[0]
        share = math.log(size / low) / math.log(high / low)
        return slow * (fast / slow) ** share

    def _seeds(self) -> Iterator[Proposal]:
        for aim in AIMS:
            best = self._best(aim)
            rows = [row for row in self._choices if (row["aim"], row["verdict"]) == (aim, _ALIKE)]
            wanted = [row for row in rows if _number(row["more_seeds"]) > 0 and not self._close(aim, row)]
            if best is None or not wanted:
                continue
            other = min(wanted, key=lambda row: _number(row["more_seeds"]))
            pair = [self._row(aim, best), other]
            count = max(self._trained(row) for row in pair) + int(_number(other["more_seeds"]))
            count = min(math.ceil(count / self._base) * self._base, _MOST_SEEDS * self._base)
            why = f"B = {best} and {int(other['batch_size'])} cannot be told apart ({_ABOUT[aim]})"
            for row in pair:
                setting = self._speed.setting(int(row["batch_size"]), float(row["learning_rate"]), count)
                yield Proposal(setting, self._trained(row), why, True)

    def _close(self, aim: str, row: Mapping[str, Any]) -> bool:
        """Return whether it is known that a size is hardly worse than the best, if at all."""
        return aim != "metric" and _number(row["behind_high"]) < _SMALL

    def _trained(self, row: Mapping[str, Any]) -> int:
        setting = self._speed.setting(int(row["batch_size"]), float(row["learning_rate"]), 0)
        return max((each.seeds for each in self._tried if each.same(setting)), default=0)

    def _thumb_rules(self) -> Iterator[Proposal]:
        rate, largest = self._present[1], 2 ** int(math.log2(self._speed.examples))
        for size in (32, largest):
            if size <= self._speed.examples:
                yield self._new(size, rate, "rules of thumb are judged by training")

    def _rest(self) -> Iterator[Proposal]:
        for size, rate in coarse(*self._present, self._speed.examples):
            yield self._new(size, rate, "sizes and rates further away", settles=False)


_ABOUT = {"time": "in time", "metric": "in the best validation value", "examples": "in examples"}


def _number(value: Any) -> float:
    return float(value) if value not in ("", None) else math.nan
