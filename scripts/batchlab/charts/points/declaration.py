"""One value per arm against a quantity: the keys that points read."""

from batchlab.declarations.chart import Chart, axis_texts, colour, names, own_axes, regions, scale
from batchlab.declarations.options import OPTIONAL, ColumnName, ColumnNames, Flag

CHART = Chart(
    summary="one value per arm against batch size or another quantity, with intervals",
    options=(
        ColumnName("x", "column along the horizontal axis"),
        ColumnNames("y", "columns along the vertical axis; the first is filled, others open and dashed"),
        colour(OPTIONAL),
        ColumnName("dash", "column that is told apart by dashes, where there is one `y` only", OPTIONAL),
        ColumnName("facet", "column with one panel for each value", OPTIONAL),
        Flag("panels", "one panel for each quantity instead of one axis for all", False),
        ColumnName("error", "column of half a bar's length, instead of the interval over seeds", OPTIONAL),
        ColumnName("predicted", "column that is drawn as a dashed line", OPTIONAL),
        ColumnName("reached", "column that is 0 for a run that ended before its target: an arrow", OPTIONAL),
        own_axes(),
        regions(),
        scale("x"),
        scale("y"),
        names(),
        *axis_texts(),
    ),
)
