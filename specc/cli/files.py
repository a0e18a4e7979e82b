"""Files that a verb writes: whole or not at all, and only where the user said."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from specc.cli.failure import Failure, reason


def write_file(path: Path, text: str) -> None:
    """Write `text` to `path`, a name the user gave: a symbolic link there is followed.

    The text goes to a new file beside it, which takes its place once it is on the disk, so that a
    full disk or an interruption leaves the old file as it was. Raises `Failure`.
    """
    try:
        _replace(path.resolve(), text.encode("utf-8"))
    except OSError as error:
        raise Failure(f"{path} cannot be written: {reason(error)}") from error


def write_new_file(path: Path, text: str) -> None:
    """Write `text` to a file that must not be there yet; raises `FileExistsError`, `Failure`."""
    try:
        with path.open("xb") as file:
            file.write(text.encode("utf-8"))
    except FileExistsError:
        raise
    except OSError as error:
        raise Failure(f"{path} cannot be written: {reason(error)}") from error


def write_folder(folder: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Write `files`, by their relative names, below `folder`; return the names that changed.

    Nothing is ever written outside: names that would leave the folder are refused, and so are
    symbolic links inside it. Raises `Failure`.
    """
    places = {name: _place(folder, name) for name in files}
    changed = [name for name, path in places.items() if content(path) != files[name]]
    for name in changed:
        path = places[name]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, files[name].encode("utf-8"))
        except OSError as error:
            raise Failure(f"{path} cannot be written: {reason(error)}") from error
    return tuple(changed)


def content(path: Path) -> str | None:
    """The text of a file, line endings as they are, or None where there is no such text."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _place(folder: Path, name: str) -> Path:
    """Where `name` is below `folder`, with no link on the way."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} is not the name of a file below a folder")
    path = folder
    for part in parts:
        path = path / part
        if path.is_symlink():
            hint = "remove the link, or choose another folder with --out"
            raise Failure(f"{path} is a symbolic link, and specc writes only real files", hint)
    return path


def _replace(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path` in one step; its permissions stay as they are."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            file.write(content)
            file.flush()
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
