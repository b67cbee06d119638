"""A map over two quantities: the keys that it reads."""

from batchlab.declarations.chart import Chart, names
from batchlab.declarations.options import OPTIONAL, ColumnName, Text

CHART = Chart(
    summary="the mean over seeds of one value over two quantities, as colour and number",
    options=(
        ColumnName("x", "first quantity", "batch_size"),
        ColumnName("y", "second quantity", "learning_rate"),
        ColumnName("value", "column that is drawn"),
        ColumnName("facet", "column with one panel for each value", OPTIONAL),
        names(),
        Text("x_title", "title of the horizontal axis", OPTIONAL),
        Text("y_title", "title of the vertical axis", OPTIONAL),
    ),
)
