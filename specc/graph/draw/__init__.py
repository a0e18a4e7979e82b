"""Pictures of a graph: one module a format, over one layout."""
