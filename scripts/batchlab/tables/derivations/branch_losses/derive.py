"""The loss at the end of branches, beside that of the smallest batch size of the same age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.selection import require_column

_AGE = ["study", "trunk", "epoch", "learning_rate_rule"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the last loss of each branch and seed; `epoch` is where the branch begins.

    Args:
        tables: `history`, and `arms` with `trunk` and `branch_epoch`.
        options: `loss`, a column of history.

    Raises:
        BatchlabError: No arm is a branch, or branches of one age see different numbers of examples.
    """
    require_column(tables["history"], options["loss"], "loss")
    arms = tables["arms"]
    branches = arms[arms["trunk"].notna() & (arms["trunk"].astype(str) != "")]
    if branches.empty:
        raise BatchlabError("no arm branches off another one; give arms a `from`")
    ends = tables["history"].sort_values("epoch", kind="stable").groupby(["study", "arm", "seed"], sort=False).tail(1)
    rows = ends.rename(columns={"epoch": "end"}).merge(
        branches[["study", "arm", "trunk", "branch_epoch"]].rename(columns={"branch_epoch": "epoch"}),
        on=["study", "arm"],
    )
    rows["branch_loss"] = rows[options["loss"]].where(rows["status"] != "diverged")
    finished = rows[rows["status"] != "diverged"].groupby(_AGE, sort=False)["end"]
    if (finished.max() > finished.min()).any():
        raise BatchlabError("branches of one age end after different numbers of epochs; give them one length")
    rows["factor"] = rows["batch_size"] / rows.groupby(_AGE, sort=False)["batch_size"].transform("min")
    smallest = rows[rows["factor"] == 1].set_index([*_AGE, "seed"])["branch_loss"].rename("smallest")
    rows = rows.join(smallest, on=[*_AGE, "seed"])
    rows["loss_over_smallest"] = rows["branch_loss"] / rows["smallest"]
    return rows
