"""The exit codes of all verbs."""

from __future__ import annotations

DONE = 0
FINDINGS = 1
"""The verb finished and found problems: errors in a checked spec, or drift."""
WRONG = 2
"""The spec or the command line is wrong, so nothing was done."""
FAILED = 3
"""The work started and could not finish: a full disk, a missing permission, a failed run."""
BUG = 70
"""An error of specc itself."""
RESUMABLE = 75
"""Interrupted, with everything saved that is needed to resume."""
INTERRUPTED = 130
"""Interrupted with nothing to resume, as shells report SIGINT."""
