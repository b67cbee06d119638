"""What runs in the peers' own environment: one process for each search, a request in, a choice out."""
