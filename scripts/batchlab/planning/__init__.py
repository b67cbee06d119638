"""Planning: from a campaign's configuration to segments, probes and figures. Pure; standard library only."""

from batchlab.planning.parts import Arm, Plan, Probe, Segment, Study
from batchlab.planning.plan import plan

__all__ = ["Arm", "Plan", "Probe", "Segment", "Study", "plan"]
