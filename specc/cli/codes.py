"""The page of a diagnostic code, for `specc explain E0301`."""

from __future__ import annotations

from importlib import resources

from specc.cli.failure import usage


def page(word: str) -> str:
    """The page of a code, in Markdown; raises `Failure` if there is no such code."""
    from specc.diagnostics.codes import CODES
    from specc.diagnostics.nearest import nearest

    code = word.upper()
    if code not in CODES:
        meant = nearest(code, CODES)
        raise usage(f"there is no code `{code}`", f"did you mean `{meant}`?" if meant else "")
    found = resources.files("specc.diagnostics").joinpath("pages", f"{code}.md")
    return found.read_text(encoding="utf-8")
