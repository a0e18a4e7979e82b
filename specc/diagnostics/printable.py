"""Text of the outside, names of files above all, made safe for a line of a screen, code, or JSON.

What is not safe is what Python calls not printable: controls, which steer a terminal; the marks
that turn the direction of text (Boucher and Anderson 2021); line breaks under any name; the halves
of characters that represent bytes of a name that are not UTF-8.
"""

from __future__ import annotations

import json
import re
import unicodedata

TAB = 4

_COOKIE = re.compile(r"(coding)([:=])")


def printable(text: str) -> str:
    """Text without anything that could steer a terminal: tabs as spaces, controls as symbols."""
    return text if text.isprintable() else "".join(map(_symbol, text))


def escaped(text: str) -> str:
    r"""One line of printable characters: all others as the escapes of Python, such as `\n`."""
    return text if text.isprintable() else "".join(map(_escape, text))


def named(path: object) -> str:
    """The name of a file as a line may begin with it.

    At the start of a line `::` would be a command to GitHub, which reads what its jobs print.
    """
    name = escaped(str(path))
    return f"./{name}" if name.lstrip().startswith("::") else name


def comment(text: str) -> str:
    """A comment of Python: one line, which declares no encoding (PEP 263)."""
    return "# " + _COOKIE.sub(_spelled, escaped(text))


def json_text(value: object, indent: int | None = 2) -> str:
    """A value as JSON, with letters of all languages as they are, and the rest escaped."""
    text = _ENCODER.encode(value) if indent is None else _indented(value, " " * indent, "\n")
    lines = text.split("\n")
    return "\n".join(line if line.isprintable() else _json_line(line) for line in lines)


_ENCODER = json.JSONEncoder(ensure_ascii=False)


def _indented(value: object, indent: str, end: str) -> str:
    """As `json.dumps` writes it with an indent, which takes it three times as long.

    `end` ends a line and begins the next one at the depth of the value.
    """
    below = end + indent
    if isinstance(value, dict) and value:
        items = (f"{_key(k)}: {_indented(v, indent, below)}" for k, v in value.items())
        return f"{{{below}{f',{below}'.join(items)}{end}}}"
    if isinstance(value, (list, tuple)) and value:
        return f"[{below}{f',{below}'.join(_indented(v, indent, below) for v in value)}{end}]"
    return _ENCODER.encode(value)


def _key(key: object) -> str:
    """A key as a string: that of JSON for a number, a truth value or None."""
    return _ENCODER.encode(key if isinstance(key, str) else _ENCODER.encode(key))


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
