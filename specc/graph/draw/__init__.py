"""Pictures of a graph: one module for each format, with a common layout."""
