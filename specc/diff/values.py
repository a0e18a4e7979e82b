"""Values of a document as text for people."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel

from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression
from specc.language.schema.digests import digest_class


def plain(value: object) -> object:
    """A value without its places in a text, so that two can be compared."""
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
    """`[200, 200]`, `0.0003`, `score, baseline: mean`; `nothing` for what is not there."""
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
    """The fields of a mapping in a row; the name of a kind needs no name of its own."""
    said = []
    for key, item in value.items():
        if key in ("kind", "name"):
            said.append(shown(item))
        elif key == "options" and isinstance(item, dict):
            said += [_fields(item)] if item else []
        elif item is not None and item != {} and item != []:
            said.append(f"{key} {shown(item)}")
    return ", ".join(said)
