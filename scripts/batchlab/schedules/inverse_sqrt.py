"""The learning rate falls with the inverse square root of the position."""

import math

from batchlab.declarations.options import Number
from batchlab.declarations.schedule import Schedule

SCHEDULE = Schedule(
    summary="is 1 until `after` and √(after / position) from there on",
    source="Vaswani et al. 2017, who warm up until the same position",
    factor=lambda position, options: math.sqrt(options["after"] / max(position, options["after"])),
    own=(Number("after", "position, in the unit, from which it falls", above=0),),
)
