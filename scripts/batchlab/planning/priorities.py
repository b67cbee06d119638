"""Which jobs should start first: those at the head of the longest chain of work, so that no core waits at the end.

Work is counted in training examples of one seed that go through the model forward and backward. Models differ in what
an example costs; inside one campaign most arms share one, and a wrong order costs time only.
"""

from __future__ import annotations

import math
from collections import defaultdict

from batchlab.declarations import find
from batchlab.declarations.probe import Situation
from batchlab.planning.parts import Plan, Probe, Segment

# An update costs as much as so many examples more (MLP on MNIST: 130 µs at B = 1, 16 µs for each example at B = 1,024).
_UPDATE = 8
# Each epoch all three splits are evaluated, forward only.
_EVALUATION = 0.4
# Priority of the longest chain; what a user prioritizes (`--prioritize`) goes beyond any number.
_MOST = 1000


def work_of_segment(segment: Segment) -> float:
    """Return the work of training a segment; 0 for initial weights."""
    if segment.parent is None:
        return 0.0
    spec = segment.spec
    return float((spec["stop"] - spec["start"]) * (1 + _EVALUATION + _UPDATE / spec["batch_size"]))


def work_of_probe(plan: Plan, probe: Probe) -> float:
    """Return the work of measuring a probe of a plan, as it declares it; 0 where it only evaluates."""
    options = probe.spec["probe"]
    examples = plan.data[plan.segments[probe.segment].data].shape.examples_train
    situation = Situation(arm="", batch_size=probe.spec["batch_size"], examples=examples)
    return float(find.probes()[probe.kind].work(options, situation))


def priorities(plan: Plan) -> dict[str, int]:
    """Return a priority for each segment and probe by name: 1 to 1000, in proportion to the work that waits for it.

    What waits for a job is itself and the longest chain of segments and probes that needs its result.
    """
    chains = {probe.name: work_of_probe(plan, probe) for probe in plan.probes.values()}
    after: defaultdict[str, float] = defaultdict(float)
    for probe in plan.probes.values():
        for segment in probe.segments:
            after[segment] = max(after[segment], chains[probe.name])
    # A segment is planned after its parent, so the last one comes first here.
    for part in reversed(plan.segments.values()):
        chains[part.name] = work_of_segment(part) + after[part.name]
        if part.parent is not None:
            after[part.parent] = max(after[part.parent], chains[part.name])
    longest = max(chains.values(), default=0) or 1
    return {name: max(1, math.ceil(_MOST * work / longest)) for name, work in chains.items()}
