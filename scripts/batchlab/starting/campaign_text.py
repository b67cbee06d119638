"""The text of a first campaign, with comments that say what to change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from batchlab.configuration.catalogue import catalogue
from batchlab.planning.chosen_task import usual
from batchlab.sources.settings import DataShape
from batchlab.starting.sizes import Fit

# Studies of the catalogue that ask something of any data and of any model.
STUDIES = ("batch_size", "switch")
_TEXT = """\
# yaml-language-server: $schema={schema}
# A campaign for {file}, written by `make new`. Change what you like: only what depends on a change runs again.
#   make plan CONFIG={path}       what would run, and how long it will take
#   make figures CONFIG={path}    runs it and writes results/{name}/index.html
# Every key is explained in config/README.md.
campaign: {name}
title: Which batch size for {title}?
summary: >-
  {summary}{published}

# 1. The data. `make plan` looks into the file; what was understood of it is in results/data/…/understood.json.
dataset: {name}
datasets:
  {name}: {dataset}

# 2. The model. Built in: {models}; or a file of yours, {{file: my_model.py}}, see docs/own-data.md.
model: {model_name}
models:
  {model_name}: {model}

# 3. Learning rates are for B = small ({small}). After the first run, put the rate that the report recommends here.
optimizer: {optimizer}
optimizers:
  sgd: {{name: sgd, learning_rate: 0.1}}
  adam: {{name: adam, learning_rate: 0.001}}

# 4. Length and repetitions. More seeds make intervals narrower; added seeds train only what is new.
epochs: {epochs}
seeds: {{count: 5, block: 5}}

# 5. Batch sizes by the names that the catalogue of studies uses; {examples} examples are trained on.
batch_sizes: {sizes}

# 6. The studies, in the order of the report. `choice` tries learning rates for each batch size and recommends; {others}
run: [choice, {studies}]
advice: {{figure: choice.validation}}   # the first figure of the page
studies:
  choice:
    title: Batch size and learning rate
    question: Which batch size, and which learning rate, suit {title}?
    arms:
      grid:
        batch_size: [tiny, small, medium, large]
        learning_rate: {rates}
    tables:
      recommendation: {{derivation: recommendation}}
    figures:
      validation:
        chart: heatmap
        title: {Metric} of each batch size and learning rate
        table: history
        value: validation_{metric}
        where: {{epoch: last}}
        caption: "{{model}} on {{dataset}} after {{epochs}} epochs, {{seeds}} seeds."

{tail}"""
_OTHERS = """the
#    others are of the catalogue, config/studies/, which has more: time, weight_distances, adam_rule, …"""
_OWN = """`sizes`
#    compares batch sizes at one rate. Studies of the catalogue whose figures name accuracy are about classes."""
_CLAIMS = """\
  # Published numbers of these claims are of other data and other networks. They are shown beside yours and not judged.
{claims}"""
# For what has no accuracy of classes: a study of its own in place of those of the catalogue.
_SIZES = """\
  sizes:
    title: A larger batch at the same learning rate
    question: What does a larger batch change, everything else alike?
    reference: {{batch_size: small}}
    arms:
      fixed: {{batch_size: [tiny, small, medium, large]}}
    tables:
      ranking: {{derivation: ranking}}
    figures:
      course:
        chart: curves
        title: Training and test set, for each batch size at one learning rate
        table: history
        x: epoch
        y: [test_{metric}, train_{metric}]
        colour: batch_size
        where: {{epoch: {{min: 1}}}}
        caption: "{{model}} on {{dataset}}, {{optimizer}} at learning rate {{learning_rate}}, {{seeds}} seeds."
"""
_BECAUSE = "published for other data and another network"


def _flow(value: Any) -> str:
    """Return a value as YAML in one line; JSON is YAML, but keys need no quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    plain = isinstance(value, str) and value.replace("_", "").isalnum() and value.isascii() and value[:1].isalpha()
    words = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
    return value if plain and value.lower() not in words else json.dumps(value, ensure_ascii=False)


def _claims() -> str:
    """Return the lines that take the claims of the catalogue out of judgement."""
    known = catalogue()["studies"]
    lines = []
    for study in STUDIES:
        lines += [f"  {study}:", "    claims:"]
        lines += [
            f"      {claim}: {{standing: not comparable, because: {_BECAUSE}}}"
            for claim in known[study].get("claims", {})
        ]
    return _CLAIMS.format(claims="\n".join(lines) + "\n")


# What data sets hold by the targets that are learnt.
_TARGETS = {"classes": "classes", "flags": "labels", "numbers": "target numbers", "tokens": "different tokens"}


def held(shape: DataShape) -> str:
    """Return what a data set holds to be learnt, such as `3 classes`."""
    words = _TARGETS[shape.targets]
    return f"{shape.classes} {words.removesuffix('s') if shape.classes == 1 else words}"


def text(
    name: str,
    path: str,
    schema: str,
    dataset: Mapping[str, Any],
    shape: DataShape,
    fit: Fit,
    models: Mapping[str, Any],
) -> str:
    """Return the campaign file.

    Args:
        name: Name of the campaign and of the data set.
        path: Where the file will be, as a user names it.
        schema: Where the schema is, from there.
        dataset: Settings of the data set.
        shape: Its sizes.
        fit: Batch sizes, epochs and model.
        models: Built-in models by name.
    """
    file = str(dataset.get("file", dataset.get("name")))
    parts = (
        ("train on", shape.examples_train),
        ("choose by", shape.examples_validation),
        ("test", shape.examples_test),
    )
    sizes = ", ".join(f"{count:,} examples to {use}" for use, count in parts)
    task = usual(shape.targets).task
    metric = next(each for each in task.metrics if each.name == task.headline)
    catalogued = shape.targets == "classes"
    each = (
        f"{shape.input_shape[0]} features" if len(shape.input_shape) == 1 else " × ".join(map(str, shape.input_shape))
    )
    return _TEXT.format(
        name=name,
        title=name.replace("_", " "),
        path=f"'{path}'" if " " in path else path,
        file=file,
        schema=schema,
        summary=f"{sizes}; {each} each, {held(shape)}.",
        dataset=_flow(dataset),
        models=", ".join(models),
        model_name=fit.model["name"],
        model=_flow(fit.model),
        small=fit.batch_sizes["small"],
        epochs=fit.epochs,
        examples=f"{shape.examples_train:,}",
        sizes=_flow(fit.batch_sizes),
        published="\n  Published numbers are of other data, and are not judged here." if catalogued else "",
        optimizer=fit.optimizer,
        metric=metric.name,
        Metric=f"Validation {metric.title}" if metric.title[0].islower() else f"{metric.title} on the validation set",
        others=_OTHERS if catalogued else _OWN,
        studies=", ".join(STUDIES) if catalogued else "sizes",
        rates=_flow(fit.rates),
        tail=_claims() if catalogued else _SIZES.format(metric=metric.name),
    )
