"""`specc impute`, and the other verbs on a run whose data may be missing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from specc.cli.main import main

ROOT = Path(__file__).parents[3]
SHORT = ("--set", "train.epochs=2", "--set", "evaluate.test.particles=5", "--threads", "1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each spec of the gallery whose data may be missing, and one of another."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("m2", "imputation", "vae"):
        spec = str(ROOT / "specs" / f"{name}.yaml")
        assert main(["train", spec, "--out", str(folder / name), "--json", *SHORT]) == 0
    return folder


def test_labels_get_the_probability_of_each_class(runs, capsys):
    capsys.readouterr()
    assert main(["impute", str(runs / "m2"), "--part", "train", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["picture"] is None
    assert answer["fields"]["y"]["missing"] == pytest.approx(1338 / 1438)
    assert 0.05 < answer["fields"]["y"]["accuracy"] <= 1
    with np.load(answer["file"]) as found:
        assert found["y_probabilities"].shape == (1438, 10)
        assert np.allclose(found["y_probabilities"].sum(1), 1, atol=1e-5)
        assert found["y_known"].sum() == 100


def test_pictures_are_filled_and_drawn(runs, capsys):
    out = runs / "filled.npz"
    options = ["--rows", "20", "--draws", "3", "--sweeps", "4", "--out", str(out)]
    assert main(["impute", str(runs / "imputation"), *options]) == 0
    printed = capsys.readouterr().out
    assert "of what was hidden squared error" in printed
    assert out.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"
    with np.load(out) as found:
        assert found["x"].shape == (20, 64)
        assert found["x_draws"].shape == (3, 20, 64)
        known = found["x_known"]
        assert (found["x_draws"][:, known] == found["x"][known]).all()


def test_rows_of_a_file_are_filled(runs, capsys):
    x = np.random.default_rng(0).integers(0, 2, (7, 64)).astype(float)
    x[:, 32:] = np.nan
    np.savez(runs / "given.npz", x=x)
    options = ["--file", str(runs / "given.npz"), "--sweeps", "4", "--json"]
    assert main(["impute", str(runs / "imputation"), *options]) == 0
    answer = json.loads(capsys.readouterr().out)
    metrics = answer["fields"]["x"]
    assert 1 <= metrics.pop("effective") <= 16 * 4
    assert metrics == {"rows": 7, "missing": 0.5}
    with np.load(answer["file"]) as found:
        assert (found["x"][:, :32] == x[:, :32]).all()
        assert np.isfinite(found["x"]).all()


def test_what_cannot_be_filled(runs, capsys):
    assert main(["impute", str(runs / "vae")]) == 2
    assert "E0819" in capsys.readouterr().err
    assert main(["impute", str(runs / "m2"), "--out", "filled.png"]) == 2
    assert "does not end in .npz" in capsys.readouterr().err
    assert main(["impute", str(runs / "m2"), "--part", "absent"]) == 2
    assert "E0509" in capsys.readouterr().err


def test_the_other_verbs_know_missing_data(runs, capsys):
    assert main(["evaluate", str(runs / "m2"), "--rows", "20"]) == 0
    assert "y, by the guide: accuracy" in capsys.readouterr().out
    for name in ("m2", "imputation"):
        assert main(["report", str(runs / name)]) == 0
        assert main(["sample", str(runs / name), "--rows", "4"]) == 0
    shutil.rmtree(runs / "vae")
