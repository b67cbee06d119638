"""Planning: from a campaign's configuration to segments, probes and figures. Pure; standard library only."""

from batchlab.planning.plan import Arm, Plan, Probe, Segment, Study, plan

__all__ = ["Arm", "Plan", "Probe", "Segment", "Study", "plan"]
