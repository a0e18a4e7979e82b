"""Run folders with special files, with numbers out of range, and with wrong names.

Every command that opens a run refuses a link, a FIFO, a device or a socket in it, without waiting.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import socket
from contextlib import contextmanager
from dataclasses import replace as replaced

import pytest

import specc
from specc.engine.storage import checkpoint, run_folder
from specc.report import final_evaluation
from tests.engine.test_flips import SPEC
from tests.programs.sealing import reseal
from tests.unit.cli.running import run as verb

SECRET = "a line of somebody else's file"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    (root / "tiny.yaml").write_text(SPEC)
    specc.load(root / "tiny.yaml").train(root / "run")
    return root


@pytest.fixture
def run(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


@contextmanager
def no_waiting(seconds=60):
    """A test that waits longer, such as for a FIFO without a writer, fails."""

    def late(number, frame):
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def verbs(run):
    """Every command that opens a run."""
    spec = run.parent / "tiny.yaml"
    yield "evaluate", run
    yield "sample", run
    yield "impute", run
    yield "report", run
    yield "query", run, "P(z)"
    yield "runs", "--compare", run, run
    yield "train", spec, "--out", run, "--resume", "--quiet"
    yield "train", spec, "--out", run.parent / "next", "--from", run, "--quiet"


def replace(path, kind):
    """Replaces a file by a special file."""
    if path.is_dir():
        path.rename(path.parent.parent / "elsewhere")
        path.symlink_to(path.parent.parent / "elsewhere")
        return
    path.unlink(missing_ok=True)
    if kind == "a link":
        secret = path.parent.parent / "secret"
        secret.write_text(SECRET)
        path.symlink_to(secret)
    elif kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(os.path.relpath(path))
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["a link", "a FIFO", "a socket", "a device"])
@pytest.mark.parametrize("name", ["run.json", "loss.png", "checkpoints"])
def test_every_verb_refuses_what_is_no_file(run, capsys, kind, name):
    replace(run / name, kind)
    words = kind if kind not in ("a device",) and name != "checkpoints" else "a link"
    for arguments in verbs(run):
        with no_waiting():
            done = verb(capsys, *arguments)
        assert done.code == 3, (arguments, done)
        assert f"{name} is {words}" in done.err and "[E0803]" in done.err, (arguments, done.err)
        assert SECRET not in done.out + done.err
    with no_waiting():
        assert "damaged" in verb(capsys, "runs", run.parent).out
    assert not (run / "report.html").exists() and not (run.parent / "next").exists()


@pytest.mark.parametrize("name", sorted({"explain.txt", "graph.svg", "spec.yaml", "metrics.jsonl"}))
def test_no_file_of_the_user_lands_in_a_report(run, capsys, name):
    replace(run / name, "a link")
    done = verb(capsys, "report", run)
    assert done.code == 3 and f"{name} is a link" in done.err
    assert not (run / "report.html").exists()


def test_the_run_itself_may_be_a_link(run, capsys):
    """A link that the user names is followed."""
    (run.parent / "latest").symlink_to(run)
    assert verb(capsys, "sample", run.parent / "latest").code == 0


BIG = "9" * 400
LINES = {
    "a number of 400 digits": f'{{"epoch": 5, "step": 8, "loss": {BIG}, "parts": {{"loss": 1}}}}',
    "an epoch of 31 digits": f'{{"epoch": 1{"0" * 30}, "step": 8, "loss": 1, "parts": {{}}}}',
    "a surrogate": '{"epoch": 5, "step": 8, "loss": 1, "parts": {"\\ud800": 1}}',
    "the largest numbers": '{"epoch": 5, "step": 8, "loss": -1.7e308, "parts": {"loss": 1.7e308}}',
    "one epoch again": '{"epoch": 1, "step": 8, "loss": 1, "parts": {}}',
    "a late epoch": f'{{"epoch": {2**53 - 1}, "step": 8, "loss": 1, "parts": {{}}}}',
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_after_the_last_checkpoint_may_be_anything(run, capsys, line):
    with (run / "metrics.jsonl").open("a") as file:
        file.write(line + "\n")
    assert verb(capsys, "report", run).code == 0
    assert verb(capsys, "runs", run).code == 0


RESULTS = {
    "a number of 400 digits": {"value": int(BIG)},
    "a surrogate": {"of": "log p(\ud800)"},
    "no value": {"value": "removed"},
    "an infinite share": {"pareto_k_above_0.7": float("inf")},
    "particles of 31 digits": {"particles": 10**30},
}


@pytest.mark.parametrize("change", RESULTS.values(), ids=RESULTS)
def test_a_result_may_be_anything(run, capsys, change):
    result = json.loads((run / "result.json").read_text())
    figure = result["evaluate"]["valid"]
    for key, value in change.items():
        figure[key] = value
        if value == "removed":
            del figure[key]
    (run / "result.json").write_text(json.dumps(result))
    assert verb(capsys, "report", run).code in (0, 3)
    done = verb(capsys, "runs", run)
    assert done.code == 0
    done = verb(capsys, "train", run.parent / "tiny.yaml", "--out", run, "--resume", "--quiet")
    assert done.code == 0 and verb(capsys, "report", run).code == 0


FACTS = {
    "no mean": {"data_record": {"x": {"deviation": 1.0}}},
    "a mean of words": {"data_record": {"x": {"mean": ["a"], "deviation": 1.0}}},
    "a surrogate": {"device": "\udcff"},
    "a seed of 400 digits": {"seed": int(BIG)},
    "no pieces": {"pieces": 0},
    "threads without end": {"threads": 10**6},
}


@pytest.mark.parametrize("change", FACTS.values(), ids=FACTS)
def test_a_fact_out_of_range_is_refused(run, capsys, change):
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**facts, **change}))
    reseal(run)
    done = verb(capsys, "report", run)
    assert done.code == 3 and "[E0803]" in done.err, done


RECORDS = {
    "nothing": {},
    "another field": {"y": {"mean": [0.0, 0.0], "deviation": [1.0, 1.0]}},
    "three numbers of two": {"x": {"mean": [1.0] * 3, "deviation": [1.0] * 3}},
    "lists of unequal length": {"x": {"mean": [[1.0], [2.0, 3.0]], "deviation": [1.0, 1.0]}},
    "a deviation of zero": {"x": {"mean": [0.0, 0.0], "deviation": [1.0, 0.0]}},
    "one number for two": {"x": {"mean": 0.0, "deviation": 1.0}},
}


@pytest.fixture(scope="module")
def standardized(tmp_path_factory):
    root = tmp_path_factory.mktemp("standardized")
    spec = SPEC.replace("{x: {from: x}}", "{x: {from: x, standardize: true}}")
    (root / "tiny.yaml").write_text(spec)
    specc.load(root / "tiny.yaml").train(root / "run")
    return root / "run"


@pytest.mark.parametrize("data", RECORDS.values(), ids=RECORDS)
def test_statistics_that_do_not_fit_the_data_are_refused(standardized, tmp_path, capsys, data):
    """With them the rows would not be standardized as the training rows were."""
    run = tmp_path / "run"
    shutil.copytree(standardized, run)
    assert verb(capsys, "evaluate", run).code == 0
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**facts, "data_record": data}))
    reseal(run)
    done = verb(capsys, "evaluate", run)
    assert done.code == 3 and "[E0803]" in done.err, done


def test_a_finished_run_stays_as_it_is(run, capsys):
    words = "train", run.parent / "tiny.yaml", "--out", run, "--resume", "--quiet"
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*.json")}
    done = verb(capsys, *words)
    assert done.code == 0 and "is finished, with 8 steps" in done.err
    assert "valid: log p(x) >= " in done.out and "loss: " in done.out
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*.json")} == before


def test_a_finished_run_without_its_result_is_measured_again(run, capsys):
    path = run / "result.json"
    first = json.loads(path.read_text())
    words = "train", run.parent / "tiny.yaml", "--out", run, "--resume", "--quiet"
    for damage in (path.unlink, lambda: path.write_text("{")):
        damage()
        assert verb(capsys, *words).code == 0
        again = json.loads(path.read_text())
        for result in (first, again):
            result["evaluate"]["valid"].pop("seconds", None)
        assert again == first and first["loss"] is not None and first["parts"]


def test_a_run_that_is_not_there_is_not_resumed(run, capsys, monkeypatch):
    spec = run.parent / "tiny.yaml"
    done = verb(capsys, "train", spec, "--out", run.parent / "rum", "--resume")
    assert done.code == 2 and "there is no run" in done.err and "[E0802]" in done.err
    assert f"did you mean `{run}`?" in done.err
    assert not (run.parent / "rum").exists()
    (run.parent / "runs").mkdir()
    run.rename(run.parent / "runs/tiny-1")
    monkeypatch.chdir(run.parent)
    done = verb(capsys, "train", spec, "--out", "tiny-2", "--resume")
    assert done.code == 2 and "did you mean `runs/tiny-1`?" in done.err
    done = verb(capsys, "train", spec, "--out", "tiny-1", "--resume")
    assert done.code == 0 and "the run runs/tiny-1 is finished" in done.err


def test_a_best_that_is_gone_is_missed(run, capsys):
    """The weights of the best validation that the last checkpoint records must exist."""
    found = checkpoint.latest(run)
    assert found is not None and found.early_stopping.at > 0
    shutil.rmtree(run / checkpoint.BEST)
    for words in (("evaluate", run), ("sample", run)):
        done = verb(capsys, *words)
        assert done.code == 3 and "are not there" in done.err, done
    done = verb(capsys, "train", run.parent / "tiny.yaml", "--out", run, "--resume", "--quiet")
    assert done.code == 3 and "[E0803]" in done.err


def test_a_figure_that_is_not_finite_ends_with_a_failure(run, capsys, monkeypatch):
    """It is printed, and stored as null."""
    made = final_evaluation.estimate
    monkeypatch.setattr(
        final_evaluation, "estimate", lambda *given: replaced(made(*given), value=math.nan)
    )
    done = verb(capsys, "evaluate", run, "--json")
    assert done.code == 3 and "the metric `valid` is not finite [E0822]" in done.err
    assert json.loads(done.out)["valid"]["value"] is None
    (run / "result.json").unlink()
    done = verb(capsys, "train", run.parent / "tiny.yaml", "--out", run, "--resume", "--quiet")
    assert done.code == 3 and "[E0822]" in done.err and "is not finite" in done.out
    assert json.loads((run / "result.json").read_text())["evaluate"]["valid"]["value"] is None


def test_a_run_of_skipped_steps_alone_has_failed(tmp_path, capsys):
    spec = SPEC.replace("loc: decoder(z)", "loc: decoder(z) / (0 * decoder(z))")
    (tmp_path / "tiny.yaml").write_text(spec)
    done = verb(capsys, "train", tmp_path / "tiny.yaml", "--out", tmp_path / "run", "--quiet")
    assert done.code == 3 and "[E0804]" in done.err, done
    assert "not finite in 8 steps in a row" in done.err
    assert not list((tmp_path / "run" / checkpoint.FOLDER).glob("*"))
    assert not (tmp_path / "run" / run_folder.RESULT).exists()
