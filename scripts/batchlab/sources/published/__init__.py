"""Published data sets: one file for each, found by looking into this folder."""
