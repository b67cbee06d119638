"""Figures: one folder for each kind of chart, and what they share."""
