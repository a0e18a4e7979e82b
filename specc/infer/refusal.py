"""The exception of a query without an answer."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic


class Refusal(Exception):
    """The exception with the diagnostic of a query, at a position in the query or the spec."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.code)
        self.diagnostic = diagnostic
