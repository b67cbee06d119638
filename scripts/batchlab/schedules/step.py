"""The learning rate falls by the same factor at each of some positions."""

from batchlab.declarations.options import Number, Numbers
from batchlab.declarations.schedule import Schedule

SCHEDULE = Schedule(
    summary="is multiplied with `factor` at each position of `at`",
    source="He et al. 2016",
    factor=lambda position, options: options["factor"] ** sum(position >= place for place in options["at"]),
    own=(
        Numbers("at", "positions, in the unit, from the beginning of the schedule", above=0),
        Number("factor", "factor at each of them", 0.1, above=0),
    ),
)
