"""What the benchmarks compute from their measurements, and that they refuse to compare unequal work."""

from __future__ import annotations

import contextlib
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases

from batchlab.configuration.campaign import load
from batchlab.errors import BatchlabError
from batchlab.paths import SCRIPTS
from batchlab.planning import plan
from benchmarks import FIT_SETTINGS, OURS, TORCH, contenders, epochs, norms, scale, sections, summary, surface, workflow
from benchmarks.contenders import start
from benchmarks.peak import dense_operations


def rows(**seconds: list[float]) -> list[dict[str, Any]]:
    return [
        {"model": "mlp", "batch_size": 8, "contender": contender, "examples": 100, "seconds_per_epoch": value}
        for contender, values in seconds.items()
        for value in values
    ]


def test_ratios_are_of_medians_and_the_best_setting_of_fit_counts() -> None:
    measured = rows(
        batchlab=[1.0, 9.0, 1.2], fit=[4.8, 5.0, 90.0], fit_jit_50=[3.0, 3.6, 3.1], fit_no_jit_50=[4, 4, 4], torch=[2.4]
    )
    (row,) = epochs.ratios(measured)
    assert row["default_ratio"] == pytest.approx(5 / 1.2)
    assert row["best_ratio"] == pytest.approx(3.1 / 1.2)
    assert row["torch_ratio"] == pytest.approx(2)
    assert math.isnan(row["jax_ratio"])


class Answers:
    """A contender's process that answers with fixed numbers."""

    def __init__(self, contender: str, **answer: Any) -> None:
        self.contender, self.answer = contender, {"seconds": 1.0, "loss": 0.5, "memory_mb": 400.0, **answer}

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.answer


def measured_beside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **answer: Any) -> list[dict[str, Any]]:
    """Return the rows of a case in which all contenders but the last one do the same."""
    started = [*(Answers(name) for name in (OURS, *FIT_SETTINGS)), Answers(TORCH, **answer)]
    monkeypatch.setattr(epochs, "workers", lambda threads: contextlib.nullcontext(started))
    return epochs.measure([epochs.Case({"name": "mlp"}, 8, 100)], tmp_path / "data.npz", 2, 1, 1000)


def test_seconds_are_those_of_a_whole_epoch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = measured_beside(monkeypatch, tmp_path, loss=0.5049)
    assert [row["seconds_per_epoch"] for row in measured] == [10.0] * 10


@pytest.mark.parametrize("loss", [0.52, float("nan")])
def test_another_loss_is_not_the_same_work(loss: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BatchlabError, match="not the same work"):
        measured_beside(monkeypatch, tmp_path, loss=loss)


def test_who_is_unable_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = measured_beside(monkeypatch, tmp_path, unable="refuses")
    assert {row["contender"] for row in measured} == {OURS, *FIT_SETTINGS}
    (costs,) = epochs.costs(measured, "memory_mb")
    assert costs[OURS] == 400
    assert math.isnan(costs[TORCH])


def test_one_trial_may_cross_a_kink_but_not_all_of_them() -> None:
    norms.same_norms("case", [1.0, 2.0, 3.0], [1.0, 2.0, 3.0 * 1.0016])
    for eager in ([1.0, 2.0, 3.3], [1.0001, 2.0002, 3.0003], [1.0, 2.0, math.nan]):
        with pytest.raises(BatchlabError, match="not the same work"):
            norms.same_norms("case", [1.0, 2.0, 3.0], eager)


def test_all_contenders_start_with_the_same_outputs(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)
    data = contenders.Data(drawn.integers(0, 255, (70, 8, 8)).astype(np.uint8), np.zeros(70, np.int32), 255.0, 3)
    for model in ({"name": "mlp_bn", "hidden": [5]}, {"name": "lenet", "filters": [2, 3], "dense": [4]}):
        spec = {"model": model, "batch_size": 8, "learning_rate": 0.1}
        ours = contenders.way(OURS).prepare(OURS, spec, data, tmp_path / "start.npz")
        fit = contenders.way("fit").prepare("fit", spec, data, tmp_path / "start.npz")
        begin = start.read(tmp_path / "start.npz")
        inputs = data.inputs(slice(start.CHECKED))
        for contender in (ours, fit):
            start.check("it", contender.logits(inputs, training=False), begin)
            contender.epoch()
            with pytest.raises(BatchlabError, match="not the same work"):
                start.check("it", contender.logits(inputs, training=False), begin)
            contender.reset()
            start.check("it", contender.logits(inputs, training=False), begin)


@pytest.mark.slow
def test_probes_and_eager_loops_come_to_the_same_results() -> None:
    found = surface.measure({"name": "mlp", "hidden": [8]}, cases.resident(), 1, examples=40, singles=6)
    assert [(row["what"], row["contender"]) for row in found] == list(
        itertools.product(surface.TOLERANCES, ("batchlab", "eager_tape"))
    )
    assert all(row["seconds"] > 0 for row in found) and set(found[0]) == set(surface.COLUMNS)


def test_other_results_have_no_times() -> None:
    surface.same("cosines", [1.0, 0.5], [1.0, 0.5001])
    with pytest.raises(BatchlabError, match="cosines: compiled and eager results differ by"):
        surface.same("cosines", [1.0, 0.0], [1.0, 0.5])


def test_cost_that_is_proportional_has_the_exponent_one() -> None:
    points = [{"what": "seeds", "count": count, "seconds": 0.3 * count} for count in (1, 2, 4)]
    points += [{"what": "trials", "count": count, "seconds": 2.0 * count**0.5} for count in (100, 10_000)]
    assert scale.exponents(points) == pytest.approx({"seeds": 1, "trials": 0.5})


