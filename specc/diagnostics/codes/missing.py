"""Codes of data with missing values, and of the treatment of missing values in a spec."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error(
        "E0433",
        "missing-not-drawn",
        "`{name}` is missing in some rows and must be drawn there, but no guide draws it",
        "let the guide draw it, or write `missing: enumerate` where it has few values",
    ),
    error(
        "E0434",
        "missing-used-undrawn",
        "the guide uses `{name}`, which is missing in some rows, and does not draw it",
        "draw `{name}` in the guide, as `{name}: {{latent: ...}}`, or leave it out of `{user}`",
    ),
    error(
        "E0435",
        "missing-draw-unfit",
        "`missing: {draw}` does not fit `{name}`: {reason}",
        "{hint}",
    ),
    error(
        "E0436",
        "missing-entries-together",
        "missing entries of `{name}` cannot be integrated out one by one: {reason}",
        "use a density that is a product over entries{otherwise}",
    ),
    error(
        "E0437",
        "missing-but-used",
        "`{name}` is integrated out where it is missing, but `{user}` depends on it",
        "{hint}",
    ),
    error(
        "E0438",
        "field-of-known-data",
        "the field `{name}` has `{option}`, but its node has no `missing:`, which "
        "states how to treat missing values",
        "{hint}",
    ),
)
