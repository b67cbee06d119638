"""Training above the cores: segments, state, order of the examples, evaluation, checkpoints."""
