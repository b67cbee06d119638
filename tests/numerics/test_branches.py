"""A planned branch, trained, against the float64 twin: momentum goes on, batch size and rate change."""

from __future__ import annotations

import dataclasses

from numerics import cases, reference
from unit.campaigns import planned

from batchlab.backend.resident import from_arrays
from batchlab.tasks.classification.objective import CLASSIFICATION
from batchlab.training import order, segment

N = 1297  # as many examples as the set has for which the branch is planned


def test_a_branch_is_the_twin_that_goes_on_with_four_times_the_batch_and_twice_the_rate() -> None:
    plan = planned(
        run=["sizes"],
        precision="float64",
        optimizers__sgd={"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
        studies__sizes__claims={},
        studies__sizes__reference={"recipe": "trunk"},
        studies__sizes__arms={
            "trunk": {"batch_size": 64},
            "branch": {
                "from": {"arm": "trunk", "at": 1},
                "batch_size_factor": 4,
                "learning_rate_rule": "sqrt",
                "epochs": 1,
            },
        },
    )
    [_, branch] = plan.studies["sizes"].arms
    arrays = cases.arrays(examples=N)
    with cases.precision("float64"):
        data = from_arrays(arrays, CLASSIFICATION)
        first, *links = (dict(link.spec, seeds=[3]) for link in branch.chain)
        start = parent = cases.initial(data, first)
        for spec in links:
            parent = segment.train(spec, data, start, parent).snapshot
    assert [dataclasses.astuple(position)[:2] for position in parent.positions] == [(21 + 6, 2 * N)]
    twin = reference.SGD(0.1, momentum=0.9)
    expected = cases.parameters(start)
    for epoch, batch_size, rate in ((0, 64, 0.1), (1, 256, 0.2)):
        twin.learning_rate = rate
        orders = [order.permutation(3, epoch, N)]
        expected = reference.train(expected, twin, arrays["x_train"], arrays["y_train"], orders, batch_size, "relu")
    assert cases.relative_error(cases.parameters(parent), expected) < 1e-12
