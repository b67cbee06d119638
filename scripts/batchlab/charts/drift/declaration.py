"""Differences that grow: the keys that they read."""

from batchlab.declarations.chart import Chart, axis_texts, colour, names, scale, spread
from batchlab.declarations.options import OPTIONAL, ColumnName

CHART = Chart(
    summary="differences between two computations of one training on a logarithmic axis, update by update",
    options=(
        ColumnName("x", "column along the horizontal axis", "updates"),
        ColumnName("y", "column of the differences", "relative_difference"),
        colour("accumulation"),
        ColumnName("dash", "column that is told apart by dashes", OPTIONAL),
        ColumnName("facet", "column with one panel for each value", OPTIONAL),
        spread(),
        scale("x"),
        names(),
        *axis_texts(),
    ),
)
