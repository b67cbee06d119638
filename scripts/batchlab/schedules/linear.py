"""The learning rate falls in a straight line."""

from batchlab.declarations.options import Number
from batchlab.declarations.schedule import Schedule

SCHEDULE = Schedule(
    summary="falls in a straight line from 1 to `to` over the stretch after the warm-up",
    source="",
    factor=lambda share, options: 1 - (1 - options["to"]) * share,
    own=(Number("to", "share of the rate at the end", 0, least=0, most=1),),
    spans=True,
)
