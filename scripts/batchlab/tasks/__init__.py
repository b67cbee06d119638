"""What can be learnt: one folder for each task."""
