"""Schedules by which the learning rate follows the position in training: one file each, with a `SCHEDULE`."""
