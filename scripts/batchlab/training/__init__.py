"""The training core: whole epochs of updates in one compiled loop over a resident data set.

`order` fixes which examples meet in a batch, `updates` compiles the updates, `evaluation` measures at fixed weights,
`state` keeps snapshots, `segment` puts them together. Importing this package does not import TensorFlow.
"""
