"""Flipped bits in a run folder are refused with a message, or have no effect.

A resumed run depends on run.json, the last checkpoint, and the code of its spec. `resume_state`
reads all of that as `--resume` does, in milliseconds, so that many bits can be tried. A flipped bit
must be refused with a code, or leave the state of the run, or fall back to the previous checkpoint.
`python -m benchmarks.flips` tries every bit, and resumes some of the runs that were accepted.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

import specc
from specc.api import Model
from specc.engine.loop import loop
from specc.engine.storage import checkpoint, file_io, metrics_log, run_folder
from specc.recompile import compiled
from specc.runtime.failure import RunFailure

SPEC = """
specc: 1
name: tiny
data: {source: toy, density: pinwheel, rows: 40, fields: {x: {from: x}}, split: {valid: 0.25}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [1]}
  x: {observed: normal, loc: decoder(z), scale: 1}
guide:
  z: {latent: normal, params: encoder(x)}
links:
  decoder: linear
  encoder: linear
objective: elbo
train: {epochs: 4, batch_size: 16, ema: 0.9, early_stopping: {patience: 9}, threads: 1, keep: 3,
        schedule: {plateau: {patience: 1}}}
evaluate: {valid: {data: valid, particles: 2, rows: 4}}
"""
SAMPLE = 25
"""The number of bits of each file that the test flips."""


def make(root: Path) -> Path:
    """A run that was killed in its last epoch, so that a resumed run makes further steps."""
    (root / "tiny.yaml").write_text(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SAVE_EVERY", 0.0)
        specc.load(root / "tiny.yaml", {"train.seed": 3}).train(root / "run")
    *_, last = sorted((root / "run/checkpoints").iterdir())
    shutil.rmtree(last)
    for path in (root / "run/result.json", *(root / "run").glob("*.png")):
        path.unlink()
    return root / "run"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("flips"))


def resume_state(run: Path) -> tuple[object, ...]:
    """Everything that a resumed run depends on; raises RunFailure as `--resume` does."""
    facts, _ = run_folder.facts_of(run)
    found = checkpoint.latest(run)
    assert found is not None
    best = checkpoint.best(run, known=found.early_stopping)
    hashes = [file_io.hash_of(path) for path in sorted(found.folder.iterdir())]
    hashes += (
        [] if best is None else [file_io.hash_of(path) for path in sorted(best.folder.iterdir())]
    )
    lines = metrics_log.known_part(run, found.metrics)
    return (
        facts,
        found.counters,
        found.early_stopping,
        found.running_metrics,
        found.metrics,
        lines,
        hashes[1:],
    )


def before(run: Path) -> tuple[object, ...]:
    """The same for the previous checkpoint."""
    *_, last = sorted((run / "checkpoints").iterdir())
    last.rename(run / "away")
    try:
        return resume_state(run)
    finally:
        (run / "away").rename(last)


def outcome(path: Path, bit: int, run: Path, known: tuple[object, object]) -> str:
    """The effect of a flipped bit of a file: `refused`, `the run`, or `the one before`."""
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    path.write_bytes(flipped)
    try:
        found = resume_state(run)
    except RunFailure as failure:
        assert failure.code in ("E0803", "E0821"), (path, bit, failure)
        return "refused"
    finally:
        path.write_bytes(data)
    assert found in known, (path, bit, "goes on from something else")
    return ("the run", "the one before")[known.index(found)]


def all_files(run: Path) -> list[Path]:
    return sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size)


def weights(run: Path) -> list[str]:
    found = checkpoint.latest(run)
    assert found is not None
    return [file_io.hash_of(path) for path in sorted(found.folder.glob("*.safetensors"))]


def resumed(run: Path, folder: Path) -> list[str]:
    """The final weights of a resumed copy of the run."""
    copy = folder / "run"
    shutil.copytree(run, copy)
    try:
        made = compiled(copy).plan
        model = Model(made, (), tuple(file_io.read_json(copy / run_folder.SETTINGS)))
        model.train(copy, resume=True)
        return weights(copy)
    finally:
        shutil.rmtree(copy)


STEERING = (
    "run.json",
    "spec.yaml",
    "settings.json",
    "metrics.jsonl",
    "manifest.json",
    "state.json",
)


def test_a_flipped_bit_is_refused_or_changes_nothing(made):
    """A sample of bits of every file, with the outcome expected for each kind of file."""
    rng = random.Random(20261129)
    known = resume_state(made), before(made)
    assert known[0] != known[1]
    for path in all_files(made):
        bits = 8 * path.stat().st_size
        chosen = rng.sample(range(bits), min(SAMPLE, bits))
        found = Counter(outcome(path, bit, made, known) for bit in chosen)
        own = path.relative_to(made)
        if own.parts[0] == "checkpoints":
            last = own.parts[1] == max(p.name for p in (made / "checkpoints").iterdir())
            assert set(found) == {"the one before" if last else "the run"}, (own, found)
        elif own.parts[0] in ("best", "generated") and "__pycache__" not in own.parts:
            assert set(found) == {"refused"}, (own, found)
        elif path.name in STEERING:
            assert found["the run"] <= found.total() // 2, (own, found)
        else:
            assert set(found) == {"the run"}, (own, found)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("run.json", '"pieces": 1', '"pieces": 3'),
        ("run.json", '"seed": 3', '"seed": 1'),
        ("run.json", '"threads": 1', '"threads": 3'),
        ("settings.json", "train.seed=3", "train.seed=1"),
        ("spec.yaml", "batch_size: 16", "batch_size: 17"),
        ("metrics.jsonl", '"epoch": 2', '"epoch": 3'),
    ],
)
def test_a_changed_digit_is_refused(made, tmp_path, name, old, new):
    run = tmp_path / "run"
    shutil.copytree(made, run)
    text = (run / name).read_text()
    assert old in text
    (run / name).write_text(text.replace(old, new, 1))
    with pytest.raises(RunFailure, match="its content differs from what was written") as failure:
        resume_state(run)
    assert failure.value.code == "E0803" and failure.value.hint
    with pytest.raises(RunFailure):
        specc.load(made.parent / "tiny.yaml", {"train.seed": 3}).train(run, resume=True)


def test_a_changed_counter_leads_to_the_checkpoint_before(made, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(made, run)
    *_, last = sorted((run / "checkpoints").iterdir())
    text = (last / "state.json").read_text()
    (last / "state.json").write_text(text.replace('"epoch": 3', '"epoch": 1'))
    assert resume_state(run) == before(run)
    expected = resumed(made, tmp_path / "expected")
    assert resumed(run, tmp_path / "found") == expected


def test_counters_that_do_not_agree_are_refused():
    counters = checkpoint.Counters(epoch=2, step=1, total=7)
    assert counters.fit(3, 12)
    assert not counters.fit(2, 12) and not counters.fit(4, 12)
    assert checkpoint.Counters(epoch=2, step=0, total=5).fit(3, 5)
    assert not checkpoint.Counters(epoch=2, step=0, total=5).fit(3, 6)
    assert not checkpoint.Counters(epoch=0, step=7, total=7).fit(3, 12)
