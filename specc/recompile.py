"""Compiles the spec in a run folder again.

A run folder may come from an untrusted source, so its Python files are never executed. The code
that is executed is compiled from the spec in the folder, and the digests in the folder show whether
that is the program that was trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from specc.engine.storage import file_io, run_folder
from specc.runtime import manifest as manifests
from specc.runtime.failure import USAGE, RunFailure

if TYPE_CHECKING:
    from specc.compiler import Compiled


def recompile(run: Path, folder: Path) -> Path:
    """Compile the spec of the run into `folder`, and return the path of the package.

    Raises RunFailure: E0802 if there is no run, E0803 if its files are damaged, E0816 if its spec
    does not compile, E0801 if the compiled program is not the one that was trained.
    """
    made = compiled(run)
    code = folder / made.name
    code.mkdir(parents=True)
    for name, text in made.files.items():
        (code / name).write_text(text, encoding="utf-8")
    run_folder.same_spec(run, manifests.read(code))
    return code


def compiled(run: Path) -> Compiled:
    """Compile the spec of the run. Raises RunFailure E0802, E0803 or E0816."""
    from specc.compiler import compile
    from specc.diagnostics.render_text import render
    from specc.language.decode import read_bytes

    facts, _ = run_folder.facts_of(run)
    home = run_folder.home(run, facts)
    source, findings = read_bytes(str(home / run_folder.SPEC), _spec(home))
    made = None
    if source is not None:
        made, checked = compile(source, settings_of(home))
        findings = checked.diagnostics
    if made is None:
        hint = "its weights are intact; `specc train SPEC --from RUN` starts from them"
        message = f"the spec of the run {run} does not compile:\n{render(findings).rstrip()}"
        raise RunFailure("E0816", message, hint=hint, exit_code=USAGE)
    return made


def _spec(run: Path) -> bytes:
    try:
        return file_io.read(run / run_folder.SPEC)
    except (OSError, ValueError) as error:
        raise _damaged(run, f"its {run_folder.SPEC} cannot be read: {error}") from error


def settings_of(run: Path) -> tuple[str, ...]:
    """Return the `--set` arguments of the run, `a.b=value`. Raises RunFailure E0803."""
    try:
        found = file_io.read_json(run / run_folder.SETTINGS)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise _damaged(run, f"its {run_folder.SETTINGS} cannot be read: {error}") from error
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise _damaged(run, f"its {run_folder.SETTINGS} is not a list of settings")
    return tuple(found)


def _damaged(run: Path, problem: str) -> RunFailure:
    return RunFailure("E0803", f"the run folder {run} is damaged: {problem}")
