"""Posteriors of posteriordb: specs, and their comparison with reference draws."""
