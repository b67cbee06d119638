"""Records beside the results: how each was made, and whether it is still current."""
