"""The targets of `--out`: atomic files, devices, formats by ending."""

from __future__ import annotations

import io
import os
import resource
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import specc
from specc.cli.failure import Failure
from specc.cli.writing import write_bytes, write_new_file
from tests.unit.cli.running import run as verb

SPEC = """
specc: 1
name: plane
data: {source: toy, density: pinwheel, rows: 40, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [1]}
  x: {observed: normal, loc: decoder(z), scale: 1, missing: marginalize}
guide:
  z: {latent: normal, params: encoder(x)}
links: {decoder: linear, encoder: linear}
objective: elbo
train: {epochs: 1, batch_size: 32, threads: 1}
evaluate: {test: {particles: 2, rows: 4}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("outputs")
    (root / "plane.yaml").write_text(SPEC.replace(", missing: marginalize", ""))
    specc.load(root / "plane.yaml").train(root / "run")
    return root


@contextmanager
def full_disk(size=5000):
    """Files stop growing at `size` bytes, as those of a disk that fills up."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def writers(project, folder):
    """Every verb that writes one file, with the file."""
    run, spec = project / "run", project / "plane.yaml"
    yield folder / "s.csv", ("sample", run, "--rows", 999)
    yield folder / "s.npz", ("sample", run, "--rows", 999)
    yield folder / "r.html", ("report", run)
    yield folder / "d.png", ("data", spec)
    yield folder / "g.svg", ("graph", spec)
    yield folder / "g.png", ("graph", spec)


def test_a_full_disk_leaves_nothing_or_the_old_file(project, tmp_path, capsys):
    for path, words in writers(project, tmp_path):
        with full_disk():
            done = verb(capsys, *words, "--out", path)
        assert done.code == 3 and "cannot be written: file too large" in done.err, (path, done)
        assert list(tmp_path.iterdir()) == [], path
        path.write_text("old")
        with full_disk():
            assert verb(capsys, *words, "--out", path).code == 3
        assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
        path.unlink()


def test_a_full_disk_leaves_no_new_spec(tmp_path, capsys):
    with full_disk(16):
        done = verb(capsys, "new", "vae", tmp_path / "a.yaml")
    assert done.code == 3 and "cannot be written" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_device_stays_one(project, capsys):
    """As root a rename would put a file in the place of /dev/null."""
    for path, words in writers(project, project):
        done = verb(capsys, *words, "--out", "/dev/null")
        if path.suffix == ".png" and "data" in words:
            assert done.code == 2  # the ending alone names its format
        else:
            assert done.code == 0, done.err
        assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert verb(capsys, "new", "vae", "/dev/null").code == 0
    assert verb(capsys, "sample", project / "run", "--out", "/dev/full").code == 3
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_fifo_is_written_to(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    found = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    write_bytes(path, b"text" * 9999)
    reader.join()
    assert found == [b"text" * 9999]
    assert stat.S_ISFIFO(path.stat().st_mode) and list(tmp_path.iterdir()) == [path]


def test_a_link_to_a_device_is_followed(tmp_path):
    (tmp_path / "link").symlink_to("/dev/null")
    write_bytes(tmp_path / "link", b"text")
    assert str((tmp_path / "link").readlink()) == "/dev/null"
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(Failure, match="cannot be written: is a directory"):
        write_bytes(tmp_path, b"text")
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_never_replaces_one_that_appears_meanwhile(tmp_path, monkeypatch):
    """What is there when the text is on the disk stays."""
    sync = os.fsync

    def appear(handle):
        (tmp_path / "a").write_text("theirs")
        sync(handle)

    monkeypatch.setattr("os.fsync", appear)
    with pytest.raises(FileExistsError):
        write_new_file(tmp_path / "a", "mine")
    assert (tmp_path / "a").read_text() == "theirs" and len(list(tmp_path.iterdir())) == 1


def test_samples_as_text(project, tmp_path, capsys):
    """The same numbers as the arrays, bit for bit, under names with their indices."""
    run = project / "run"
    assert verb(capsys, "sample", run, "--rows", 5, "--out", tmp_path / "s.csv").code == 0
    assert verb(capsys, "sample", run, "--rows", 5, "--out", tmp_path / "s.npz").code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.csv", "s.npz"]
    text = (tmp_path / "s.csv").read_text()
    head, *lines = text.splitlines()
    arrays = np.load(tmp_path / "s.npz")
    names = [f"{n}.{i}" for n, v in arrays.items() for i in range(v.shape[1])]
    assert head.split(",") == names and "x.1" in names
    read = np.array([line.split(",") for line in lines]).astype(np.float32)
    np.testing.assert_array_equal(read, np.concatenate(list(arrays.values()), axis=1))
    assert verb(capsys, "sample", run, "--rows", 5, "--out", "-").out == text


@pytest.mark.parametrize("name", ["s.txt", "s", "s.npz.bak", ".csv"])
def test_an_unknown_ending_is_refused(project, tmp_path, capsys, name):
    done = verb(capsys, "sample", project / "run", "--out", tmp_path / name)
    assert done.code == 2 and ".png, .csv, .npz" in done.err
    assert list(tmp_path.iterdir()) == []


def test_stdout_gets_text_alone(project, capsys, monkeypatch):
    monkeypatch.chdir(project)
    run, spec = project / "run", project / "plane.yaml"
    done = verb(capsys, "report", run, "--out", "-")
    assert done.code == 0 and done.out.startswith("<!doctype html>")
    drawn = verb(capsys, "graph", spec, "--format", "dot", "--out", "-")
    assert drawn.out.startswith("digraph")
    for words in (("graph", spec, "--format", "png"), ("data", spec), ("impute", run)):
        done = verb(capsys, *words, "--out", "-")
        assert done.code == 2 and done.err, words
    assert not list(project.glob("-*"))


def test_stdout_that_is_a_pipe_has_a_name(project):
    words = ["sample", str(project / "run"), "--rows", "3", "--out", "/dev/stdout"]
    done = subprocess.run([sys.executable, "-m", "specc", *words], capture_output=True, check=True)
    assert np.load(io.BytesIO(done.stdout))["x"].shape == (3, 2)
    assert done.stderr == b"3 rows: /dev/stdout\n"


def test_whatever_is_in_a_generated_folder_is_no_way_out(project, tmp_path, capsys):
    folder = tmp_path / "plane"
    folder.mkdir()
    os.mkfifo(folder / "model.py")
    for words in (("compile",), ("compile", "--check")):
        done = verb(capsys, *words, project / "plane.yaml", "--out", tmp_path)
        assert done.code in (1, 3) and "model.py" in done.out + done.err
    assert stat.S_ISFIFO((folder / "model.py").stat().st_mode)
