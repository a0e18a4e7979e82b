"""Hostile and invalid inputs for the compiler, and the requirements on its results."""
