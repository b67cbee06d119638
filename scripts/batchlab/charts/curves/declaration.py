"""Learning curves: the keys that they read."""

from batchlab.declarations.chart import Chart, axis_texts, colour, minus, names, own_axes, regions, scale, spread
from batchlab.declarations.options import OPTIONAL, ColumnName, ColumnNames, Flag

CHART = Chart(
    summary="mean over seeds with its interval, along epochs, updates, examples or seconds",
    options=(
        ColumnName("x", "column along the horizontal axis"),
        ColumnNames("y", "columns along the vertical axis, told apart by dashes or panels"),
        colour(OPTIONAL),
        ColumnName("dash", "column that is told apart by dashes, where there is one `y` only", OPTIONAL),
        ColumnName("facet", "column with one panel for each value", OPTIONAL),
        Flag("panels", "one panel for each quantity instead of one axis for all", False),
        own_axes(),
        spread(),
        minus(),
        regions(),
        scale("x"),
        scale("y"),
        names(),
        *axis_texts(),
    ),
)
