"""Runs on disk: the run folder, checkpoints, and tensors that are replicated or sharded."""
