"""A few steps of each adversarial spec of the gallery: every command works on their runs."""

import json
from pathlib import Path

import numpy as np
import pytest

from specc.cli.main import main
from tests.engine.interruption import interrupted
from tests.engine.test_train import state_hash, weights_hash

SPECS = Path(__file__).parents[2] / "specs"
NAMES = ["clc_gan", "gan", "gmmn", "hinge_gan", "lsgan", "sngan", "wgan", "wgan_gp"]
SMALL = ["--set=data.rows=600", "--set=train.batch_size=50", "--set=train.steps=20"]
QUIET = ["--threads=1", "--quiet"]


def train(name, out, *more):
    return main(["train", str(SPECS / f"{name}.yaml"), "--out", str(out), *SMALL, *QUIET, *more])


def figures(run):
    """The metrics of a run by name."""
    found = json.loads((run / "result.json").read_text())["evaluate"]
    return {name: figure["values"] for name, figure in found.items()}


@pytest.fixture(scope="module", params=NAMES)
def trained(request, tmp_path_factory):
    """A run of two epochs with twenty steps."""
    out = tmp_path_factory.mktemp("runs") / request.param
    assert train(request.param, out) == 0
    return out


def test_its_figures_are_stored(trained):
    assert set(figures(trained)) == {"modes", "sliced"}
    assert (trained / "plane.png").is_file()


def test_its_samples_are_points(trained, tmp_path):
    out = tmp_path / "drawn.npz"
    assert main(["sample", str(trained), "--rows", "7", "--out", str(out)]) == 0
    drawn = np.load(out)
    assert drawn["x"].shape == (7, 2)
    assert np.isfinite(drawn["x"]).all()


def test_further_figures_and_the_report(trained, capsys):
    assert main(["evaluate", str(trained), "--metric", "mmd"]) == 0
    printed = capsys.readouterr().out
    assert "mmd2" in printed
    has_parts = trained.name != "gmmn"  # whose loss is a single value
    assert ("terms of the loss on `test`:\n  critic " in printed) == has_parts
    assert main(["report", str(trained)]) == 0
    assert (trained / "report.html").is_file()


@pytest.mark.parametrize(("command", "shown"), [("explain", "generator"), ("graph", "x <- z")])
def test_it_is_explained_and_drawn(trained, command, shown, capsys):
    assert main([command, str(SPECS / f"{trained.name}.yaml")]) == 0
    assert shown in capsys.readouterr().out


def test_the_points_between_are_drawn_with_both_that_they_use(capsys):
    assert main(["graph", str(SPECS / "wgan_gp.yaml")]) == 0
    assert capsys.readouterr().out == (
        "model\n  ( ) z\n  [ ] x <- z\nbetween\n  ( ) t\n  [ ] v <- data.x, model.x, t\n"
    )


def test_one_game_differs_from_another(capsys):
    assert main(["diff", str(SPECS / "gan.yaml"), str(SPECS / "wgan_gp.yaml")]) == 0
    printed = capsys.readouterr().out
    assert "generator minimizes: softplus(-critic(model.x)) -> -critic(model.x)" in printed
    assert "the mathematics differs" in printed


def test_it_differs_from_its_spec_by_the_small_settings_alone(trained, capsys):
    """The spec in the run folder is unchanged; the settings are stored beside it."""
    assert main(["diff", str(trained / "spec.yaml"), str(SPECS / f"{trained.name}.yaml")]) == 0
    assert "identical" in capsys.readouterr().out


def test_interrupted_and_resumed_is_uninterrupted(trained, tmp_path):
    out = tmp_path / "run"
    with interrupted(epoch=0, number=6):
        assert train(trained.name, out) != 0
    assert weights_hash(out) != weights_hash(trained)
    assert train(trained.name, out, "--resume") == 0
    for hash_of in (weights_hash, state_hash):
        assert hash_of(out) == hash_of(trained)
    assert figures(out) == figures(trained)
