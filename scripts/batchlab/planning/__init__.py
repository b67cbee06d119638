"""A campaign becomes a plan, and the plan becomes jobs. No more than Snakemake has loaded; writes nothing."""

from batchlab.planning.parts import Arm, Plan, Probe, Segment, Study
from batchlab.planning.plan import plan

__all__ = ["Arm", "Plan", "Probe", "Segment", "Study", "plan"]
