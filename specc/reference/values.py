"""Describes the values of an option in words, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from specc.reference.entry import Table, code, shown

Json = Mapping[str, Any]

HEAD = ("option", "value", "default", "meaning")
LARGE = 100_000
"""Larger limits only exclude overflow of machine integers, and are not shown."""

KINDS = {
    "integer": "integer",
    "number": "number",
    "boolean": "`true` or `false`",
    "string": "text",
    "null": "",
}


def options(model: type[BaseModel], main: str = "") -> tuple[Table, ...]:
    """Return the fields of a model as a table, `main` first, and a table for each inner model."""
    schema = model.model_json_schema(by_alias=True)
    return _tables(schema, schema.get("$defs", {}), main)


def _tables(schema: Json, inner: Json, main: str = "") -> tuple[Table, ...]:
    rows: list[tuple[str, ...]] = []
    below: list[Table] = []
    for name, field in sorted(schema["properties"].items(), key=lambda item: item[0] != main):
        is_required = name in schema.get("required", ())
        default = "required" if is_required else shown(field.get("default"))
        cell = default if is_required or not default else code(default)
        rows.append((code(name), values(field, inner), cell, field.get("description", "")))
        for reference in _models(field):
            below += _tables(inner[reference], inner)
    return Table(HEAD, tuple(rows)), *below


def _models(field: Json) -> list[str]:
    """Return the names of the models that a field contains directly."""
    forms = [field, *field.get("anyOf", ())]
    return [form["$ref"].rpartition("/")[2] for form in forms if "$ref" in form]


def values(field: Json, inner: Json) -> str:
    """Return the allowed values: `integer >= 1`, ``` `relu`, `tanh` ```."""
    if "$ref" in field:
        return "keys, see below"
    if "enum" in field:
        return ", ".join(code(shown(value)) for value in field["enum"])
    if "const" in field:
        return code(shown(field["const"]))
    if "anyOf" in field or "oneOf" in field:
        forms = [values(form, inner) for form in field.get("anyOf") or field["oneOf"]]
        return " or ".join(dict.fromkeys(form for form in forms if form))
    return _plain(field, inner)


def _plain(field: Json, inner: Json) -> str:
    kind = field.get("type", "")
    if isinstance(kind, list):
        return " or ".join(KINDS.get(one, "list") for one in kind)
    if kind == "array":
        items = field.get("items") or {}
        prefix = field.get("prefixItems")
        if prefix:
            return f"list of {len(prefix)} numbers"
        inside = values(items, inner) if items else "values"
        return f"list of {_plural(inside)}"
    if kind == "object":
        return "keys"
    return f"{KINDS.get(kind, kind)}{_limits(field)}"


def _plural(words: str) -> str:
    if " or " in words or words.startswith("`"):
        return "values" if " or " in words else words
    return words.replace("number", "numbers", 1).replace("text", "texts", 1)


def _limits(field: Json) -> str:
    """Return the limits of a number: ` in [0, 1)`, ` >= 1`."""
    low, high = field.get("minimum"), field.get("maximum")
    above, below = field.get("exclusiveMinimum"), field.get("exclusiveMaximum")
    high = None if high is not None and abs(high) >= LARGE else high
    below = None if below is not None and abs(below) >= LARGE else below
    low_end = f"({above:g}" if above is not None else f"[{low:g}" if low is not None else ""
    high_end = f"{below:g})" if below is not None else f"{high:g}]" if high is not None else ""
    if low_end and high_end:
        return f" in {low_end}, {high_end}"
    if above is not None or low is not None:
        return f" > {above:g}" if above is not None else f" >= {low:g}"
    if below is not None or high is not None:
        return f" < {below:g}" if below is not None else f" <= {high:g}"
    return ""
