"""The batch size that each adaptive rule would take: every one is a formula of b = tr Σ / ‖G‖².

McCandlish et al. 2018: B = b. The norm test (Byrd et al. 2012; AdAdaGrad, Lau et al. 2024) wants tr Σ / B ≤ η² ‖G‖², so
B = b / η². Gradient diversity (Yin et al. 2018; DiveBatch 2025) wants B ∝ N Σ‖gᵢ‖² / ‖Σgᵢ‖² = b + 1; the factor is the
user's, here 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

# What identifies a snapshot and a probe on it.
_SNAPSHOT = ["study", "arm", "epoch", "probe", "seed"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the batch size of each rule at each snapshot of each seed.

    Args:
        tables: `noise_scale`, of which the rows from all examples are read, and `noise_draws`, for their number.
        options: `norm_tolerance`.
    """
    exact = tables["noise_scale"].query("estimator == 'all_examples'")
    scale = exact["noise_scale"]
    sizes = {"noise_scale": scale, "norm_test": scale / float(options["norm_tolerance"]) ** 2, "diversity": scale + 1}
    drawn = tables["noise_draws"].query("estimator == 'all_examples'").groupby(_SNAPSHOT)["examples_drawn"].first()
    examples = drawn.loc[pd.MultiIndex.from_frame(exact[_SNAPSHOT])].to_numpy()
    rules = [exact.assign(rule=rule, adapted_batch=size, share=size / examples) for rule, size in sizes.items()]
    return pd.concat(rules, ignore_index=True)
