"""The words of a claim: how it compares, how rows of one seed become one value, and what its verdict is worth."""

# Tests that compare two selections, and all of them.
PAIRED = ("difference", "ratio", "equal")
TESTS = ("level", *PAIRED, "trend", "steps")
AGGREGATES = ("mean", "std", "max", "min", "median", "rms", "range")
EXPECTATIONS = ("less", "greater", "equal")

# Standing → what it says of the verdict. Only evidence counts in a headline.
STANDINGS = {
    "evidence": "a published statement that these runs can support or contradict",
    "calibrated": "its level was chosen on these runs",
    "not comparable": "the published model cannot be recovered, or the number is another quantity: shown, not judged",
    "arithmetic": "follows from definitions, whatever the runs are",
    "repeated": "tells the same fact as another claim",
    "uncited": "nobody is known to have published it",
}
EVIDENCE = "evidence"
# Begins the note on a claim about values at tuned rates that may not be the best ones.
AT_END = "at an end of the rates that were tried"
NOT_COMPARABLE = "not comparable"

# What a claim's finding can call the two selections and the value.
WORDS = ("of", "minus", "value")
