"""Compiled steps: how a graph is made, and whether it saves time."""
