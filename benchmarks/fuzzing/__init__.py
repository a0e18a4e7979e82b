"""Hostile and broken input for the compiler: how it is made, and what is demanded of the answer."""
