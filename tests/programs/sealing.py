"""Run folders that were changed on purpose, with hashes and seals that fit again."""

from __future__ import annotations

import json
from pathlib import Path

from specc.engine.storage import checkpoint, file_io, run_folder, seal


def reseal(run: Path) -> None:
    """Every hash in the folder is that of what is there now; a record that is no JSON stays."""
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
