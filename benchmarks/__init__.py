"""Benchmarks and stress tests; not part of the package."""
