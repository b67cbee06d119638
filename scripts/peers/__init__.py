"""Peers: what other programs choose as batch size, at the same cost, and what their choices cost in training."""

# Choosers, as tables name them; `batchlab.pages.peers_table` has them in words.
OURS = "batchlab"
RULES = ("thirty-two", "largest")
# These run in an environment of their own, `.venv-peers`.
SEARCHES = ("lightning", "lightning_rate", "keras_tuner_size", "keras_tuner", "keras_tuner_time")
