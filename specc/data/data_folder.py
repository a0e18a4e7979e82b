"""Paths in the data folder, and checks that a file is inside it and fits into memory."""

from __future__ import annotations

import os
from pathlib import Path

from specc.runtime.failure import USAGE, RunFailure

UNKNOWN = 8 << 30
"""The assumed bytes of free memory, if the system does not report them."""


def folder_for(source: str, folder: Path | None) -> Path:
    """The data folder of a source.

    Raises RunFailure: E0504, if there is none or it does not exist.
    """
    if folder is None:
        message = f"the source `{source}` reads files, and no data folder is given"
        hint = "add `--data-dir FOLDER`, set SPECC_DATA_DIR, or put the files beside the spec"
        raise RunFailure("E0504", message, hint=hint, exit_code=USAGE)
    if not folder.is_dir():
        message = f"the data folder {folder} does not exist"
        raise RunFailure("E0504", message, hint="check `--data-dir`", exit_code=USAGE)
    return folder


def inside(folder: Path, path: str) -> Path:
    """The file `path` of the data folder.

    Raises RunFailure: E0506, if the path, or a link on the way, leads out of the folder; E0504, if
    there is no such file.
    """
    found = _within(folder, path)
    if not found.is_file():
        raise _missing(folder, path, "file")
    return found


def folder_inside(folder: Path, path: str) -> Path:
    """The folder `path` of the data folder; raises as `inside` does."""
    found = _within(folder, path)
    if not found.is_dir():
        raise _missing(folder, path, "folder")
    return found


def _within(folder: Path, path: str) -> Path:
    try:
        found = Path(os.path.realpath(folder / path))
    except ValueError as error:  # a NUL in the name
        raise unreadable(Path(path), str(error)) from error
    if Path(path).is_absolute() or not found.is_relative_to(os.path.realpath(folder)):
        hint = "write a path inside the folder given by `--data-dir`"
        message = f"the path `{path}` leads outside the data folder"
        raise RunFailure("E0506", message, hint=hint, exit_code=USAGE)
    return found


def _missing(folder: Path, path: str, kind: str) -> RunFailure:
    names = entries(folder)[:8]
    hint = f"the folder has {', '.join(names)}" if names else "the folder is empty"
    hint += "; `--data-dir` names another"
    message = f"the data folder {folder} has no {kind} `{path}`"
    return RunFailure("E0504", message, hint=hint, exit_code=USAGE)


def entries(folder: Path) -> list[str]:
    """The names in a folder, in order; raises RunFailure E0505 if it cannot be read."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error.strerror or str(error)) from error


def unreadable(path: Path, problem: str, hint: str = "") -> RunFailure:
    """The failure E0505 of a file that cannot be read or has wrong content."""
    message = f"the data file {path} cannot be read: {problem}"
    return RunFailure("E0505", message, hint=hint, exit_code=USAGE)


def require_memory(path: Path, size: int, hint: str = "") -> None:
    """Checks that a file whose content takes `size` bytes fits, before it is read.

    Raises RunFailure: E0513, if that is more than the free memory.
    """
    free = free_memory()
    if size > free:
        raise too_large(path, size, free, hint)


def too_large(path: Path, size: int, free: int, hint: str = "") -> RunFailure:
    """The failure E0513 of a file whose content needs more memory than is free."""
    message = (
        f"the data file {path} needs {_size_text(size)} of memory, and {_size_text(free)} is free"
    )
    hint = hint or "`source: npy` reads an array from its file, batch by batch"
    return RunFailure("E0513", message, hint=hint, exit_code=USAGE)


def free_memory() -> int:
    """The bytes of free memory, of the machine and of the control group."""
    found = [UNKNOWN]
    for line in _text(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            found = [int(line.split()[1]) << 10]
    group = Path("/sys/fs/cgroup")
    most, used = _text(group / "memory.max").strip(), _text(group / "memory.current").strip()
    if most.isdigit() and used.isdigit():
        found.append(int(most) - int(used))
    return max(0, min(found))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _size_text(size: int) -> str:
    """The number of bytes as text: `3.2 GiB`, or `17 KiB`."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size / 1024:.0f} KiB"
