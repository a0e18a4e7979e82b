"""Markov chain Monte Carlo for posteriors: transitions, their adaptation, and their draws."""
