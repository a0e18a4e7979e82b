"""Schedules over a run: learning rates, scalars of losses, and early stopping."""
