from __future__ import annotations

import json

import matplotlib.image
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from specc.engine.train import Options, train
from specc.evaluate.sampling import reconstruct, sample
from specc.report.final_evaluation import draw_pictures, evaluate_at_end, picture_field, requests
from specc.report.pictures import HOLE, grid, loss_curve, write_png
from specc.report.plane import around
from specc.runtime.failure import RunFailure
from tests.programs import making
from tests.truths import gallery

QUIET = Options(quiet=True, threads=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    return train(making.copy("vae", root), root / "run", QUIET)


def test_a_run_ends_with_figures_and_pictures(trained):
    found = evaluate_at_end(trained)
    run = trained.loaded.folder
    result = json.loads((run / "result.json").read_text())
    assert result == json.loads(json.dumps(found.result))
    test = result["evaluate"]["test"]
    assert test["estimator"] == "iwae"
    assert test["of"] == "log p(x)"
    assert test["rows"] == 359
    assert -40 < test["value"] < -20
    assert 0 < test["standard_error"] < 1
    assert 1 <= test["effective_sample_size"] <= 20
    assert [path.name for path in found.pictures] == [
        "loss.png",
        "samples.png",
        "reconstructions.png",
    ]
    for path in found.pictures:
        assert matplotlib.image.imread(path).std() > 0.05


def test_samples_are_drawn_from_counters(trained):
    first, again = sample(trained.loaded, 5), sample(trained.loaded, 5)
    assert first.values["x"].shape == (5, 64)
    assert set(first.values["x"].unique().tolist()) == {0.0, 1.0}
    assert torch.equal(first.values["x"], again.values["x"])
    assert not torch.equal(first.values["x"], sample(trained.loaded, 5, seed=1).values["x"])
    shown = first.shown()["x"]
    assert 0 < shown.min() < shown.max() < 1


def test_reconstructions_are_nearer_to_their_rows_than_to_others(trained):
    found = reconstruct(trained.loaded, 100)
    data, means = found.values["x"], found.means["x"]
    assert (data - means).square().mean() < (data - means.roll(1, 0)).square().mean()


def test_more_rows_than_there_are_begin_again(trained):
    found = reconstruct(trained.loaded, 400)
    assert torch.equal(found.values["x"][0], found.values["x"][359])


def test_a_conditional_program_is_sampled_under_rows_of_data(tmp_path):
    code = making.copy("vae", tmp_path, lambda m: m["capabilities"].update({"model.sample": ["x"]}))
    old = "def sample(self, noise: Noise, rows: int)"
    making.edit(code, "model.py", old, "def sample(self, noise: Noise, rows: int, *, x: Tensor)")
    opened = train(code, tmp_path / "run", QUIET).loaded
    assert sample(opened, 7).values["x"].shape == (7, 64)


def test_a_program_without_pictures_has_none(tmp_path):
    code = making.copy("linear", tmp_path)
    data = making.linear_data(tmp_path / "data")
    done = train(code, tmp_path / "run", Options(data_dir=data, quiet=True, threads=1))
    found = evaluate_at_end(done)
    assert [path.name for path in found.pictures] == ["loss.png"]
    assert found.figures["test"].rows == 100


def test_a_guide_that_leaves_a_latent_out_reconstructs_nothing(tmp_path):
    code = making.copy(
        "vae", tmp_path, lambda m: m["capabilities"].update({"model.conditional_mean": ["z", "y"]})
    )
    opened = train(code, tmp_path / "run", QUIET).loaded
    assert [path.name for path in draw_pictures(opened)] == ["loss.png", "samples.png"]


def test_what_cannot_be_sampled_is_named(tmp_path):
    code = making.copy("vae", tmp_path, lambda m: m["capabilities"].pop("model.sample"))
    opened = train(code, tmp_path / "run", QUIET).loaded
    with pytest.raises(RunFailure, match=r"`model.sample`, which sampling needs"):
        sample(opened, 3)


def test_requests_take_their_defaults():
    (found,) = requests({"test": {}}).values()
    assert (found.estimator, found.particles, found.part) == ("iwae", 1000, "test")
    assert (found.rows, found.seed) == (None, 0)


@pytest.mark.parametrize("picture", [(4, 6), (4, 6, 3), (3, 4, 6)])
def test_a_grid_shows_every_row_where_it_belongs(picture):
    rows = torch.linspace(0, 1, 5)[:, None].expand(5, int(np.prod(picture)))
    pixels = grid(rows, picture, columns=3)
    height, width, _ = pixels.shape
    zoom = width // (3 * 7 + 1)
    assert (height, width) == ((2 * 5 + 1) * zoom, (3 * 7 + 1) * zoom)
    for number in range(5):
        down, across = divmod(number, 3)
        patch = pixels[
            (1 + down * 5) * zoom : (5 + down * 5) * zoom,
            (1 + across * 7) * zoom : (7 + across * 7) * zoom,
        ]
        assert np.unique(patch).tolist() == [round(255 * number / 4)]


def test_what_is_beyond_the_tones_is_black_or_white():
    rows = torch.tensor([[-3.0, 0.0], [8.0, 16.0], [17.0, torch.nan]])
    values = [[0, 0], [128, 255], [255, 0]]
    for row, expected in zip(rows, values, strict=True):
        pixels = grid(row[None], (1, 2), tones=(0.0, 16.0))
        zoom = pixels.shape[1] // 4
        assert pixels[zoom, zoom : 3 * zoom, 0].reshape(2, zoom)[:, 0].tolist() == expected


def test_the_tones_are_the_range_of_the_data(trained, tmp_path):
    """Whatever the model draws: black stays the ground of grey levels from 0 to 16."""
    assert picture_field(trained.loaded).tones == (0.0, 1.0)
    levels = gallery.trained("nice", tmp_path, ("train.epochs=1",)).loaded
    assert picture_field(levels).tones == (0.0, 16.0)


def test_entries_that_are_missing_are_grey(tmp_path):
    run = gallery.trained("imputation", tmp_path, ("train.epochs=1",)).loaded
    draw_pictures(run)
    picture = matplotlib.image.imread(run.folder / "reconstructions.png")
    zoom = picture.shape[1] // (16 * 9 + 1)
    first = np.round(255 * picture[zoom : 9 * zoom : zoom, zoom : 16 * 9 * zoom : zoom, 0])
    found, counts = np.unique(first[:, np.arange(16 * 9 - 1) % 9 < 8], return_counts=True)
    assert found.tolist() == [0, round(255 * HOLE), 255]
    assert 0.35 < counts[1] / counts.sum() < 0.65  # half of 1,024: 9 standard errors


def test_the_window_of_points_is_a_square_about_them():
    points = np.array([[0.0, 5.0], [4.0, 5.5], [1.0, 6.0]])
    low, high = around(points)
    np.testing.assert_allclose(high - low, 1.3 * 4)
    np.testing.assert_allclose((low + high) / 2, [2.0, 5.5])


def test_a_picture_that_is_written_is_read_again(tmp_path):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    write_png(tmp_path / "a.png", pixels)
    read = matplotlib.image.imread(tmp_path / "a.png")[..., :3]
    np.testing.assert_array_equal(np.round(read * 255), pixels)


@pytest.mark.parametrize("losses", [[3.0, 2.0, 1.0], [1.0], [None, 2.0], [2.0, 2.0]])
def test_a_curve_is_drawn_from_whatever_was_measured(tmp_path, monkeypatch, losses):
    metrics = [{"epoch": i + 1, "loss": value, "parts": {}} for i, value in enumerate(losses)]
    metrics[-1]["valid"] = {"loss": 1.5}
    ticks = []
    save = Figure.savefig

    def record(figure, *words, **more):
        ticks.extend(figure.axes[0].get_xticks())
        save(figure, *words, **more)

    monkeypatch.setattr(Figure, "savefig", record)
    loss_curve(tmp_path / "a.png", metrics, "a")
    assert ticks and all(tick == int(tick) for tick in ticks)
    assert matplotlib.image.imread(tmp_path / "a.png").shape[0] > 300
