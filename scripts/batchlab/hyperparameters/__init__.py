"""Rules by which hyperparameters follow the batch size: one file each, with a `RULE`."""
