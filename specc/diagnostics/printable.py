"""Escapes for text from users, such as names of files, on a screen, in code and in JSON.

All characters that Python calls not printable are escaped: control characters, which a terminal
interprets; marks of the direction of text (Boucher and Anderson 2021); all kinds of line breaks;
surrogates, which represent bytes of a name that are not UTF-8.
"""

from __future__ import annotations

import json
import re
import unicodedata

TAB = 4

_COOKIE = re.compile(r"(coding)([:=])")


def printable(text: str) -> str:
    """The text for a terminal, with tabs as spaces and control characters as symbols."""
    return text if text.isprintable() else "".join(map(_symbol, text))


def escaped(text: str) -> str:
    r"""The text in one line, with Python escapes such as `\n` for unprintable characters."""
    return text if text.isprintable() else "".join(map(_escape, text))


def named(path: object) -> str:
    """The name of a file, escaped for the start of a line.

    At the start of a line in the log of a GitHub job, `::` would be a workflow command.
    """
    name = escaped(str(path))
    return f"./{name}" if name.lstrip().startswith("::") else name


def comment(text: str) -> str:
    """The text of a Python comment: one line that does not declare an encoding (PEP 263)."""
    return "# " + _COOKIE.sub(_spelled, escaped(text))


def json_text(value: object, indent: int | None = 2) -> str:
    """A value as JSON, with printable characters of all languages, and the others escaped."""
    text = _ENCODER.encode(value) if indent is None else _indented(value, " " * indent, "\n")
    lines = text.split("\n")
    return "\n".join(line if line.isprintable() else _json_line(line) for line in lines)


_ENCODER = json.JSONEncoder(ensure_ascii=False)
_string = json.encoder.encode_basestring


def _indented(value: object, indent: str, end: str) -> str:
    """The JSON of a value with an indent, three times as fast as `json.dumps`.

    `end` is a line break with the indent at the depth of the value.
    """
    if isinstance(value, str):
        return _string(value)
    below = end + indent
    if isinstance(value, dict) and value:
        items = (f"{_key(k)}: {_indented(v, indent, below)}" for k, v in value.items())
        return f"{{{below}{f',{below}'.join(items)}{end}}}"
    if isinstance(value, (list, tuple)) and value:
        return f"[{below}{f',{below}'.join(_indented(v, indent, below) for v in value)}{end}]"
    return _ENCODER.encode(value)


def _key(key: object) -> str:
    """A key of a mapping as a string; numbers, booleans and None as in JSON."""
    return _string(key if isinstance(key, str) else _ENCODER.encode(key))


def _json_line(line: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def _spelled(found: re.Match[str]) -> str:
    return f"{found[1]}\\x{ord(found[2]):02x}"


def _escape(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]


def _symbol(char: str) -> str:
    if char == "\t":
        return " " * TAB
    if ord(char) < 32:
        return chr(0x2400 + ord(char))
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return "\N{REPLACEMENT CHARACTER}"
    return char
