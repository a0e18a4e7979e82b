"""Reading of lists of links and parameters, such as those that a player trains."""

from __future__ import annotations

from specc.language.located import Located, Sequence
from specc.language.schema.reading import LIST, Reading
from specc.language.schema.spec import Path

NAMES = f"{LIST} of links and parameters"


def read_names(reading: Reading, value: Located, path: Path) -> tuple[str, ...] | None:
    """The names in a list of links and parameters; None if it is invalid."""
    if not isinstance(value, Sequence):
        return reading.wrong_kind(value, path, NAMES)
    if not value.items:
        return reading.empty(value, path, "list the links that it trains")
    words = [
        reading.word(item, (*path, i), "a link or a parameter")
        for i, item in enumerate(value.items)
    ]
    known = tuple(word for word in words if word is not None)
    return known if len(known) == len(words) else None
