"""Distributions: the keys that densities read."""

from batchlab.declarations.chart import Chart, axis_texts, scale
from batchlab.declarations.options import OPTIONAL, Choice, ColumnName

CHART = Chart(
    summary="kernel densities of trials, one for each batch size, raw and divided by their means",
    options=(
        ColumnName("y", "column of the trials' values"),
        ColumnName("facet", "column with one row of panels for each value", OPTIONAL),
        Choice(
            "normalise",
            "true: every batch size gets the mean of the largest; mean: each value is divided by the mean of its batch "
            "size; false: raw values; both: two panels, raw and true",
            "both",
            words=(True, False, "both", "mean"),
        ),
        scale("x"),
        *axis_texts(),
    ),
    always=("batch_size",),
)
