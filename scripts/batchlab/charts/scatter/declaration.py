"""One quantity against another: the keys that a scatter reads."""

from batchlab.declarations.chart import Chart, axis_texts, colour, names, scale
from batchlab.declarations.options import OPTIONAL, ColumnName

CHART = Chart(
    summary="one measured quantity against another: a dot for each row, joined along a third column in each run",
    options=(
        ColumnName("x", "column along the horizontal axis"),
        ColumnName("y", "column along the vertical axis"),
        colour(OPTIONAL),
        ColumnName("facet", "column with one panel for each value", OPTIONAL),
        ColumnName("along", "column in whose order the dots of a run are joined", OPTIONAL),
        scale("x"),
        scale("y"),
        names(),
        *axis_texts(),
    ),
    always=("seed",),
)
