"""A few steps of the GAN of point clouds: the commands work on rows that are sets of points."""

import json
from pathlib import Path

import numpy as np
import pytest

from specc.cli.main import main

SPEC = str(Path(__file__).parents[2] / "specs" / "point_gan.yaml")
SMALL = ["--set=data.rows=300", "--set=train.batch_size=40", "--set=train.steps=3"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "point_gan"
    assert main(["train", SPEC, "--out", str(out), *SMALL, "--threads=1", "--quiet"]) == 0
    return out


def test_its_samples_are_compared_with_the_data(trained):
    found = json.loads((trained / "result.json").read_text())["evaluate"]["sliced"]
    assert (found["of"], found["rows"]) == ("x", 60)
    assert 0 < found["value"] < 3


def test_its_samples_are_clouds(trained, tmp_path):
    out = tmp_path / "drawn.npz"
    assert main(["sample", str(trained), "--rows", "7", "--out", str(out)]) == 0
    drawn = np.load(out)
    assert drawn["x"].shape == (7, 24, 2)
    assert np.isfinite(drawn["x"]).all()


def test_the_data_are_shown(capsys):
    assert main(["data", SPEC]) == 0
    assert "[24, 2]" in capsys.readouterr().out
