"""The words of a claim: how it compares, and how several rows of one seed become one value."""

TESTS = ("level", "difference", "ratio", "trend", "equal")
AGGREGATES = ("mean", "std", "max", "min", "median", "rms")
EXPECTATIONS = ("less", "greater", "equal")
