"""A question that has no answer here."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic


class Refusal(Exception):
    """Raised with the finding that says why, at its place in the question or in the spec."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.code)
        self.diagnostic = diagnostic
