"""`python -m specc.reference docs/reference` writes the pages of the reference."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from specc.reference.markdown import render
from specc.reference.pages import pages


def files() -> Mapping[str, str]:
    """Return the text of every page by the name of its file."""
    return {f"{page.name}.md": render(page) for page in pages()}


def main(folder: str) -> None:
    """Write every page into a folder, which may contain other files."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (Path(folder) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
