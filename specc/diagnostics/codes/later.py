"""What the language has a word for, but this version does not do yet."""

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
