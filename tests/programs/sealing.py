"""Updates of the hashes in changed run folders, so that they are valid again."""

from __future__ import annotations

import json
from pathlib import Path

from specc.engine.storage import checkpoint, file_io, run_folder, seal


def reseal(run: Path) -> None:
    """Set all hashes in a run folder to those of its files; invalid JSON files are unchanged."""
    for path in (run / run_folder.RUN, *run.glob(f"*/*/{checkpoint.STATE}")):
        hashed = "files" if path.name == run_folder.RUN else "hashes"
        try:
            value = json.loads(path.read_text())
            known = value[hashed]
            for name in known:
                if (path.parent / name).is_file():
                    known[name] = file_io.hash_of(path.parent / name)
            path.write_text(json.dumps(seal.sealed(value)))
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            continue
