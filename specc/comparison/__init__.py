"""Compares two specs: the verdict for existing runs, renamed names, and all changes."""
