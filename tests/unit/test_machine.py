"""The choice of training core and device: by profile, command line or environment, never by a campaign."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchlab.configuration.machine import choose
from batchlab.configuration.yaml_files import check_files
from batchlab.errors import BatchlabError

PROJECT = Path(__file__).resolve().parents[2]
JAX, GPU = {"BATCHLAB_BACKEND": "jax"}, {"BATCHLAB_DEVICE": "gpu"}


@pytest.mark.parametrize(
    ("config", "before", "after"),
    [
        ({}, {}, {}),
        ({"backend": "jax"}, {}, JAX),
        ({"backend": "jax", "device": "gpu"}, {}, JAX | GPU),
        ({}, JAX, JAX),
        ({"device": "gpu"}, JAX, JAX | GPU),
        ({"backend": None}, {"BATCHLAB_BACKEND": ""}, {}),
    ],
)
def test_the_choice_goes_into_the_environment(
    config: dict[str, Any], before: dict[str, str], after: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    config, environment = {"campaign": "x", **config}, {"HOME": "/h", **before}
    choose(config, environment)
    assert environment == {"HOME": "/h", **after}
    assert config == {"campaign": "x"}
    assert capsys.readouterr() == ("", "")


def test_a_variable_wins_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    environment = dict(JAX)
    choose({"backend": "tensorflow", "device": "gpu"}, environment)
    assert environment == JAX | GPU
    assert capsys.readouterr().err == "batchlab: BATCHLAB_BACKEND=jax in the environment, so not backend tensorflow\n"


def test_a_job_that_reads_the_snakefile_again_finds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    environment: dict[str, str] = {}
    for _ in range(2):
        choose({"backend": "jax", "device": "gpu"}, environment)
    assert environment == JAX | GPU
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("config", "environment", "message"),
    [
        ({"backend": "jaxx"}, {}, "backend: unknown backend 'jaxx'; did you mean 'jax'? allowed: jax, tensorflow"),
        ({"device": ["gpu"]}, {}, "device: unknown device "),
        ({"device": 1}, {}, "device: unknown device 1; allowed: cpu, gpu"),
        ({}, {"BATCHLAB_DEVICE": "tpu"}, "BATCHLAB_DEVICE: unknown device 'tpu'; "),
        ({"backend": "torch"}, JAX, "backend: unknown backend 'torch'; "),
    ],
)
def test_a_wrong_choice_is_one_line(config: dict[str, Any], environment: dict[str, str], message: str) -> None:
    with pytest.raises(BatchlabError) as problem:
        choose(config, environment)
    assert str(problem.value).startswith(message)


@pytest.mark.parametrize("key", ["backend", "device"])
def test_a_campaign_does_not_choose(tmp_path: Path, key: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"models:\n  mine: {{{key}: gpu}}\n")
    check_files([path])
    path.write_text(f"campaign: mine\n{key}: gpu\n")
    with pytest.raises(BatchlabError, match=rf"mine\.yaml: line 2: {key} is a matter of the machine.*--config {key}=…"):
        check_files([path])


def test_every_rule_that_computes_waits_for_the_gpu() -> None:
    profile = yaml.safe_load((PROJECT / "profiles/gpu/config.yaml").read_text())
    environment: dict[str, str] = {}
    choose(profile["config"], environment)
    assert environment == JAX | GPU
    text = "".join(path.read_text() for path in (PROJECT / "rules").glob("*.smk"))
    rules = re.findall(r"^rule (\w+):\n((?:    .*\n|\n)*)", text, re.MULTILINE)
    waiting = {name for name, body in rules if f'**ASKS.resources("{name}"' in body}
    assert waiting == {"check_model", "initialise_model", "train_segment", "measure_probe", "measure_apart"}
