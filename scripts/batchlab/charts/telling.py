"""Tell apart the arms that a figure draws."""

from __future__ import annotations

import pandas as pd

from batchlab.charts.averaging import note
from batchlab.charts.figure import Figure
from batchlab.errors import BatchlabError

_MOST_DASHES = 5


def tell_apart(figure: Figure, rows: pd.DataFrame) -> tuple[Figure, list[pd.DataFrame]]:
    """Return a figure whose colours, panels and dashes separate all arms that it draws.

    Two arms of one batch size would share a colour and be averaged as if they were seeds. The first column that
    separates them is then drawn as dashes, or as panels where dashes already stand for several `y` columns.

    Returns:
        The figure, and a row with the mark `dash` or `facet` that names the column, if one was needed.

    Raises:
        BatchlabError: No single column separates them.
    """
    keys = [key for key in (figure.facet, figure.colour, figure.dash, figure.x) if key is not None]

    def clashes(columns: list[str]) -> bool:
        pairs = rows[list(dict.fromkeys([*columns, "arm"]))].drop_duplicates()
        return bool(pairs.duplicated(columns).any()) if columns else len(pairs) > 1

    # Where the data choose the arm, several arms are one setting, such as the rate that is tuned for a batch size.
    if "arm" not in rows or "arm" in figure.chosen or not clashes(keys):
        return figure, []
    for column in figure.tells:
        if column in rows and column not in keys and not clashes([*keys, column]):
            if len(figure.y) < 2 and figure.dash is None and rows[column].nunique() <= _MOST_DASHES:
                return figure.changed(dash=column), [note("dash", column=column)]
            if figure.facet is None and column != "arm":
                return figure.changed(facet=column), [note("facet", column=column)]
    raise BatchlabError(
        f"{figure.where_it_is}: colour {figure.colour} and facet {figure.facet} do not tell all its arms apart; "
        "colour by label, or narrow where"
    )
