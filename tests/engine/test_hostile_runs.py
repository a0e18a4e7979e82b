"""Malicious or damaged run folders are refused with a message, and no code in them is executed."""

from __future__ import annotations

import json
import random
import shutil

import pytest

from specc.engine.loop import loop
from tests.programs.sealing import reseal
from tests.unit.cli.running import run as specc

SPEC = """
specc: 1
name: small
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: bernoulli, logits: decoder(z)}
guide:
  z: {latent: normal, params: encoder(x)}
links:
  decoder: {mlp: [8], activation: tanh}
  encoder: {mlp: [8], activation: tanh}
objective: elbo
train: {epochs: 3, ema: 0.9, keep: 3}
evaluate: {test: {estimator: iwae, particles: 2, rows: 4}}
"""
REFUSED = (2, 3)
JUNK = (None, True, -1, 0, 2**70, 1e300, "", "../../x", "<script>", [], {}, [[]], {"a": {"b": 1}})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    (root / "small.yaml").write_text(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SAVE_EVERY", 0.0)
        assert _plain("train", root / "small.yaml", "--out", root / "run", "--quiet") == 0
    *_, last = sorted((root / "run" / "checkpoints").iterdir())
    shutil.rmtree(last)  # as if the run had been killed in the last epoch
    return root


def _plain(*arguments):
    from specc.cli.main import main

    return main([str(argument) for argument in arguments])


@pytest.fixture
def run(made, tmp_path):
    shutil.copytree(made / "run", tmp_path / "run")
    return tmp_path / "run"


def verbs(run):
    """Every command on a run folder."""
    spec = run.parent / "small.yaml"
    spec.write_text(SPEC)
    yield "evaluate", run
    yield "sample", run, "--rows", 2
    yield "report", run
    yield "runs", run.parent
    yield "runs", "--compare", run, run
    yield "train", spec, "--out", run, "--resume", "--quiet"
    yield "train", spec, "--out", run.parent / "next", "--from", run, "--quiet"


def test_no_code_in_a_run_is_executed(run, capsys):
    """Neither source files, nor bytecode, nor shared libraries with the names of the modules."""
    mark = run.parent / "executed"
    (code,) = (run / "generated").iterdir()
    for path in code.glob("*.py"):
        path.write_text(f"open({str(mark)!r}, 'w')\n")
    for name in ("sitecustomize.py", "torch.py", "usercustomize.py"):
        (code / name).write_text(f"open({str(mark)!r}, 'w')\n")
    (code / "model.abi3.so").write_bytes(b"\x7fELF")
    reseal(run)
    for verb in verbs(run):
        assert specc(capsys, *verb).code == 0, verb
    assert not mark.exists()


def test_other_weights_than_the_spec_s_are_refused(run, capsys):
    text = (run / "spec.yaml").read_text()
    (run / "spec.yaml").write_text(text.replace("shape: [2]", "shape: [3]"))
    reseal(run)
    done = specc(capsys, "evaluate", run)
    assert done.code == 2 and "belongs to another spec" in done.err


def test_a_spec_that_no_longer_compiles(run, capsys):
    text = (run / "spec.yaml").read_text()
    (run / "spec.yaml").write_text(text.replace("decoder(z)", "decodr(z)"))
    reseal(run)
    done = specc(capsys, "evaluate", run)
    assert done.code == 2 and "E0816" in done.err and "did you mean `decoder`?" in done.err


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", ".lock", "checkpoints", "run.json", ".metrics.jsonl.partial"]
)
def test_no_write_follows_a_link(run, capsys, name):
    """The target is unchanged, and its numbered folders are not removed as old checkpoints."""
    target = run.parent / "target"
    path = run / name
    if path.is_dir():
        path.rename(target)
    else:
        target.write_bytes(path.read_bytes() if path.exists() else b"precious")
        path.unlink(missing_ok=True)
    before = sorted((p, p.stat().st_mtime_ns) for p in [target, *target.rglob("*")])
    path.symlink_to(target)
    done = specc(capsys, "train", *_longer(run), "--out", run, "--resume", "--quiet")
    assert done.code == 3 and "is a link" in done.err, done.err
    assert sorted((p, p.stat().st_mtime_ns) for p in [target, *target.rglob("*")]) == before


def _longer(run):
    spec = run.parent / "small.yaml"
    spec.write_text(SPEC)
    return (spec,)


def test_damage_at_random(made, tmp_path, capsys):
    """With replaced JSON values and flipped bytes in files, no command has an internal error.

    Records are sealed again after the damage, so that their hashes match.
    """
    rng = random.Random(20261121)
    for number in range(10):
        folder = tmp_path / str(number)
        shutil.copytree(made / "run", folder / "run")
        what = _damage(rng, folder / "run")
        reseal(folder / "run")
        for verb in verbs(folder / "run"):
            done = specc(capsys, *verb)
            assert done.code in (0, *REFUSED), (what, verb, done)
            assert "Traceback" not in done.err
            assert "bug in specc" not in done.err, (what, verb, done.err)
            assert done.code == 0 or done.err.strip(), (what, verb)
        shutil.rmtree(folder)


def _damage(rng, run):
    paths = sorted(p for p in run.rglob("*") if p.is_file() and p.suffix != ".png")
    path = rng.choice(paths)
    if path.suffix == ".json" and rng.random() < 0.8:
        value = json.loads(path.read_text())
        where = _replace(rng, value)
        path.write_text(json.dumps(value))
        return path.name, where
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 8))):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    if rng.random() < 0.2:
        data = data[: rng.randrange(len(data) + 1)]
    path.write_bytes(data)
    return path.name, "bytes"


def _replace(rng, value, where=()):
    """Replaces or removes the value at a random place of a JSON value."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not keys:
        return where
    key = rng.choice(keys)
    inner = value[key]
    if isinstance(inner, (dict, list)) and inner and rng.random() < 0.7:
        return _replace(rng, inner, (*where, key))
    if rng.random() < 0.2:
        del value[key]
        return (*where, key, "removed")
    value[key] = rng.choice(JUNK)
    return (*where, key, value[key])
