"""Finds the runs that metrics refer to, such as that of a classifier."""

from __future__ import annotations

from pathlib import Path

ROOT = Path("runs")


def find_run(word: str, beside: Path) -> Path:
    """Return the folder of a run, given its path, or its name in `runs/` or in `beside`.

    Raises RunFailure E0802 if there is none, with a hint at a run of a similar name.
    """
    from specc.engine.storage import run_folder

    places = [Path(word), ROOT / word, beside / word]
    found = next((path for path in places if (path / run_folder.RUN).is_file()), None)
    if found is not None:
        return found
    from specc.diagnostics.nearest import nearest
    from specc.runtime.failure import USAGE, RunFailure

    known = [path.parent for root in (ROOT, beside) for path in root.glob(f"*/{run_folder.RUN}")]
    meant = nearest(word, {path.name for path in known})
    hint = f"did you mean `{meant}`?" if meant else "train it first; `specc runs` lists runs"
    message = f"there is no run `{word}`, which a metric of `evaluate` needs"
    raise RunFailure("E0802", message, hint=hint, exit_code=USAGE)
