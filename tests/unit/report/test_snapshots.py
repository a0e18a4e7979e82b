"""Pictures of samples during training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

import specc
from specc.engine.storage import checkpoint, file_io
from specc.report import snapshots as module
from specc.report.page import page
from specc.report.snapshots import draw_snapshot, snapshots
from specc.runtime.failure import RunFailure

ROOT = Path(__file__).parents[3]
SHORT = {"train.epochs": 3, "train.threads": 1, "evaluate.test.particles": 30}
RING = {"train.steps": 3, "train.threads": 1, "data.rows": 600, "train.batch_size": 300}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("snapshots")
    return specc.load(ROOT / "specs/vae.yaml", SHORT).train(folder / "run")


def test_powers_of_two_and_the_last_epoch_have_a_picture(run):
    found = dict(snapshots(run.folder))
    assert list(found) == [1, 2, 3]
    sizes = {imread(path).shape for path in found.values()}
    assert len(sizes) == 1
    assert len({path.read_bytes() for path in found.values()}) == 3


def test_the_last_picture_is_that_of_the_final_weights(run):
    last = dict(snapshots(run.folder))[3].read_bytes()
    draw_snapshot(run.loaded, 4)
    assert dict(snapshots(run.folder))[4].read_bytes() == last
    (run.folder / "samples/epoch-000004.png").unlink()


def test_the_page_has_them_in_order(run):
    text = page(run.loaded)
    places = [text.index(f"<figcaption>Epoch {epoch}</figcaption>") for epoch in (1, 2, 3)]
    assert places == sorted(places)
    assert "Samples during training" in text


def test_the_weights_do_not_depend_on_them(run, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "draw_snapshot", lambda loaded, epoch: None)
    other = specc.load(ROOT / "specs/vae.yaml", SHORT).train(tmp_path / "run")
    assert not list(snapshots(other.folder))
    hashes = [
        file_io.hash_of(checkpoint.latest(each.folder).folder / checkpoint.WEIGHTS)
        for each in (run, other)
    ]
    assert hashes[0] == hashes[1]


def test_averaged_weights_are_shown(tmp_path):
    run = specc.load(ROOT / "specs/vae.yaml", {**SHORT, "train.ema": 0.9}).train(tmp_path / "run")
    last = dict(snapshots(run.folder))[3].read_bytes()
    draw_snapshot(run.loaded, 4)  # a finished run has the averages as its weights
    assert dict(snapshots(run.folder))[4].read_bytes() == last


def test_points_of_the_plane_are_counted_in_cells(tmp_path, monkeypatch):
    run = specc.load(ROOT / "specs/wgan.yaml", RING).train(tmp_path / "run")
    drawn = torch.tensor([[0.9, 0.9]] * 4 + [[-0.9, 0.9]] * 2 + [[50.0, 0.0]])
    data = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    monkeypatch.setattr(module, "rows_of_part", lambda *arguments: {"x": data})
    monkeypatch.setattr(module, "sample", lambda *arguments, **options: Drawn({"x": drawn}))
    pixels = module._plane(run.loaded, "x")[..., 0]
    side = pixels.shape[0]
    dark = np.argwhere(pixels < 20)
    grey = np.argwhere((pixels > 100) & (pixels < 150))
    assert dark.mean(0)[0] < 0.2 * side, "large values of the second entry are at the top"
    assert dark.mean(0)[1] > 0.8 * side
    assert grey.mean(0)[1] < 0.2 * side
    assert len(dark) == len(grey) > 0


FEW = """\
specc: 1
name: few
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
model:
  center: {parameter: real, shape: [2]}
  x: {observed: normal, loc: center, scale: 1}
objective: mle
train: {epochs: 1, batch_size: 5, threads: 1}
"""


@pytest.mark.parametrize("rows", [9, 10])
def test_a_few_points_are_no_picture(rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("d.npz", x=np.random.default_rng(0).normal(size=(rows, 2)))
    Path("few.yaml").write_text(FEW, encoding="utf-8")
    run = specc.load("few.yaml").train("run", data_dir=".")
    assert bool(list(snapshots(run.folder))) == (run.folder / "plane.png").is_file() == (rows == 10)


def test_samples_that_are_not_finite_are_left_out(tmp_path, monkeypatch):
    run = specc.load(ROOT / "specs/wgan.yaml", RING).train(tmp_path / "run")
    drawn = torch.tensor([[torch.nan, 0.0], [torch.inf, 1.0], [0.0, -torch.inf]])
    monkeypatch.setattr(module, "sample", lambda *arguments, **options: Drawn({"x": drawn}))
    pixels = module._plane(run.loaded, "x")
    assert pixels.min() > 200


class Drawn:
    def __init__(self, values):
        self.values = values

    def in_data_units(self, loaded):
        return self


@pytest.mark.parametrize("error", [RunFailure("E0803", "no"), RuntimeError("nan")])
def test_samples_that_cannot_be_computed_have_no_picture(run, monkeypatch, error):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(module, "sample", fail)
    draw_snapshot(run.loaded, 8)
    assert list(dict(snapshots(run.folder))) == [1, 2, 3]


@pytest.mark.parametrize("is_file", [True, False])
def test_links_are_not_followed(run, tmp_path, is_file):
    secret = tmp_path / "epoch-000001.png"
    secret.write_bytes(b"secret")
    here = tmp_path / "run"
    if is_file:
        (here / "samples").mkdir(parents=True)
        (here / "samples/epoch-000001.png").symlink_to(secret)
    else:
        here.mkdir()
        (here / "samples").symlink_to(tmp_path)
    assert list(snapshots(here)) == []
