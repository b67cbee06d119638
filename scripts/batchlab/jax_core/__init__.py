"""The JAX core: all replicas of a job at once, with an axis for them on every variable.

`functional` makes pure functions of a Keras model, `scanned_updates` the loop over updates of one replica,
`vectorised_rows` loops over rows of examples, `vectorising` turns functions of one replica into functions of all, and
`side_by_side` puts them together behind the interface of `training.core`.
"""
