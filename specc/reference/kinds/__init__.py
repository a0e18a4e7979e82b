"""The entries of the reference, one module a kind."""
