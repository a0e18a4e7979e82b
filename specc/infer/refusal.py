"""The exception of a query without an answer."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic


class Refusal(Exception):
    """Raised with the diagnostic that explains it, at its place in the query or the spec."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.code)
        self.diagnostic = diagnostic
