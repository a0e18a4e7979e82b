"""What can be wrong with data that may be missing, and with how a spec deals with it."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error(
        "E0433",
        "missing-not-drawn",
        "rows without `{name}` need a draw of it, and no guide draws `{name}`",
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
        "entries of `{name}` cannot be left out one by one: {reason}",
        "use a density that is a product over entries{otherwise}",
    ),
    error(
        "E0437",
        "missing-but-used",
        "`{name}` is left out where it is missing, but `{user}` depends on it",
        "{hint}",
    ),
    error(
        "E0438",
        "field-of-known-data",
        "the field `{name}` has `{option}`, but its node does not say what happens without a value",
        "{hint}",
    ),
)
