"""The answer of an adviser campaign, from its tables alone: for scripts (`advice.json`), and in sentences."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.report.cells import Row, count, rows_of, value
from batchlab.report.wording import counted, listed, told
from batchlab.rounds.next_round import next_round
from batchlab.rounds.training_speed import Speed, numbers_of
from batchlab.tables.rounding import number

AIMS = {
    "time": "Shortest time to the target",
    "examples": "Fewest examples to the target",
    "metric": "Best validation value",
    "memory": "Least memory",
}
ALIKE, BEST, UNKNOWN = "cannot be told apart", "best", "undetermined"
# Errors of the fitted times beyond this are worth a warning.
_FAR_OFF = 0.25
# Fewer measured micro-batches than these make no line.
_FEW = 3

_RULES = {
    "present": "your present setting",
    "thirty-two": "B = 32 at your rate",
    "largest": "the largest B at your rate",
    "constant": "your rate at any B",
    "sqrt": "rate ∝ √B",
    "linear": "rate ∝ B",
}


def answer(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `advice.json` holds; its schema is `config/advice.schema.json`.

    Args:
        spec: `tables` (name → path of `cells`, `choices`, `thumb_rules`, `batch_by_noise`, `knee`, `machine`,
            `throughput`, `workload`, `arms`), `optimizer` (name and options), `epochs`, `campaign`, `task`, and what is
            shown.

    Raises:
        BatchlabError: A table is missing.
    """
    tables = {name: rows_of(path) for name, path in spec["tables"].items()}
    target, machine, workload = tables["cells"][0], tables["machine"][0], tables["workload"][0]
    return {
        "campaign": spec["campaign"],
        "epochs": spec["epochs"],
        "seeds": min(Counter((row["arm"]) for row in tables["cells"]).values()),
        "most_seeds": len({row["seed"] for row in tables["cells"]}),
        "target": {"metric": target["metric"], "value": value(target, "target")},
        "aims": {aim: _aim(aim, tables, spec) for aim in AIMS},
        "rate_rule": next(
            {"exponent": _cell(row, "exponent"), "low": _cell(row, "exponent_low"), "high": _cell(row, "exponent_high")}
            for row in tables["thumb_rules"]
            if row["rule"] == "measured"
        ),
        "thumb_rules": [
            {
                "rule": row["rule"],
                "batch_size": count(row, "batch_size"),
                "learning_rate": value(row, "learning_rate"),
                "cost": _cell(row, "cost"),
                "low": _cell(row, "cost_low"),
                "high": _cell(row, "cost_high"),
                "reached": count(row, "reached"),
                "seeds": count(row, "n"),
            }
            for row in tables["thumb_rules"]
            if row["rule"] != "measured"
        ],
        "by_noise": [
            {
                "rule": row["rule"],
                "epoch": value(row, "epoch"),
                "batch_size": _cell(row, "size"),
                "low": _cell(row, "size_low"),
                "high": _cell(row, "size_high"),
                "seeds": count(row, "n"),
            }
            for row in tables["batch_by_noise"]
        ],
        "knee": {
            "batch_size": _cell(tables["knee"][0], "knee"),
            "low": _cell(tables["knee"][0], "knee_low"),
            "high": _cell(tables["knee"][0], "knee_high"),
            "goal": _cell(tables["knee"][0], "goal"),
            "sizes": count(tables["knee"][0], "sizes"),
            "seeds": count(tables["knee"][0], "n"),
        },
        "machine": {
            "largest_micro_batch": count(machine, "largest_micro_batch"),
            "enough_micro_batch": count(machine, "enough_micro_batch"),
            "time_error": value(machine, "time_error"),
            "memory_error": value(machine, "memory_error"),
            "device": workload["device"],
        },
        "next": _next(tables, spec["epochs"]),
        "warnings": warnings(tables, spec["task"]),
    }


def _next(tables: Mapping[str, Sequence[Row]], epochs: int) -> list[dict[str, Any]]:
    """Return what is worth training next, the most important first."""
    numbers = numbers_of({**tables["machine"][0], **tables["workload"][0]})
    speed = Speed(numbers, int(numbers["training_examples"]), epochs)
    proposals = next_round(tables["choices"], tables["cells"], speed, _present(tables))
    groups = [
        [each.setting.batch_size for each in proposals[:place] if each.why == proposals[place].why]
        for place in range(len(proposals))
    ]
    return [
        {
            "batch_size": each.setting.batch_size,
            "accumulation": each.setting.accumulation,
            "learning_rate": each.setting.learning_rate,
            "seeds": each.setting.seeds,
            "trained": each.trained,
            "why": each.why,
            "settles": each.settles,
            "seconds": round(speed.seconds(each.setting, each.trained, beside), 3),
        }
        for each, beside in zip(proposals, groups, strict=True)
    ]


