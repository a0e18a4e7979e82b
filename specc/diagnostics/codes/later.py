"""The code of words of the language that this version does not implement."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error(
        "E0901",
        "not-yet",
        "this version does not have `{feature}` yet",
        "{hint}",
    ),
)
