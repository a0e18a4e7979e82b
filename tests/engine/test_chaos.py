"""Kills at random moments: a killed and resumed run ends as an uninterrupted one.

`python -m benchmarks.chaos --kills 300` makes many more.
"""

import collections
import random
import subprocess
import sys

import pytest

from benchmarks import chaos

KILLS = 7


def test_killed_and_resumed_it_comes_to_the_same_end():
    """In a separate process, since it forks and changes the interval between checkpoints."""
    command = [sys.executable, "-m", "benchmarks.chaos", "--rounds", "2", "--kills", str(KILLS)]
    done = subprocess.run(
        command, cwd=chaos.ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    table = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines())
    found = {name.strip(): int(count) for name, count in table.items()}
    wrong = {name: count for name, count in found.items() if name.startswith("WRONG")}
    assert (done.returncode, set(wrong.values())) == (0, {0}), done.stdout + done.stderr
    assert len(wrong) == 5
    assert found["kills"] >= KILLS and found["kills of train"] >= 1 and found["runs"] >= 1


@pytest.mark.parametrize(
    ("status", "end", "wrong"),
    [
        (0, "the same", set()),
        (0, "another", {"WRONG end of a run"}),
        (9, "the same", {"WRONG status of a resumed run"}),
    ],
)
def test_a_wrong_end_is_counted(status, end, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(chaos, "killed_after", lambda work, seconds: status)
    monkeypatch.setattr(chaos, "state_of", lambda run: end)
    counts = collections.Counter()
    chaos.one_run(tmp_path, tmp_path / "run", "the same", 1.0, random.Random(0), counts)
    assert {name for name in counts if name.startswith("WRONG") and counts[name]} == wrong
