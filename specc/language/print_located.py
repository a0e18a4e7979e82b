"""Printing of the first stage: each key and value of a spec with its position and kind."""

from __future__ import annotations

from collections.abc import Iterator

from specc.language.located import Located, Mapping, Scalar, Sequence


def print_located(root: Located) -> str:
    """One line for each value, with the position of the value: `6:16      loc: 0  int`."""
    return "\n".join(_lines("", root, 0)) + "\n"


def _lines(key: str, value: Located, depth: int) -> Iterator[str]:
    place = f"{value.span.line}:{value.span.column}"
    shown = f"{'  ' * depth}{key}"
    yield f"{place:<8}{shown}{_scalar(value) if isinstance(value, Scalar) else ''}".rstrip()
    if isinstance(value, Mapping):
        for entry in value.entries:
            yield from _lines(f"{entry.name}: ", entry.value, depth + 1)
    elif isinstance(value, Sequence):
        for item in value.items:
            yield from _lines("- ", item, depth + 1)


def _scalar(value: Scalar) -> str:
    kind = value.tag_kind if value.style == "plain" else f"{value.tag_kind}, {value.style}"
    return f"{value.value!r}  ({kind})"
