"""The learning rate stays as it is; useful with a warm-up."""

from batchlab.declarations.schedule import Schedule

SCHEDULE = Schedule(summary="the rate stays, after a warm-up if there is one", source="", factor=lambda *_: 1.0)
