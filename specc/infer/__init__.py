"""Exact answers about networks of finite nodes, and what their graphs say without numbers."""
