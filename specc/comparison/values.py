"""Prints values of a document in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel

from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression
from specc.language.schema.digests import digest_class


def plain(value: object) -> object:
    """Return a value without positions and documentation, for comparison."""
    if isinstance(value, Expression):
        return print_expression(value)
    if isinstance(value, BaseModel):
        return {
            name: plain(getattr(value, name))
            for name, field in type(value).model_fields.items()
            if digest_class(field) != "documentation"
        }
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def shown(value: object) -> str:
    """Return the text of a value: `[200, 200]`, `0.0003`, `score, baseline: mean`, `nothing`."""
    value = plain(value)
    if value is None or value == [] or value == {}:
        return "nothing"
    if isinstance(value, list):
        between = "; " if any(isinstance(item, dict) for item in value) else ", "
        return f"[{between.join(shown(item) for item in value)}]"
    if isinstance(value, dict):
        return _fields(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    return str(value)


def _fields(value: Mapping[str, object]) -> str:
    """Return the fields of a mapping, separated by commas; kinds and names need no key."""
    parts = []
    for key, item in value.items():
        if key in ("kind", "name"):
            parts.append(shown(item))
        elif key == "options" and isinstance(item, dict):
            parts += [_fields(item)] if item else []
        elif item is not None and item != {} and item != []:
            parts.append(f"{key} {shown(item)}")
    return ", ".join(parts)
