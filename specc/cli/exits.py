"""The status that every verb ends with."""

from __future__ import annotations

DONE = 0
FINDINGS = 1
"""The question was answered, and the answer is not clean: errors in a checked spec, or drift."""
WRONG = 2
"""The spec or the command line is wrong, so nothing was done."""
FAILED = 3
"""The work was started and could not be finished: a full disk, a missing permission, a bad run."""
BUG = 70
"""An error of specc itself."""
RESUMABLE = 75
"""Interrupted, with everything saved that is needed to go on."""
INTERRUPTED = 130
"""Interrupted where there is nothing to resume, as shells report SIGINT."""
