"""What is recorded beside each result, and what decides whether it is still current.

`definitions` takes modules apart, `reach` follows what a job can reach, `digests` sums it up. `job` wraps a script's
body, `running` keeps two processes apart, `provenance` makes the record. `currency` compares records with the plan, and
`adopt` takes over results from elsewhere.
"""
