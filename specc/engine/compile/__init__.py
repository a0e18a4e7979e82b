"""Compiled steps: tracing and compiling the graph, and the decision to use it."""
