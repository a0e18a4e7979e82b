"""Flips of each single bit of a small run folder, and their effect on a resumed run.

    python -m benchmarks.flips

Each file is read by the function that reads it in a resumed run, or in a report. If the function
refuses a flipped bit, the run is refused, or a previous checkpoint is used for a bit in a
checkpoint. Otherwise the state from which a run resumes must be unchanged, as
`tests/engine/test_flips.py` defines it; raises AssertionError if it is not. For twenty bits of each
outcome, a run is then resumed to its end: the result must be the same weights, or a refusal.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from specc.engine.storage import checkpoint, metrics_log, run_folder
from specc.runtime.failure import RunFailure
from tests.engine.test_flips import all_files, before, make, outcome, resume_state, resumed

RESUMED = 20


def main() -> None:
    """Flip all bits, count the outcomes, and resume some runs."""
    with tempfile.TemporaryDirectory() as folder:
        run, began = make(Path(folder)), time.monotonic()
        reads = Reads(run)
        total: Counter[str] = Counter()
        places: dict[str, list[tuple[Path, int]]] = {}
        for path in all_files(run):
            found: Counter[str] = Counter()
            for bit in range(8 * path.stat().st_size):
                what = reads.outcome(path, bit)
                found[what] += 1
                places.setdefault(what, []).append((path, bit))
            total += found
            print(f"{path.relative_to(run)}: {dict(found)}", flush=True)
        seconds = time.monotonic() - began
        print(f"{total.total()} bits in {seconds:.0f} s: {dict(total)}", flush=True)
        resume(run, Path(folder), places)


class Reads:
    """The reader of each file of a run, and the unchanged state of the run."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.known = resume_state(run), before(run)
        self.facts, _ = run_folder.facts_of(run)
        found = checkpoint.latest(run)
        assert found is not None
        self.last, self.metrics = found.folder, found.metrics

    def outcome(self, path: Path, bit: int) -> str:
        """The outcome of a flipped bit of a file."""
        data = path.read_bytes()
        path.write_bytes(flipped(data, bit))
        try:
            self._read(path)
        except RunFailure as failure:
            assert failure.code in ("E0803", "E0821"), (path, bit, failure)
            if path.parent == self.last:
                return "the one before"
            return "the run" if path.parent.parent == self.last.parent else "refused"
        finally:
            path.write_bytes(data)
        return outcome(path, bit, self.run, self.known)

    def _read(self, path: Path) -> None:
        own = path.relative_to(self.run)
        if own.parts[0] in (checkpoint.FOLDER, checkpoint.BEST):
            checkpoint.verify(path.parent)
        elif own.name == run_folder.METRICS:
            metrics_log.known_part(self.run, self.metrics)
        elif own.name == run_folder.RUN:
            run_folder.facts_of(self.run)
        else:
            run_folder.written(self.run, self.facts, str(own))


def flipped(data: bytes, bit: int) -> bytes:
    """The data with one bit flipped."""
    found = bytearray(data)
    found[bit // 8] ^= 1 << bit % 8
    return bytes(found)


def resume(run: Path, folder: Path, places: dict[str, list[tuple[Path, int]]]) -> None:
    """Resume a run to its end for some flipped bits of each outcome."""
    expected, rng = resumed(run, folder / "uninterrupted"), random.Random(0)
    for what, all_of in places.items():
        ends: Counter[str] = Counter()
        for path, bit in rng.sample(all_of, min(RESUMED, len(all_of))):
            data = path.read_bytes()
            path.write_bytes(flipped(data, bit))
            try:
                assert resumed(run, folder / "found") == expected, (path, bit)
                ends["the same weights"] += 1
            except RunFailure as failure:
                assert what == "refused", (path, bit, failure)
                ends[failure.code] += 1
            path.write_bytes(data)
        print(f"{what}: resumed, {dict(ends)}", flush=True)


if __name__ == "__main__":
    main()
