"""Formats of data files: one folder for each, found by looking into this folder."""
