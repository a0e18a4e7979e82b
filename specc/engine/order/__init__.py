"""The rows and the random numbers of a step, as functions of counters."""
