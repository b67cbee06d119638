"""The first round: the present setting, and other sizes with the rates that rules of thumb make of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from batchlab.rounds.training_speed import START, Setting, Speed

# From one size to the next. Sizes, as powers of it times the present one, and rates at the present size, by importance.
FACTOR = 4
_POWERS = (1, -1, 2, 3, -2, 4)
_PRESENT_RATES = (0.25, 4.0)
# What a rule says of the rate at a size: with the square root, in proportion, constant.
_EXPONENTS = (0.5, 1.0, 0.0)
# Jobs that measure the gradients, and into which the present setting is cut for it.
_GRADIENT_JOBS = 8
# So many settings are trained whatever the budget: without them there is nothing to compare.
_FEWEST = 4
# Seconds of a round besides training: planning, tables, figures, page.
ROUND = 20.0
# A round takes about this share of what is left; shorter budgets than so many seconds are spent at once.
ROUNDS, SHORT = 3, 300.0


def first_round(present: int, rate: float, speed: Speed, seeds: int, budget: float) -> list[Setting]:
    """Return what is trained first, the present setting before all others.

    A third of the budget at most goes into it, so that an answer is there soon and the rest is spent where it lies;
    of a short budget all.

    Args:
        present: Present batch size.
        rate: Present learning rate.
        speed: Of the machine.
        seeds: Of each setting.
        budget: Seconds.
    """
    share = budget if budget < SHORT else budget / ROUNDS
    taken: list[Setting] = []
    for size, each in coarse(present, rate, speed.examples):
        setting = speed.setting(size, each, seeds)
        if len(taken) >= _FEWEST and expected([*taken, setting], speed) > share:
            break
        taken.append(setting)
    return taken


def expected(settings: Sequence[Setting], speed: Speed) -> float:
    """Return the seconds of a first round: gradients are measured, and the present setting is cut for that."""
    sizes = [each.batch_size for each in settings]
    training = sum(speed.seconds(each, beside=sizes[:place]) for place, each in enumerate(settings))
    return ROUND + _GRADIENT_JOBS * START / speed.cores + training


def coarse(present: int, rate: float, examples: int) -> Iterator[tuple[int, float]]:
    """Yield batch size and rate of each setting of the coarse grid, the most important first, each once."""
    sizes = [size for power in _POWERS if 1 <= (size := round(present * FACTOR**power)) <= examples]
    largest = 2 ** int(math.log2(examples))
    settings = [
        (present, rate),
        *((size, rate * (size / present) ** power) for size in sizes[:2] for power in _EXPONENTS),
        *((present, rate * factor) for factor in _PRESENT_RATES),
        *((size, rate * (size / present) ** power) for size in sizes[2:] for power in _EXPONENTS),
        # What is often taken without a look: 32, and the largest that there is.
        *(
            (size, rate * (size / present) ** power)
            for size in (32, largest)
            if size <= examples
            for power in _EXPONENTS
        ),
    ]
    return iter(dict.fromkeys((size, float(f"{each:.6g}")) for size, each in settings))
