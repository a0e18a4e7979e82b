"""The runs that a figure names: a classifier, whose layers or predictions it is made of."""

from __future__ import annotations

from pathlib import Path

ROOT = Path("runs")


def find_run(word: str, beside: Path) -> Path:
    """The folder of a run: a path, the name of one in `runs/`, or of one beside another run.

    Raises RunFailure: E0802, where there is none, with the name of one that was meant.
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
