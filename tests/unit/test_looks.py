"""Looks at claims between which seeds are added: how many are planned, and what cannot be."""

from __future__ import annotations

import pytest
from unit.campaigns import planned

from batchlab.errors import BatchlabError
from batchlab.planning.specs import claims_spec

UP_TO_SIX = {"count": 2, "block": 2, "up_to": 6}
PLANNED = "but looks are planned at 2, 4, 6 seeds (seeds.up_to); choose one of them, or fewer than 2"


@pytest.mark.parametrize(
    ("seeds", "own", "looks"),
    [
        ({"count": 2, "block": 2}, None, 1),
        ({"count": 2, "block": 2}, 7, 1),
        ({"count": 2, "block": 2, "up_to": 2}, None, 1),
        (UP_TO_SIX, None, 3),
        (UP_TO_SIX, 4, 3),
        (UP_TO_SIX, 6, 3),
        (UP_TO_SIX, 1, 1),
    ],
)
def test_the_looks_that_a_campaign_plans_do_not_depend_on_which_of_them_it_is(
    seeds: dict[str, int], own: int | None, looks: int
) -> None:
    found = planned(seeds=seeds, **({"studies__sizes__seeds": own} if own else {}))
    assert claims_spec(found, "sizes")["looks"] == looks


@pytest.mark.parametrize(
    ("seeds", "own", "message"),
    [
        ({"count": 2, "up_to": 5}, None, "seeds.up_to: 5 is no multiple of 2, the count; seeds are added 2 at a time"),
        (
            UP_TO_SIX,
            3,
            f"studies.sizes.seeds: 3, {PLANNED}",
        ),
        (
            UP_TO_SIX,
            8,
            f"studies.sizes.seeds: 8, {PLANNED}",
        ),
    ],
)
def test_seeds_at_which_no_look_is_planned_are_one_line(seeds: dict[str, int], own: int | None, message: str) -> None:
    with pytest.raises(BatchlabError) as caught:
        planned(seeds=seeds, **({"studies__sizes__seeds": own} if own else {}))
    assert str(caught.value) == message
