"""Columns of the tables, known before any table is written: a misspelt one must not show after hours of training.

The tables are made in `batchlab.tables` and `batchlab.tables.selection`, which need pandas; a test holds these names
against theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from batchlab.errors import unknown
from batchlab.planning.recipes import FILTERS

_SETTINGS = "dataset model optimizer precision batch_size accumulation learning_rate recipe label"
_METRICS = "train_loss train_accuracy validation_loss validation_accuracy test_loss test_accuracy"

# Table → its columns.
TABLE_COLUMNS: dict[str, frozenset[str]] = {
    table: frozenset(text.split())
    for table, text in {
        "arms": f"study arm {_SETTINGS} learning_rate_rule phases budget",
        "history": f"study arm seed epoch updates examples seconds status {_METRICS} {_SETTINGS} learning_rate_rule",
        "distances": "study arm seed epoch updates from_initial from_origin batch_size optimizer recipe label",
        "summary": "study arm recipe label batch_size accumulation learning_rate optimizer model metric mean std n "
        "ci_low ci_high diverged",
        "comparisons": "study metric arm reference difference ci_low ci_high n p p_holm effect_size verdict",
        "gradient_norms": "study arm epoch seed method batch_size trial norm recipe label probe",
        "gradient_moments": f"study arm epoch seed examples squared_norm trace ratio {_SETTINGS} probe",
        "gradient_norm_summary": "study arm epoch seed method batch_size trials mean mean_low mean_high std std_error "
        "rms rms_low rms_high skewness skewness_error kurtosis kurtosis_error relative_std relative_std_error "
        "predicted_rms ratio_to_prediction ratio_low ratio_high largest_over_this_mean largest_over_this_rms "
        "largest_over_this_predicted recipe label probe",
        "weight_drift": f"study arm epoch seed updates examples max_difference relative_difference {_SETTINGS} probe",
        "trajectory": f"study arm epoch seed updates examples loss from_start {_SETTINGS} probe",
        "running_statistics": f"study arm epoch seed statistics {_METRICS} mean_difference variance_difference "
        f"{_SETTINGS} probe",
    }.items()
}
# Column that figures and claims may name beside them → the columns that it is computed from.
DERIVED_COLUMNS: dict[str, tuple[str, ...]] = {
    "generalisation_gap": ("train_accuracy", "test_accuracy"),
    "loss_gap": ("train_loss", "test_loss"),
    "train_error": ("train_accuracy",),
    "validation_error": ("validation_accuracy",),
    "test_error": ("test_accuracy",),
    "error": ("accuracy",),
    "seconds_per_epoch": ("seconds", "epoch"),
    "updates_beyond_formula": ("updates", "epoch", "examples", "batch_size"),
}
# Columns that a table has only if a probe measures single layers.
_LAYERS = {"gradient_norms": "norm_"}

_NAMING_KEYS = ("x", "y", "colour", "dash", "facet", "error", "predicted", "value")


def _named(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (key, column) for each column that a figure or a claim names."""
    for key in _NAMING_KEYS:
        value = item.get(key, [])
        yield from ((key, name) for name in ([value] if isinstance(value, str) else value))
    for key in FILTERS:
        yield from ((f"{key}.{name}", name) for name in item.get(key, {}))


def check_columns(where: str, item: Mapping[str, Any]) -> None:
    """Raise if a figure or a claim names a column that its table does not have.

    Args:
        where: Path of the item in the campaign.
        item: Its settings; `table` is a table that the study has.
    """
    table = item["table"]
    own = TABLE_COLUMNS[table]
    known = own | {name for name, needs in DERIVED_COLUMNS.items() if own.issuperset(needs)}
    for key, name in _named(item):
        if name not in known and not (table in _LAYERS and name.startswith(_LAYERS[table])):
            raise unknown(f"{where}.{key}", f"column of table {table}", name, known)


def check_reference(where: str, rows: Iterable[str]) -> None:
    """Raise if the filter that names a study's reference arm asks for a column that arms do not have."""
    for name in rows:
        if name not in TABLE_COLUMNS["arms"]:
            raise unknown(where, "column of table arms", name, TABLE_COLUMNS["arms"])
