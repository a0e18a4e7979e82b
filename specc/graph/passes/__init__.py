"""The graph's passes, one file each; `graph.build` runs them in one order."""
