"""The closed table of codes, with the message templates of all diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from specc.diagnostics.codes import (
    data,
    document,
    draws,
    later,
    links,
    names,
    questions,
    running,
    settings,
    shapes,
    text,
)
from specc.diagnostics.codes.code import Code

RANGES: Mapping[str, tuple[Code, ...]] = {
    "00": text.CODES,
    "01": document.CODES,
    "02": names.CODES,
    "03": shapes.CODES,
    "04": draws.CODES,
    "05": data.CODES,
    "06": links.CODES,
    "07": settings.CODES,
    "08": running.CODES,
    "09": later.CODES,
    "10": questions.CODES,
}
"""The codes of each stage, by the first two digits of their number."""


def table(ranges: Mapping[str, Iterable[Code]]) -> Mapping[str, Code]:
    """All codes in one table.

    Raises ValueError if a code or a name occurs twice, or a code is outside its stage's range.
    """
    found: dict[str, Code] = {}
    names_seen: set[str] = set()
    for digits, codes in ranges.items():
        for code in codes:
            letter = "E" if code.severity == "error" else "W"
            if code.code in found or code.name in names_seen:
                raise ValueError(f"{code.code} ({code.name}) occurs twice in the table")
            if not code.code.startswith(letter + digits) or len(code.code) != 5:
                raise ValueError(f"{code.code} ({code.severity}) does not belong to {digits}xx")
            found[code.code] = code
            names_seen.add(code.name)
    return MappingProxyType(found)


CODES: Mapping[str, Code] = table(RANGES)

__all__ = ["CODES", "RANGES", "Code", "table"]
