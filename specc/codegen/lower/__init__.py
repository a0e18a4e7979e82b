"""Lowers a plan to the syntax tree of the generated code, with all shapes and axes."""
