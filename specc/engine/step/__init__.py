"""One step: the players with their losses, scalars, state and optimizers."""
