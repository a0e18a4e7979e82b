"""Exact inference in networks of finite nodes, and d-separation in any graph."""
