"""The training loop: epochs, validation, metrics, progress and signals."""
