"""`make bench-gpu` refuses to compare unequal work, tells what it had no time for, and says when there is no GPU."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from batchlab.errors import BatchlabError
from benchmarks import gpu
from benchmarks.gpu import Case
from benchmarks.peak import dense_operations

ANSWER = {"seconds": 2.0, "first": 5.0, "loss": 1.5, "memory_mb": 10.0}


class Answers:
    """A process that answers as it is told."""

    def __init__(self, **answers: dict[str, Any]) -> None:
        self.answers = {"facts": {"device": "a card"}, "products": {"rate": 1e12}, "max_pooling": {"compiles": "yes"}}
        self.answers |= answers
        self.closed = False

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.answers.get(request["ask"], ANSWER)

    def close(self) -> None:
        self.closed = True


def measured(**sides: Answers) -> tuple[dict[str, Any], list[tuple[Case, dict[str, Any]]]]:
    def start(name: str) -> Answers:
        return sides.get(name.replace(", ", "_").replace(" ", "_"), Answers())

    return gpu.measure(gpu.cases([1, 5], 1.0), 100, start, lambda text: None)


def test_every_case_is_answered_and_each_process_is_ended() -> None:
    cpu = Answers()
    facts, answers = measured(cpu=cpu)
    assert [case for case, _ in answers] == gpu.cases([1, 5], 1.0)
    assert facts["device"] == "a card" and facts["products_per_second"] == 1e12
    assert cpu.closed


def test_unequal_work_has_no_times() -> None:
    with pytest.raises(
        BatchlabError, match=r"mlp, B = 64: loss 1.53 \(cpu, epoch\) and 1.5 \(gpu, epoch\): not the same"
    ):
        measured(cpu=Answers(epoch={**ANSWER, "loss": 1.53}))
    measured(cpu=Answers(epoch={**ANSWER, "loss": 1.51}))


def test_unequal_norms_and_curvature_have_no_times_either() -> None:
    for ask in ("norms", "sharpness"):
        with pytest.raises(BatchlabError, match=rf"{ask} 2 \(cpu, {ask}\) and 1.5 \(gpu, {ask}\): not the same"):
            measured(cpu=Answers(**{ask: {**ANSWER, "loss": 2.0}}))


def test_the_program_writes_a_table_and_a_page_that_say_what_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gpu, "SIDES", {name: dict(values) for name, values in gpu.SIDES.items()})
    monkeypatch.setattr(gpu, "Side", lambda name, deadline: Answers())
    monkeypatch.setattr(sys, "argv", ["bench-gpu", "--on-cpu", "--replicas", "1", "--share", "0.01"])
    gpu.main()
    with (tmp_path / "results/bench/gpu.csv").open() as file:
        table = list(csv.DictReader(file))
    cases = gpu.cases([1], 0.01)
    assert [(row["side"], row["ask"], row["model"], int(row["batch_size"])) for row in table] == [
        (case.side, case.ask, case.model, case.batch_size) for case in cases
    ]
    page, told = (tmp_path / "results/bench/gpu.md").read_text(), capsys.readouterr()
    assert "- trial: on a CPU: no number of this page is one of a GPU" in page and page in told.out
    assert page.count("\n| gpu") + page.count("\n| cpu") == len(cases)
    assert told.err.splitlines()[0] == "gpu, epoch: mlp, B = 64, replicas: 1: 2 s after 5 s to compile"


def test_without_a_gpu_it_says_so() -> None:
    with pytest.raises(BatchlabError, match="no GPU for JAX: BATCHLAB_DEVICE=gpu, but"):
        measured(gpu=Answers(facts={"error": "BATCHLAB_DEVICE=gpu, but JAX finds no such device"}))


def test_times_are_for_a_thousand_examples_of_one_replica_and_the_share_is_of_the_products() -> None:
    [row] = gpu.rows([(Case("gpu", "epoch", "mlp", 64, 5, 4000), ANSWER)], 1e12)
    assert row["ms_per_1000_examples"] == pytest.approx(2.0 / 20 * 1e3)
    assert row["share_of_products"] == pytest.approx(dense_operations(784, [512, 512], 10) * 20_000 / 2.0 / 1e12)


def test_what_there_was_no_time_for_is_a_row_that_says_so() -> None:
    [row] = gpu.rows([(Case("gpu", "epoch", "lenet", 64, 1, 100), {"error": "no time"})], 1e12)
    assert row["remark"] == "no time" and "seconds" not in row
    assert "| no time |" in gpu.page({}, [row])


def test_a_process_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.sys, "executable", "/bin/sh")
    begin = time.monotonic()
    side = gpu.Side("cpu", begin + 0.2)
    monkeypatch.undo()
    assert side.ask({"ask": "facts"})["error"] in ("no time", "the process has ended")
    assert time.monotonic() - begin < 5 and sys.executable != "/bin/sh"
    side.close()


def test_the_most_important_cases_come_first_and_cover_what_is_asked() -> None:
    cases = gpu.cases([1, 5, 40, 100], 1.0)
    assert {(case.side, case.ask) for case in cases[:3]} == {("gpu", "epoch"), ("cpu", "epoch"), ("gpu", "fit")}
    ours = {(c.model, c.batch_size, c.replicas) for c in cases if (c.side, c.ask) == ("gpu", "epoch")}
    assert ours >= {("mlp", size, count) for size in (1, 64, 1024) for count in (1, 5, 40, 100)}
    assert ours >= {("lenet", 64, count) for count in (1, 5, 40, 100)}
