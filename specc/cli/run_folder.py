"""Finding a run by the path of its folder, or by its name in `runs/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from specc.cli.terminal import echo_error
from specc.runtime.failure import USAGE, RunFailure

if TYPE_CHECKING:
    from specc.engine.storage.loaded_run import LoadedRun

ROOT = Path("runs")

SPECS = (".yaml", ".yml")
"""The endings of files that are specs."""


def run_folder(word: str) -> Path:
    """The folder of a run: `runs/vae-1`, or `vae-1` for it.

    Raises RunFailure: E0802 if there is none, but another run has a similar name. Without such a
    run the path is returned unchanged, and reading it reports that it does not exist.
    """
    path = Path(word)
    if path.is_file() and path.suffix in SPECS:
        hint = f"`specc train {word}` makes a run of it"
        message = f"{word} is a spec, not the folder of a run"
        raise RunFailure("E0802", message, hint=hint, exit_code=USAGE)
    if path.exists() or path.is_symlink():
        return path
    if _is_name(word) and (ROOT / word).is_dir():
        return ROOT / word
    meant = _nearest(path, _is_name(word))
    if meant is not None:
        hint = f"did you mean `{meant}`?"
        raise RunFailure("E0802", f"there is no run `{word}`", hint=hint, exit_code=USAGE)
    return path


def part_of(opened: LoadedRun, given: str | None) -> str:
    """The part of the data to use: the given one, else held-out rows, else the first part."""
    if given is not None:
        return given
    found = opened.held_out
    if opened.data is not None and found != "test":
        echo_error(
            f"the data has no part `test`; `{found}` is used instead (choose another with --part)"
        )
    return found


def is_run(word: str) -> bool:
    """Whether a word that names a spec or a run names a run."""
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
