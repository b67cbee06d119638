"""Training, evaluation and snapshots, written once above the two cores.

`order` fixes which examples meet in a batch, `core` chooses who computes, `trainer` moves replicas through the data,
`evaluation` measures at fixed weights, `frozen_model` serves probes, `state` keeps snapshots, `segment` puts them
together. Importing this package does not import TensorFlow.
"""
