"""HTML elements of the sections."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def figure(drawing: str, words: str) -> str:
    """A drawing with its caption; "" if there is no drawing."""
    if not drawing:
        return ""
    return f"<figure>{drawing}<figcaption>{escape(words)}</figcaption></figure>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """A table, which scrolls horizontally if it is wide; `kind` is its CSS class."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    element = f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="wide">{element}</div>'
