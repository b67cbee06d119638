"""What the benchmarks compute from their measurements, and that they refuse to compare unequal work."""

from __future__ import annotations

from typing import Any

import pytest

from batchlab.benchmarks import BEST, OURS, epochs, workflow
from batchlab.configuration import load
from batchlab.errors import BatchlabError
from batchlab.planning import plan


def rows(**seconds: list[float]) -> list[dict[str, Any]]:
    return [
        {"model": "mlp", "batch_size": 8, "contender": contender, "seconds_per_epoch": value}
        for contender, values in seconds.items()
        for value in values
    ]


def test_ratios_are_of_medians_and_the_best_setting_counts() -> None:
    measured = rows(batchlab=[1.0, 9.0, 1.2], fit=[4.8, 5.0, 90.0], fit_jit_50=[3.0, 3.6, 3.1], fit_no_jit_50=[4, 4, 4])
    assert epochs.medians(measured) == {
        OURS: 1.2, "fit": 5.0, "fit_jit_50": 3.1, "fit_no_jit_50": 4, BEST: 3.1
    }  # fmt: skip
    (row,) = epochs.ratios(measured)
    assert row["default_ratio"] == pytest.approx(5 / 1.2)
    assert row["best_ratio"] == pytest.approx(3.1 / 1.2)


class Answers:
    """A contender's process that answers with fixed numbers."""

    def __init__(self, contender: str, loss: float) -> None:
        self.contender, self.loss = contender, loss

    def ask(self, request: dict[str, Any]) -> dict[str, float]:
        return {"seconds": 1.0, "loss": self.loss}


@pytest.mark.parametrize(("loss", "accepted"), [(0.5049, True), (0.52, False), (float("nan"), False)])
def test_another_loss_is_not_the_same_work(
    loss: float, accepted: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    class Started:
        def __enter__(self) -> list[Answers]:
            return [Answers(OURS, 0.5), Answers("fit", loss)]

        def __exit__(self, *problem: object) -> None:
            pass

    monkeypatch.setattr(epochs, "workers", lambda threads: Started())
    case = epochs.Case({"name": "mlp"}, 8, 100)
    if accepted:
        measured = epochs.measure([case], tmp_path / "data.npz", 2, 1, 1000)
        assert [row["seconds_per_epoch"] for row in measured] == [10.0] * 4
    else:
        with pytest.raises(BatchlabError, match="not the same work"):
            epochs.measure([case], tmp_path / "data.npz", 2, 1, 1000)


def test_the_campaign_of_many_jobs_has_so_many() -> None:
    planned = plan(load(workflow.campaign(123)))
    assert sum(segment.parent is not None for segment in planned.segments.values()) == 123
