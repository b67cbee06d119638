"""The TensorFlow core: one replica after the other, with its state in the variables of model and optimizer.

`tapes` has value and gradient, `update_loop` and `row_loops` compile loops over updates and over rows of examples,
`outer_products` and `xla_choice` are passes that can be switched off, and `one_by_one` puts them together behind the
interface of `training.core`.
"""
