"""Generated code that a spec does not compile to any more, such as that of a removed guide."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def stale_code(folder: Path, files: Collection[str]) -> list[Path]:
    """Return the Python files of a folder that specc wrote, unchanged since, beside `files`.

    They are known by the digest of their body in their header, so that files of a user, and those
    that were edited by hand, are none of them; nor are links.
    """
    from specc.codegen.package import body_digest
    from specc.engine.storage import file_io

    found = []
    for path in sorted(folder.glob("*.py")):
        if path.name in files or path.is_symlink() or not path.is_file():
            continue
        try:
            stated, body = body_digest(file_io.read(path).decode("utf-8"))
        except (OSError, ValueError):
            continue
        if stated == body:
            found.append(path)
    return found
