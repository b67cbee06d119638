"""The learning rate falls along half a cosine."""

import math

from batchlab.declarations.options import Number
from batchlab.declarations.schedule import Schedule

SCHEDULE = Schedule(
    summary="falls from 1 to `to` along half a cosine over the stretch after the warm-up",
    source="Loshchilov & Hutter 2017, without restarts",
    factor=lambda share, options: options["to"] + (1 - options["to"]) * (1 + math.cos(math.pi * share)) / 2,
    own=(Number("to", "share of the rate at the end", 0, least=0, most=1),),
    spans=True,
)
