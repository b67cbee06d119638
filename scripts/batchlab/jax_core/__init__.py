"""The JAX core: all replicas of a job are trained at once, with an axis for them on every variable.

`functional` makes pure functions of a Keras model, `updates` the loop over updates of one replica, `vectorising` turns
functions of one replica into functions of all, `evaluation` measures, `trainer` puts them together.
"""