def test_operations_of_a_perceptron() -> None:
    # one weight of 2 × 3: 2 operations forward and 2 for its gradient; of 3 × 4: 2 more for the gradient of its input
    assert dense_operations(2, [3], 4) == 4 * 6 + 6 * 12


def test_the_page_of_benchmarks_shows_what_was_measured(tmp_path: Path) -> None:
    tables = {
        "machine": "machine,threads,operations_per_second,dataset,examples,repeats,date\n"
        "Old,2,9e10,mnist,50000,3,2026-01-02",
        "epoch_ratios": "model,batch_size,default_ratio,best_ratio,jax_ratio,torch_ratio,share_of_peak\n"
        "mlp,1,8,4,,,0.1\nmlp,8,2,1,,,0.6\nlenet,1,9,9,,,",
        "job_ratios": "model,batch_size,default_ratio,best_ratio,jax_ratio,torch_ratio\nmlp,1,18,2,,\nmlp,8,2,8,,",
        "norm_ratios": "ratio\n10\n10",
        "surface_ratios": "what,ratio\nsharpness,3.96",
        "workflow": "what,jobs,seconds\ndry run,1000,2\ndry run,1000,3\ndry run,1000,4\nnothing to do,1000,1.5\n"
        f'"{workflow.EMPTY}",0,1.25',
    }
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    page = summary.PAGE.read_text(encoding="utf-8")
    assert page.count(summary.BEGIN) == page.count(summary.END) == 1
    shown = summary.rendered(page, tmp_path)
    assert shown.startswith(page.partition(summary.BEGIN)[0])
    assert shown.endswith(page.partition(summary.END)[2])
    ratios = ("4.0× (2.0–8.0) | 6.0×", "2.0× (1.0–4.0)", "not installed", "10 %, 60 %")
    for text in ("2026-01-02: Old, 2 threads", *ratios):
        assert text in shown
    assert "| sharpness | eager `GradientTape` loop | – | 4.0× | |" in shown
    assert "| < 5 s | 3.00 s | |" in shown
    assert "empty rule | – | – | 1.25 s | |" in shown
    assert "| planning 2,000 arms | – | < 2 s | not measured | |" in shown


def test_the_page_names_who_is_absent_and_shows_every_table(tmp_path: Path) -> None:
    seconds = {OURS: [2.0], "fit": [9.0], "fit_jit_50": [8.0], "fit_no_jit_50": [10.0], TORCH: [4.0]}
    measured = [{**row, "compile_seconds": 1.5, "memory_mb": 400.0} for row in rows(**seconds)]
    ratios = [{**row, "share_of_peak": 0.25} for row in epochs.ratios(measured)]
    trials = [
        {"method": "fixed_weights", "batch_size": 2, "contender": name, "seconds_per_trial": value}
        for name, value in (("batchlab", 0.001), ("batchlab", 0.003), ("batchlab", 0.002), ("eager_tape", 0.014))
    ]
    machine = {"machine": "Old", "threads": 2, "operations_per_second": 9e10, "dataset": "mnist", "examples": 50_000}
    tables: sections.Tables = {
        "machine": [{**machine, "repeats": 3, "date": "2026-01-02"}],
        "epoch_ratios": ratios,
        "job_ratios": epochs.ratios(rows(**{**seconds, OURS: [4.0]})),
        "compiling": epochs.costs(measured, "compile_seconds"),
        "memory": epochs.costs(measured, "memory_mb"),
        "norm_ratios": norms.ratios(trials),
        "surface_ratios": surface.ratios(
            [
                {"what": "cosines", "contender": name, "seconds": value}
                for name, value in (("batchlab", 0.1), ("batchlab", 0.3), ("batchlab", 0.2), ("eager_tape", 5.0))
            ]
        ),
        "workflow": [{"what": "plan", "jobs": jobs, "seconds": jobs / 1e4} for jobs in (100, 1_000)],
        "imports": [{"job": "draw_figure", "seconds": 0.4, "memory_mb": 80.0}],
        "scale": [{"what": "seeds", "count": n, "seconds": 1.0 * n, "memory_mb": 500.0} for n in (1, 4)],
    }
    sections.write(tables, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "Old, 2 threads, 90·10⁹ operations a second in matrix products; mnist, 50,000 training examples" in page
    assert "Not installed: fit on JAX" in page
    assert "mlp: fit 4.5, fit at its best settings 4.0, a PyTorch loop 2.0" in page
    assert "mlp: fit 2.2, fit at its best settings 2.0, a PyTorch loop 1.0" in page
    assert "how many times longer the loop takes: 7.0" in page
    assert "Exponents of the cost: seeds 1.00, arms 1.00" in page
    assert "How many times longer they take: cosines 25.0." in page
    assert page.count("<h2>") == 9
    assert {path.stem for path in tmp_path.glob("*.csv")} == set(tables)
    assert "With one thread each: mlp: fit 2.2" in sections.conclusions(tables)


def test_the_campaign_of_many_jobs_has_so_many() -> None:
    planned = plan(load(workflow.campaign(123)))
    assert sum(segment.parent is not None for segment in planned.segments.values()) == 123


@pytest.mark.slow
def test_the_workflow_itself_is_timed_with_nothing_left_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SCRIPTS))  # as `make bench` calls it
    timed = workflow.measure((3,), repeats=1)
    assert [row["what"] for row in timed] == [workflow.EMPTY, "plan", "dry run", "nothing to do"]
    assert all(row["seconds"] > 0 for row in timed)