def _cell(row: Row, column: str) -> float | None:
    """Return a cell as JSON has it: null where there is none."""
    found = value(row, column)
    return found if math.isfinite(found) else None


def _aim(aim: str, tables: Mapping[str, Sequence[Row]], spec: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the answer for one aim, None where no batch size reaches the target."""
    rows = [row for row in tables["choices"] if row["aim"] == aim]
    best = next((row for row in rows if row["verdict"] == BEST), None)
    if best is None:
        return None
    passes, rate = count(best, "accumulation"), value(best, "learning_rate")
    options = {key: item for key, item in spec["optimizer"].items() if key != "name"}
    config = {**options, "learning_rate": rate, **({"gradient_accumulation_steps": passes} if passes > 1 else {})}
    return {
        "batch_size": count(best, "batch_size"),
        **dict(zip(("batch_size_low", "batch_size_high"), _sizes(rows), strict=True)),
        "rate_low": _cell(best, "rate_low"),
        "rate_high": _cell(best, "rate_high"),
        "micro_batch": count(best, "micro_batch"),
        "accumulation": passes,
        "learning_rate": rate,
        "epochs": spec["epochs"],
        "optimizer": {"class_name": spec["optimizer"]["name"], "config": config},
        "value": value(best, "value"),
        "low": _cell(best, "value_low"),
        "high": _cell(best, "value_high"),
        "unit": best["unit"],
        "best_share": value(best, "best_share"),
        "at_edge": bool(count(best, "edge")),
        "alike": [
            {
                "batch_size": count(row, "batch_size"),
                "learning_rate": value(row, "learning_rate"),
                "more_seeds": count(row, "more_seeds") or None,
                "more_seconds": _cell(row, "more_seconds"),
            }
            for row in rows
            if row["verdict"] in (ALIKE, UNKNOWN)
        ],
    }


def _sizes(rows: Sequence[Row]) -> tuple[int, int]:
    """Return the sizes between which the best one lies in 90 % of the resamples of seeds."""
    shares = sorted((count(row, "batch_size"), value(row, "best_share")) for row in rows)
    sums = list(itertools.accumulate(share for _, share in shares))
    low, high = (next(place for place, each in enumerate(sums) if each >= part * sums[-1]) for part in (0.05, 0.95))
    return shares[low][0], shares[high][0]


# With tokens, or weights, batches of equal size hold unequal numbers of what the loss is summed over.
_UNEQUAL = (
    "sequences may differ in their tokens: an update divides once by their true number here, and Keras averages the"
    " means of micro-batches"
)


_CLASSES = ("classification", "binary")
# What to ask for where one answer is right most of the time.
_UNEQUAL_CLASSES = (
    "; of classes of unequal size ask for the balanced accuracy: task: {name: …, class_weights: balanced, metrics:"
    " [balanced_accuracy]} and, in advise, metric: validation_balanced_accuracy"
)


def _at_chance(tables: Mapping[str, Sequence[Row]]) -> str:
    """Return how many runs of the present setting end at chance level, as words; nothing if none does."""
    [size, rate] = _present(tables)
    rows = [row for row in tables["arms"] if (count(row, "batch_size"), value(row, "learning_rate")) == (size, rate)]
    lost = sum(len(row["collapsed"].split()) for row in rows)
    runs = [row for row in tables["cells"] if row["arm"] in {each["arm"] for each in rows}]
    own = f"{lost} of {counted(len(runs), 'run')} of your present setting"
    return (
        f"{own} {'is' if lost == 1 else 'are'} no better than one and the same answer for all examples" if lost else ""
    )


def _present(tables: Mapping[str, Sequence[Row]]) -> tuple[int, float]:
    """Return the present batch size and rate."""
    row = next(row for row in tables["thumb_rules"] if row["rule"] == "present")
    return count(row, "batch_size"), value(row, "learning_rate")


def warnings(tables: Mapping[str, Sequence[Row]], task: str = "") -> list[str]:
    """Return what to mind with this model, these data and these settings.

    Args:
        tables: Name → rows.
        task: Name of the task.
    """
    machine, workload = tables["machine"][0], tables["workload"][0]
    best = [row for row in tables["choices"] if row["verdict"] == BEST]
    split, found = any(count(row, "accumulation") > 1 for row in best), []
    if lost := _at_chance(tables):
        found.append(f"{lost}, so the target tells little of learning" + (_UNEQUAL_CLASSES if task in _CLASSES else ""))
    if layers := count(workload, "normalising"):
        found.append(
            f"the model has {counted(layers, 'layer')} of batch normalisation: with accumulation its statistics are"
            " those of a micro-batch, so only micro-batches that were trained are advised"
        )
    if (layers := count(workload, "random")) and split:
        found.append(
            f"the model has {counted(layers, 'layer')} with random numbers: micro-batches draw their own, so the same B"
            " in other pieces gives other runs"
        )
    examples = count(workload, "training_examples")
    ragged = sorted({size for row in best if examples % (size := count(row, "batch_size"))})
    if ragged:
        sizes = listed([f"{size} ({examples % size} examples)" for size in ragged])
        found.append(f"the last update of an epoch is smaller at B = {sizes}; it is kept here and in Keras' fit")
    if split:
        found.append(
            "Keras counts schedules in micro-batches: with gradient_accumulation_steps they need K times the steps"
        )
    if split and task == "next_token":
        found.append(_UNEQUAL)
    measured = {row["micro_batch"] for row in tables["throughput"] if row["outcome"] == "measured"}
    if len(measured) < _FEW:
        found.append(
            f"only {counted(len(measured), 'micro-batch', 'micro-batches')} could be measured in time, so times"
            " and memory of others are guesses: delete results/probes/throughput, ask again while nothing else runs"
        )
    if value(machine, "time_error") > _FAR_OFF:
        off = f"{100 * value(machine, 'time_error'):.0f} %"
        found.append(
            f"times of micro-batches that were not measured come from a line that is {off} off where it can be seen"
        )
    return found


def sentences(
    found: Mapping[str, Any], tables: Mapping[str, Sequence[Row]], metric: str = "validation value"
) -> list[dict[str, Any]]:
    """Return for each aim its name, the answer in a sentence, and what is not known in another.

    Args:
        found: What `answer` returned.
        tables: Name → rows.
        metric: What the validation value is called.
    """
    names = {**AIMS, "metric": f"Best {metric}"}
    present = next(row for row in tables["thumb_rules"] if row["rule"] == "present")
    return [
        {"aim": aim, "name": name, **_sentence(aim, found["aims"][aim], found, present)} for aim, name in names.items()
    ]


def headline(found: Mapping[str, Any], tables: Mapping[str, Sequence[Row]]) -> str:
    """Return the answer in two sentences: what to take, and whether more training may change that.

    Args:
        found: What `answer` returned.
        tables: Name → rows.
    """
    best = found["aims"]["time"]
    if lost := _at_chance(tables):
        return f"There is no advice to follow: {lost}. What to do is below."
    if best is None:
        return "There is no advice yet: no batch size reaches the target with every seed."
    setting = best["batch_size"], best["learning_rate"]
    same = [
        aim for aim, each in found["aims"].items() if each and (each["batch_size"], each["learning_rate"]) == setting
    ]
    kept = setting == _present(tables)
    verb = "Keep" if kept else "Take"
    text = f"{verb} B = {setting[0]} with learning rate {number(setting[1])}"
    text += ", whatever you aim at" if len(same) == len(AIMS) else ", if the time to the target is what counts"
    left = any(each["settles"] for each in found["next"])
    sure = (
        "Settings are left that may change this, see below" if left else "Nothing that is left is likely to change this"
    )
    return f"{text}. {sure}."


def _sentence(aim: str, best: Mapping[str, Any] | None, found: Mapping[str, Any], present: Row) -> dict[str, str]:
    if best is None:
        return {
            "answer": "No batch size reaches the target with every seed, so there is no advice",
            "open": "More epochs, or a lower target, would tell",
        }
    whole = best["accumulation"] == 1
    pieces = "in one piece" if whole else f"as {best['accumulation']} micro-batches of {best['micro_batch']}"
    size = str(best["batch_size"]) + between(best["batch_size_low"], best["batch_size_high"])
    settings = f"B = {size} {pieces} with learning rate {number(best['learning_rate'])}"
    settings += between(best["rate_low"], best["rate_high"])
    ends = [math.nan if best[end] is None else best[end] for end in ("low", "high")]
    reached = told([best["value"], *ends], best["unit"])
    close = [each for each in best["alike"] if aim != "memory"]
    text = f"{settings}: {reached}"
    if (best["batch_size"], best["learning_rate"]) == (count(present, "batch_size"), value(present, "learning_rate")):
        text += "; that is your present setting" if whole else "; that is your present setting, in smaller pieces"
    elif aim == "time" and math.isfinite(value(present, "cost")):
        low, high = value(present, "cost_low"), value(present, "cost_high")
        text += f"; your present setting takes {told([value(present, 'cost'), low, high])} times as long"
        if math.isfinite(low) and low <= 1 <= high:
            text += ", so it is not shown to be slower"
    return {"answer": text, "open": _open(close, found["seeds"])}


def between(low: float | None, high: float | None, digits: int = 3) -> str:
    """Return an interval in brackets, with a space before it; nothing if it is a point or not known."""
    known = low is not None and high is not None and low != high
    return f" [{number(low, digits)}, {number(high, digits)}]" if known else ""


def more_in_words(proposals: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what more time would tell, one sentence for each reason, with what it would cost."""
    told_ = []
    for why, group in itertools.groupby(proposals, key=lambda each: str(each["why"])):
        each = list(group)
        new = [one for one in each if not one["trained"]]
        sizes = listed([str(size) for size in sorted({one["batch_size"] for one in each})])
        what = (
            f"{counted(len(each), 'setting')} at B = {sizes}"
            if new
            else f"{counted(each[0]['seeds'] - each[0]['trained'], 'more seed')} each"
        )
        seconds = sum(one["seconds"] for one in each)
        told_.append(f"{why[:1].upper()}{why[1:]}: {what}, about {duration(seconds)}")
    return told_


def _open(close: Sequence[Mapping[str, Any]], seeds: int) -> str:
    """Return what cannot be told apart from the best, and what it would cost to know more."""
    if not close:
        return ""
    sizes = f"B = {listed([str(each['batch_size']) for each in close])}"
    each = "each " if len(close) > 1 else ""
    text = f"{sizes}, {each}at its best rate, cannot be told apart from it with {counted(seeds, 'seed')}"
    cheap = [size for size in close if size["more_seeds"]]
    if cheap:
        first = min(cheap, key=lambda size: size["more_seconds"])
        more = counted(first["more_seeds"], "more seed")
        text += f"; {more} would tell B = {first['batch_size']} (about {duration(first['more_seconds'])})"
    else:
        text += "; even 100 seeds would hardly tell: take the one that suits you"
    return text


def duration(seconds: float) -> str:
    """Return a time in words: `40 seconds`, `25 minutes`, `3 hours`."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 1.5 * length:
            return counted(round(seconds / length), unit)
    return counted(max(1, round(seconds)), "second")


# Rules that make a batch size of gradients → in words.
BY_NOISE = {
    "noise_scale": "Noise scale (McCandlish et al. 2018)",
    "norm_test": "Norm test, θ = 0.5 (Byrd et al. 2012)",
    "diversity": "Gradient diversity, upper bound (Yin et al. 2018)",
    "one_step": "Best rate of one step is half of its most (McCandlish et al. 2018)",
}


def by_noise_in_words(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the epochs at which the noise was measured, and for each rule the batch sizes that it makes of it."""
    epochs = sorted({value(row, "epoch") for row in rows})

    def told_at(rule: str, epoch: float) -> str:
        row = next(row for row in rows if row["rule"] == rule and value(row, "epoch") == epoch)
        return told([value(row, "size"), value(row, "size_low"), value(row, "size_high")])

    return {
        "epochs": [number(epoch) for epoch in epochs],
        "rules": [(name, [told_at(rule, epoch) for epoch in epochs]) for rule, name in BY_NOISE.items()],
    }


def knee_in_words(knee: Mapping[str, Any]) -> str:
    """Return the measured knee in a sentence, beside which the published rules stand."""
    if knee["batch_size"] is None:
        return (
            "The updates to nine tenths of the way to the target show no knee"
            f" ({counted(knee['sizes'], 'size')} came so far with every seed), so there is nothing to compare these"
            " with"
        )
    ends = [math.nan if knee[end] is None else knee[end] for end in ("batch_size", "low", "high")]
    return (
        f"What training shows: at B = {told(ends)} updates to nine tenths of the way to the target are twice those of"
        " the largest batches (the knee; the first rule is meant to predict it)"
    )


def foresight_in_words(rows: Sequence[Row]) -> str:
    """Return how well the noise scale foresaw the knee where that was tried; empty if it was not."""
    known = [row for row in rows if row["rule"] == "noise_scale" and count(row, "known") > 1]
    if not known:
        return ""
    parts = [
        f"{row['when']} τ = {told([value(row, 'rank'), value(row, 'rank_low'), value(row, 'rank_high')])} and"
        f" {told([value(row, 'ratio'), value(row, 'ratio_low'), value(row, 'ratio_high')])} times the knee"
        for row in known
    ]
    several = counted(max(count(row, "known") for row in known), "workload")
    return (
        f"On {several} on which this was tried, the noise scale had a rank correlation with the knee of {listed(parts)}"
    )


def rules_in_words(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Return what each rule of thumb says and costs, for a table."""
    return [
        {
            "rule": _RULES[row["rule"]],
            "batch_size": row["batch_size"],
            "learning_rate": number(value(row, "learning_rate")),
            "cost": told([value(row, "cost"), value(row, "cost_low"), value(row, "cost_high")])
            if math.isfinite(value(row, "cost"))
            else f"{count(row, 'reached')} of {counted(count(row, 'n'), 'seed')} reach the target",
        }
        for row in rows
        if row["rule"] in _RULES
    ]
