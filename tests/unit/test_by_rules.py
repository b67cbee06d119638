"""The campaign that trains by rules which another has measured."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.campaigns import RAW

from batchlab.configuration.campaign import load, read
from batchlab.errors import BatchlabError
from batchlab.planning import plan
from batchlab.starting import by_rules

EXAMPLES = 1280


def measured(folder: Path, scales: dict[int, tuple[float, ...]]) -> Path:
    """Write the table of rules for b at each epoch, one for each seed, as the derivation does: B = b and B = 100 b."""
    path = folder / "trial/derived/adaptive_batch/adaptive_rules.csv"
    path.parent.mkdir(parents=True)
    lines = ["epoch,seed,rule,adapted_batch,share"]
    for epoch, of_seeds in scales.items():
        for seed, scale in enumerate(of_seeds):
            for rule, size in (("noise_scale", scale), ("norm_test", 100 * scale), ("diversity", scale + 1)):
                lines.append(f"{epoch},{seed},{rule},{size},{size / EXAMPLES}")
    path.write_text("\n".join(lines))
    return path


def config(folder: Path) -> Path:
    raw: dict[str, Any] = {key: value for key, value in copy.deepcopy(RAW).items() if key != "studies"}
    path = folder / "trial.yaml"
    path.write_text(yaml.safe_dump({**raw, "model": "mlp", "optimizer": "sgd", "run": ["batch_size"]}))
    return path


def test_a_stage_takes_the_rule_at_its_start_as_a_power_of_two_within_bounds(tmp_path: Path) -> None:
    # Geometric means: √(8 · 32) = 16 at epoch 1, √(50 · 200) = 100, so 128, at epoch 3; that at the end trains nothing.
    table = measured(tmp_path, {1: (8.0, 32.0), 3: (50.0, 200.0), 6: (900.0, 900.0)})
    found = by_rules.stages(table, 16)
    assert found == {
        "noise_scale": [(1, 16), (2, 16), (3, 128)],
        "norm_test": [(1, 16), (2, EXAMPLES), (3, EXAMPLES)],
    }
    assert by_rules.stages(table, 64)["noise_scale"] == [(1, 64), (2, 64), (3, 128)]


def test_the_campaign_can_be_planned_and_trains_equally_many_examples(tmp_path: Path) -> None:
    measured(tmp_path / "results", {1: (20.0, 40.0), 4: (300.0, 500.0), 6: (900.0, 900.0)})
    told = by_rules.write(config(tmp_path), tmp_path / "results")
    target = tmp_path / "trial_by_rules.yaml"
    assert f"Wrote {target}: B = b: 16, 32, 512; B = b / η²: 16, 1280, 1280." in told
    made = plan(load(read(yaml.safe_load(target.read_text()))))
    text = target.read_text()
    assert "&id" not in text and "wide" not in text
    arms = made.studies["by_rules"].arms
    assert {arm.recipe.arm.split("-")[0] for arm in arms} >= {"fixed", "noise_scale", "norm_test_scaled"}
    assert len({arm.chain[-1].spec["stop"] for arm in arms}) == 1
    scaled = next(arm for arm in arms if arm.recipe.arm.startswith("noise_scale_scaled"))
    rates = {segment.spec["batch_size"]: segment.spec["learning_rate"] for segment in scaled.chain[1:]}
    assert all(rate == pytest.approx(0.1 * size / 16) for size, rate in rates.items()) and len(rates) == 3
    with pytest.raises(BatchlabError, match="is there already, and is not overwritten"):
        by_rules.write(tmp_path / "trial.yaml", tmp_path / "results")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(BatchlabError, match="run the study adaptive_batch of that campaign first"):
        by_rules.write(config(tmp_path), tmp_path / "results")
    with pytest.raises(BatchlabError, match=r"no such file"):
        by_rules.write(tmp_path / "other.yaml")
    with pytest.raises(BatchlabError, match="no two snapshots at whole epochs"):
        by_rules.stages(measured(tmp_path, {6: (3.0, 4.0)}), 16)
