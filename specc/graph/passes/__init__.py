"""The passes over a graph, one file each; `graph.build` calls them in order."""
