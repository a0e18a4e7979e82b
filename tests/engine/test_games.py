"""A few steps of each spec of digits without a likelihood: every command works on their runs."""

import json
from pathlib import Path

import numpy as np
import pytest

from specc.cli.main import main

SPECS = Path(__file__).parents[2] / "specs"
NAMES = ["acgan", "ali", "cgmmn", "conditional_gan", "dcgan", "infogan", "stackgan", "vae_gan"]
SMALL = ["--set=train.epochs=null", "--set=train.steps=3", "--threads=1", "--quiet"]


@pytest.fixture(scope="module", params=NAMES)
def trained(request, tmp_path_factory):
    """A run of three steps."""
    out = tmp_path_factory.mktemp("runs") / request.param
    spec = str(SPECS / f"{request.param}.yaml")
    assert main(["train", spec, "--out", str(out), *SMALL]) == 0
    return out


def test_its_samples_are_compared_with_the_data(trained):
    found = json.loads((trained / "result.json").read_text())["evaluate"]["sliced"]
    assert (found["of"], found["rows"]) == ("x", 359)
    assert 0 < found["value"] < 1
    assert (trained / "samples.png").is_file()


@pytest.mark.parametrize("trained", ["infogan"], indirect=True)
def test_its_samples_are_pictures(trained, tmp_path):
    out = tmp_path / "drawn.npz"
    assert main(["sample", str(trained), "--rows", "7", "--out", str(out)]) == 0
    drawn = np.load(out)
    assert drawn["x"].reshape(7, -1).shape == (7, 64)
    assert drawn["x"].min() >= 0
    assert drawn["x"].max() <= 1


@pytest.mark.parametrize("trained", ["conditional_gan"], indirect=True)
def test_a_classifier_judges_samples_of_given_classes(trained, tmp_path, capsys):
    """A generator after three steps does not yet draw the class that it is given."""
    out = tmp_path / "digit_classifier"
    spec = str(SPECS / "digit_classifier.yaml")
    assert main(["train", spec, "--out", str(out), "--set=train.epochs=3", *SMALL[2:]]) == 0
    capsys.readouterr()
    metric = f"{{metric: label_accuracy, run: {out}, label: y}}"
    assert main(["evaluate", str(trained), "--metric", metric, "--json"]) == 0
    assert 0 <= json.loads(capsys.readouterr().out)["metric"]["value"] < 0.6
