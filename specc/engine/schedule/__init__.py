"""What changes over a run: learning rates, scalars of losses, and when training stops."""
