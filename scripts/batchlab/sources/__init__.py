"""Data sources: published sets, formats of files, settings, downloads, and the preparation of one file of arrays."""
