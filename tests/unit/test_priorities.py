"""The longest chain of work starts first: against a search through all chains."""

from __future__ import annotations

import pytest
from unit.campaigns import planned
from unit.test_campaign_files import campaign

from batchlab.planning import Plan
from batchlab.planning.priorities import priorities, work_of_probe, work_of_segment


def chains(plan: Plan, name: str) -> list[float]:
    """Return the work of every chain that begins with a segment or a probe."""
    if name in plan.probes:
        return [work_of_probe(plan, plan.probes[name])]
    following = [segment.name for segment in plan.segments.values() if segment.parent == name]
    following += [probe.name for probe in plan.probes.values() if probe.segment == name]
    own = work_of_segment(plan.segments[name])
    return [own, *(own + rest for each in following for rest in chains(plan, each))]


@pytest.mark.parametrize("name", ["quick.yaml", "paper.yaml", "calibration.yaml"])
def test_priority_is_the_longest_chain_of_work(name: str) -> None:
    plan = campaign(name)
    found = priorities(plan)
    longest = {each: max(chains(plan, each)) for each in (*plan.segments, *plan.probes)}
    assert found.keys() == longest.keys()
    most = max(longest.values())
    for each, priority in found.items():
        assert 1 <= priority <= 1000
        assert abs(priority - 1000 * longest[each] / most) <= 1


def test_what_a_long_probe_waits_for_goes_before_longer_training() -> None:
    plan = planned()
    found = priorities(plan)
    probe = next(each for each in plan.probes.values() if each.spec["position"] == 2 * 1297)
    alone = next(name for name, each in plan.segments.items() if each.spec.get("stop") == 6 * 1297 and each.parent)
    assert work_of_segment(plan.segments[alone]) > work_of_segment(plan.segments[probe.segment])
    assert found[probe.segment] > found[alone]


def test_work_grows_with_updates_examples_and_trials() -> None:
    plan = campaign("paper.yaml", run=["batch_size", "gradient_norms", "batch_norm"])
    trained = {name: work_of_segment(each) for name, each in plan.segments.items()}
    tiny = max(work for name, work in trained.items() if "mlp-sgd-b16-lr0.04-to30" in name)
    huge = max(work for name, work in trained.items() if "mlp-sgd-b4096-lr0.04-to30" in name)
    assert tiny > huge > 30 * 55_000
    norms = [work_of_probe(plan, probe) for probe in plan.probes.values() if probe.kind == "gradient_norms"]
    assert norms and all(work > 1000 * 10 * 1024 for work in norms)
    statistics = [work_of_probe(plan, probe) for probe in plan.probes.values() if probe.kind == "running_statistics"]
    assert statistics and set(statistics) == {0.0}


def test_what_a_probe_does_with_all_examples_counts() -> None:
    """Twice the training set, twice the work: the single gradients of the noise scale, the evaluation of a line."""
    for study, kind in (("noise_scale", "noise_scale"), ("interpolation", "interpolation")):
        works = []
        for examples in (10_000, 20_000):
            data = {"name": "mnist", "validation": 5000, "examples": examples}
            plan = campaign("paper.yaml", run=[study], datasets={"mnist": data})
            works.append([work_of_probe(plan, probe) for probe in plan.probes.values() if probe.kind == kind])
        few, more = works
        assert few and all(1.8 * a < b <= 2 * a for a, b in zip(few, more, strict=True))


def test_an_empty_plan_has_no_priorities() -> None:
    assert priorities(Plan("empty", {})) == {}
