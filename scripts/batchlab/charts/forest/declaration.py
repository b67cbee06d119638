"""Arms by name: the keys that a forest plot reads."""

from batchlab.declarations.chart import Chart, colour, names, regions
from batchlab.declarations.options import OPTIONAL, Choice, ColumnName, ColumnNames, Flag, Limits, Text

CHART = Chart(
    summary="a few arms compared by name: mean, interval, single seeds and the number in words",
    options=(
        ColumnName("x", "column that names the rows", "label"),
        ColumnNames("y", "columns of the values"),
        colour(OPTIONAL),
        ColumnName("facet", "column with one panel for each value", OPTIONAL),
        Flag("panels", "one panel for each quantity instead of one axis for all", False),
        Choice(
            "sort", "`table`: in the order of the table; `value`: the largest first", "table", words=("table", "value")
        ),
        regions(),
        names(),
        Text("x_title", "title of the horizontal axis", OPTIONAL),
        Limits("x_domain", "limits of the horizontal axis, in its unit", OPTIONAL),
    ),
    only_drawn=("sort", "x_title", "x_domain", "names"),
)
