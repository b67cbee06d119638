"""Probes: measurements on snapshots, one folder each with a declaration and the code that measures."""
