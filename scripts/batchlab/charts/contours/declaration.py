"""A surface over a plane and paths in it: the keys that contours read."""

from batchlab.declarations.chart import Chart, axis_texts, colour, names
from batchlab.declarations.options import OPTIONAL, ColumnName, Count

CHART = Chart(
    summary="lines of equal value of a surface over a plane, and paths in it: rows without a value are points of paths",
    options=(
        ColumnName("x", "column along the horizontal axis"),
        ColumnName("y", "column along the vertical axis"),
        ColumnName("value", "column of the surface, which is positive; levels are evenly spaced on its logarithm"),
        colour(OPTIONAL),
        ColumnName("facet", "column with one panel for each value", OPTIONAL),
        ColumnName(
            "along", "column in whose order the points of a path are joined; needed where there are paths", OPTIONAL
        ),
        Count("levels", "lines of equal value", 14, least=2, most=60),
        names(),
        *axis_texts(),
    ),
    always=("seed",),
)
