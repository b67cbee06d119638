"""Rounds: what an adviser campaign trains, coarse first, then finer where the answer lies, as long as its budget lasts.

Standard library only.
"""
