"""Checks of names, which become identifiers of Python code."""

from __future__ import annotations

import builtins
import keyword
import re
import sys

from specc.language.located import Scalar
from specc.language.schema.reading import Reading

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_PACKAGE = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_LONGEST = 64

# Packages that generated code and its runner import: a generated package would shadow them.
_OWN = frozenset({"generated", "specc"})
_IMPORTED = frozenset(
    {"matplotlib", "networkx", "numpy", "pydantic", "safetensors", "sklearn", "torch", "yaml"}
)


def is_identifier(reading: Reading, key: Scalar, kind: str) -> bool:
    """Whether a key can be the name of a node, a link, a constant, ...; reports it if not."""
    name = key.text
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        _not_a_name(reading, key, _normal(name))
        return False
    if keyword.iskeyword(name):
        _reserved(reading, key, kind, "something in Python")
        return False
    return True


def is_package(reading: Reading, value: Scalar) -> bool:
    """Whether a word can be the name of the spec and of its generated package."""
    name = value.text
    if not _PACKAGE.fullmatch(name) or len(name) > _LONGEST:
        _not_a_name(reading, value, _normal(name).lower(), capitals=False)
        return False
    meaning = _meaning(name)
    if meaning is None:
        return True
    _reserved(reading, value, "spec", meaning)
    return False


def _meaning(name: str) -> str | None:
    """The meaning of a reserved lower-case word, or None."""
    if keyword.iskeyword(name):
        return "something in Python"
    if name in sys.stdlib_module_names or name in _IMPORTED | _OWN:
        return "a package that generated code may import"
    return "a function of Python" if hasattr(builtins, name) else None


def _reserved(reading: Reading, key: Scalar, kind: str, meaning: str) -> None:
    other = f"{key.text}_{kind}" if kind != "spec" else f"{key.text}_model"
    reading.report("E0109", key.span, name=key.text, kind=kind, meaning=meaning, other=other)


def _not_a_name(reading: Reading, key: Scalar, normal: str, capitals: bool = True) -> None:
    usable = normal if _NAME.fullmatch(normal) and normal != key.text else None
    if usable is not None and keyword.iskeyword(usable):
        usable = None
    hint = "" if capitals else "the name of a spec is in lower case"
    if len(key.text) > _LONGEST:
        usable, hint = None, f"a name has at most {_LONGEST} characters"
    shown = key.text if len(key.text) <= _LONGEST else f"{key.text[:40]}..."
    reading.report("E0108", key.span, suggestion=usable, name=shown, hint=hint)


def _normal(name: str) -> str:
    """The name with invalid characters replaced by `_`."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lstrip("0123456789_")
