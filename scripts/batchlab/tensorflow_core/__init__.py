"""The TensorFlow core: one replica after the other, with its state in the variables of model and optimizer."""
