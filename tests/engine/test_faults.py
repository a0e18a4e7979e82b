"""Failures of a run: a full disk, a folder that cannot be written, numbers that are not finite."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from specc.engine import train
from specc.engine.loop import loop
from specc.engine.storage import checkpoint, file_io, run_folder
from specc.runtime.failure import RunFailure
from tests.programs import making
from tests.truths.gallery import compiled

OPTIONS = train.Options(quiet=True, threads=1, resume=True)
TRAIN = {"epochs": 3, "ema": 0.9, "validate_every": 1, "early_stopping": {"patience": 9}}


def mount(folder, *options):
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("a file system of its own takes root")
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.decode().strip()}")


@contextmanager
def small_disk(folder, size):
    """A file system of `size` bytes, rounded up to pages."""
    mount(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def state_of(run):
    """The state of a run, equal in two runs that made the same steps."""
    found = checkpoint.latest(run)
    hashes = [file_io.hash_of(path) for path in sorted(found.folder.glob("*.safetensors"))]
    lines = [
        {k: v for k, v in m.items() if k not in ("seconds", "memory")}
        for m in run_folder.read_metrics(run)
    ]
    return found.counters.total, hashes, repr(lines)


def size_of(folder):
    return sum(-(-p.stat().st_size // 4096) * 4096 for p in folder.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    code = making.copy("vae", root, **TRAIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SAVE_EVERY", 0.0)
        train.train(code, root / "run", OPTIONS)
    return code, root / "run"


def test_a_disk_that_fills_up_at_any_point(whole, tmp_path, monkeypatch):
    """The disk has from 8 kB up to almost the size of a run; then it grows, and the run resumes."""
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    code, done = whole
    need = size_of(done)
    stopped = set()
    for number in range(1, 13):
        size = 8192 + (need * number // 12) // 4096 * 4096
        disk = tmp_path / f"disk{number}"
        with small_disk(disk, size):
            try:
                train.train(code, disk / "run", OPTIONS)
            except RunFailure as failure:
                assert failure.code == "E0811" and failure.exit_code == 3
                assert os.strerror(errno.ENOSPC) in failure.message
                stopped.add(failure.message.split(" cannot")[0].removeprefix(str(disk)))
                assert not any(disk.rglob(".*.partial/state.json"))
            subprocess.run(["mount", "-o", f"remount,size={4 * need}", str(disk)], check=True)
            train.train(code, disk / "run", OPTIONS)
            assert state_of(disk / "run") == state_of(done)
            assert not list(disk.rglob(".*.partial"))
    assert len(stopped) >= 4, stopped


def test_every_write_of_a_run_may_fail(whole, tmp_path, monkeypatch):
    """The n-th call that syncs, renames or opens for writing fails, for each n in turn."""
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    code, done = whole
    failing = Failing(monkeypatch)
    train.train(code, tmp_path / "count", OPTIONS)
    calls, failed = failing.calls, 0
    assert calls > 40
    for number in range(0, calls, 7):
        run = tmp_path / f"run{number}"
        failing.arm(number)
        try:
            train.train(code, run, OPTIONS)
        except RunFailure as failure:
            failed += 1
            assert failure.code == "E0811", failure
            assert os.strerror(errno.ENOSPC) in failure.message
        failing.arm(None)
        train.train(code, run, OPTIONS)
        assert state_of(run) == state_of(done), number
        shutil.rmtree(run)
    assert failed >= calls // 10


class Failing:
    """Makes one of the writing calls fail, as on a full disk."""

    def __init__(self, patch):
        self.calls, self.at = 0, None
        for owner, name in ((os, "fsync"), (os, "open"), (os, "rename"), (os, "mkdir")):
            patch.setattr(owner, name, self._wrapped(getattr(owner, name)))

    def arm(self, number):
        self.calls, self.at = 0, number

    def _wrapped(self, call):
        def failing(*arguments, **options):
            if call.__name__ == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR):
                return call(*arguments, **options)
            self.calls += 1
            if self.calls - 1 == self.at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **options)

        return failing


def test_a_read_only_folder(whole, tmp_path):
    code, done = whole
    disk = tmp_path / "disk"
    with small_disk(disk, 4 * size_of(done)):
        shutil.copytree(done, disk / "run")
        before = sorted((p.relative_to(disk), p.stat().st_mtime_ns) for p in disk.rglob("*"))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for run in (disk / "run", disk / "new"):
            with pytest.raises(RunFailure) as failure:
                train.train(code, run, OPTIONS)
            assert failure.value.code == "E0811"
            assert os.strerror(errno.EROFS) in failure.value.message
        after = sorted((p.relative_to(disk), p.stat().st_mtime_ns) for p in disk.rglob("*"))
        assert after == before


NODES = {
    ("model.py", "return self.z1_loc_head(h), "): ("model.z1", "specs/hierarchical_vae.yaml:11:3"),
    ("model.py", "return self.down1(z1)"): ("model.x", "specs/hierarchical_vae.yaml:12:3"),
    ("guide.py", "return self.z1_loc_head(h), "): ("guide.z1", "specs/hierarchical_vae.yaml:15:3"),
    ("guide.py", "return self.z2_loc_head(h), "): ("guide.z2", "specs/hierarchical_vae.yaml:16:3"),
}


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize(("file", "line"), NODES)
def test_a_number_gone_wrong_at_each_node(tmp_path, file, line, value):
    """With a NaN or an infinity in the first parameter of a node, the message names the node."""
    code = compiled("hierarchical_vae", tmp_path)
    first = line.rstrip(" ,")
    making.edit(code, file, line, line.replace(first, f"{first} * float('{value}')"))
    with pytest.raises(RunFailure) as failure:
        train.train(code, tmp_path / "run", train.Options(quiet=True, threads=1))
    node, place = NODES[file, line]
    assert failure.value.code == "E0804" and failure.value.exit_code == 3
    assert f"node `{node}`" in failure.value.hint
    assert failure.value.place == place
    assert checkpoint.latest(tmp_path / "run") is None
