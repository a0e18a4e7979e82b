"""The run that a word of the command line means: a folder, or the name of one in `runs/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from specc.cli.failure import usage
from specc.cli.terminal import echo_error

if TYPE_CHECKING:
    from specc.engine.opened import OpenRun

ROOT = Path("runs")


def run_folder(word: str) -> Path:
    """The folder of a run: `runs/vae-1`, or `vae-1` for it.

    Raises `Failure` where there is none and another one of nearly this name; where there is no such
    name either, the folder is returned as it stands, for its reader to refuse.
    """
    path = Path(word)
    if path.exists() or path.is_symlink():
        return path
    if _is_name(word) and (ROOT / word).is_dir():
        return ROOT / word
    meant = _nearest(path, _is_name(word))
    if meant is not None:
        raise usage(f"there is no run `{word}`", f"did you mean `{meant}`?")
    return path


def part_of(opened: OpenRun, given: str | None) -> str:
    """The part of the data to look at: the given one, else held-out rows, or what there is."""
    if given is not None:
        return given
    found = opened.held_out
    if opened.data is not None and found != "test":
        echo_error(f"the data has no part `test`, so that `{found}` is used; --part names another")
    return found


def is_run(word: str) -> bool:
    """Whether a word that may be a spec means a run."""
    path = Path(word)
    return path.is_dir() or (not path.exists() and _is_name(word) and (ROOT / word).is_dir())


def _is_name(word: str) -> bool:
    return Path(word).name == word and word not in ("", ".", "..")


def _nearest(path: Path, named: bool) -> Path | None:
    from specc.diagnostics.nearest import nearest

    folder = ROOT if named else path.parent
    try:
        names = [p.name for p in folder.iterdir() if p.is_dir()]
    except OSError:
        return None
    meant = nearest(path.name, names)
    return None if meant is None else folder / meant
