"""Markov chains that move continuous values along the gradient of a log-density."""
