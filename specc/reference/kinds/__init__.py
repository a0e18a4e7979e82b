"""The entries of the reference, with a module for each kind."""
