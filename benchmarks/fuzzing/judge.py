"""The requirements on the results of the compiler for any input."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
import unicodedata
from collections.abc import Collection, Mapping
from xml.etree import ElementTree

from benchmarks.fuzzing.seeds import CANARY

ROOTS = {"torch", "specc", "__future__", "pathlib", "math"}
FORBIDDEN = {"eval", "exec", "open", "compile", "getattr", "setattr", "globals", "__import__"}
_STEERING = tuple(
    char
    for char in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char not in "\n\t"
)
_STEERS = re.compile(f"[{re.escape(''.join(_STEERING))}]")
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")


class Fault(Exception):
    """Raised if a result violates a requirement; the text states which."""


def demand(holds: object, violation: str) -> None:
    """Raise Fault with the text `violation` unless `holds`."""
    if not holds:
        raise Fault(violation)


def printable(text: str, what: str, colours: bool = False) -> None:
    """Require a text without control characters, marks of direction and invisible line breaks."""
    odd = _STEERS.search(text)
    demand(not odd, f"{what} has the character U+{ord(odd[0]) if odd else 0:04X}")


def generated(files: Mapping[str, str]) -> None:
    """Require valid files of a package, with text from users only in comments and strings."""
    for name, text in files.items():
        demand("/" not in name and not name.startswith("."), f"a file is called {name!r}")
        printable(text, name)
        if name.endswith(".json"):
            json.loads(text)
            continue
        code(name, text)


def code(name: str, text: str, roots: Collection[str] = ROOTS) -> None:
    """Require a valid Python file that imports only from the packages `roots`."""
    data = text.encode("utf-8")
    for line in data.splitlines()[:2]:
        demand(not _COOKIE.match(line), f"{name} declares an encoding")
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError) as error:
        raise Fault(f"{name} is not Python: {error}") from error
    for node in ast.walk(tree):
        _plain(name, node, roots)
    if CANARY not in text:
        return
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        inside = token.type in (tokenize.COMMENT, tokenize.STRING, tokenize.ENCODING)
        demand(inside or CANARY not in token.string, f"{name} has words of the outside in its code")


def _plain(name: str, node: ast.AST, allowed: Collection[str]) -> None:
    if isinstance(node, ast.Import):
        roots = {alias.name.split(".")[0] for alias in node.names}
        demand(roots <= set(allowed), f"{name} imports {sorted(roots)}")
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        demand((node.module or "").split(".")[0] in allowed, f"{name} imports {node.module}")
    if isinstance(node, ast.Name):
        special = node.id.startswith("__") and node.id not in ("__file__", "__all__", "__name__")
        demand(not special and node.id not in FORBIDDEN, f"{name} uses the name {node.id}")
        demand(node.id not in ("inf", "nan"), f"{name} has a bare {node.id}")
    if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
        finite = isinstance(node.value, float) and abs(node.value) < float("inf")
        demand(finite, f"{name} has the number {node.value}")


def report(form: str, text: str) -> None:
    """Require valid diagnostics in a format."""
    printable(text, f"the findings as {form}")
    if form in ("json", "sarif"):
        json.loads(text)
    if form == "github":
        for line in text.splitlines():
            demand(re.match(r"::(error|warning) file=", line), "a line is no command of its own")
    if form == "text":
        for line in text.splitlines():
            demand(not line.startswith("::"), "a line of text is a workflow command")


def drawing(form: str, text: str) -> None:
    """Require a valid picture of a graph in a format."""
    printable(text, f"the graph as {form}")
    if form == "svg":
        ElementTree.fromstring(text)
