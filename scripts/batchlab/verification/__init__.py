"""Verification: do the results agree with their records, and do the same jobs give the same numbers again?

Results are looked at as they lie there; nothing in `results/` is written. `records` compares digests and settings,
`recompute` runs a sample of the jobs anew in a folder of its own, `comparison` compares what comes out, bitwise or
within `tolerances`, and `audit` puts it together and says what was and what was not checked.
"""
