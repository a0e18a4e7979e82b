"""Where data files lie: inside the data folder, never outside of it."""

from __future__ import annotations

import os
from pathlib import Path

from specc.runtime.failure import USAGE, RunFailure


def folder_for(source: str, folder: Path | None) -> Path:
    """The data folder.

    Raises RunFailure: E0504, where none is given or it does not exist.
    """
    if folder is None:
        message = f"the source `{source}` is read from files, and no data folder is given"
        hint = "add `--data-dir FOLDER`, or set SPECC_DATA_DIR"
        raise RunFailure("E0504", message, hint=hint, exit_code=USAGE)
    if not folder.is_dir():
        message = f"the data folder {folder} does not exist"
        raise RunFailure("E0504", message, hint="check `--data-dir`", exit_code=USAGE)
    return folder


def inside(folder: Path, path: str) -> Path:
    """The file `path` of the data folder.

    Raises RunFailure: E0506, where the path, or a link on the way, leads out of the folder; E0504,
    where there is no such file.
    """
    found = Path(os.path.realpath(folder / path))
    if Path(path).is_absolute() or not found.is_relative_to(os.path.realpath(folder)):
        hint = "write a path inside the folder given by `--data-dir`"
        message = f"the path `{path}` leads out of the data folder"
        raise RunFailure("E0506", message, hint=hint, exit_code=USAGE)
    if not found.is_file():
        names = sorted(p.name for p in folder.iterdir())[:8]
        hint = f"the folder has {', '.join(names)}" if names else "the folder is empty"
        raise RunFailure(
            "E0504", f"the data folder {folder} has no file `{path}`", hint=hint, exit_code=USAGE
        )
    return found


def unreadable(path: Path, problem: str, hint: str = "") -> RunFailure:
    """The failure E0505 of a file whose content is not what it should be."""
    message = f"the data file {path} cannot be read: {problem}"
    return RunFailure("E0505", message, hint=hint, exit_code=USAGE)
