"""The declarations of Markov chains that move continuous values along a gradient."""
