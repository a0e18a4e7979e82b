"""Limits of the text of a spec; a larger text is a mistake or an attack."""

from __future__ import annotations

MAX_BYTES = 1 << 20
MAX_DEPTH = 60
MAX_VALUES = 150_000
MAX_ALIASED = 10_000
MAX_INTEGER = 2**63 - 1
MAX_FINDINGS = 200
"""The maximum number of diagnostics; the first ones in the order of the text are reported."""
MAX_SEARCHES = 300
"""The maximum number of searches for the end of a cut expression, each over 2,000 characters."""
