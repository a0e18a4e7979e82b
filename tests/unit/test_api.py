"""The Python interface: what it refuses, and that it says what the command line says."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import specc
from specc.runtime.failure import RunFailure

ROOT = Path(__file__).parents[2]
SHORT = {"train.epochs": 1, "train.threads": 1, "evaluate.test.particles": 5}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return specc.load(ROOT / "specs/linear_vae.yaml", SHORT).train(folder / "run")


def test_a_wrong_spec_says_everything_at_once(tmp_path):
    text = (ROOT / "specs/vae.yaml").read_text()
    path = tmp_path / "vae.yaml"
    path.write_text(text.replace("decoder(z)", "decodr(z)").replace("elbo", "elbow"))
    with pytest.raises(specc.SpecError) as error:
        specc.load(path)
    assert {d.code for d in error.value.diagnostics} == {"E0231", "E0401"}
    assert "did you mean `decoder`?" in str(error.value)


def test_a_file_that_is_not_there():
    with pytest.raises(specc.SpecError, match=r"nowhere\.yaml"):
        specc.load("nowhere.yaml")


def test_a_wrong_setting_points_at_itself():
    with pytest.raises(specc.SpecError, match=r"train\.epoch"):
        specc.load(ROOT / "specs/vae.yaml", {"train.epoch": 3})


def test_the_code_is_that_of_the_gallery(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = specc.load("specs/vae.yaml").compile(tmp_path / "vae")
    for path in (ROOT / "generated/vae").glob("*.py"):
        assert (folder / path.name).read_text() == path.read_text()


def test_the_figures_are_those_in_the_folder(run):
    assert run.result["evaluate"]["test"]["particles"] == 5
    assert run.metrics[0]["epoch"] == 1
    assert all(picture.is_file() for picture in run.pictures)


def test_a_bound_is_below_the_exact_value_and_rises(run):
    """The linear model's exact log p(x) = log N(x; b, W W' + s^2 I), from its own parameters."""
    torch.manual_seed(0)
    x = run.sample(40, seed=3)["x"]
    weights = dict(run.program.model.named_parameters())
    (w,) = (v for v in weights.values() if v.dim() == 2)
    (b,) = (v for v in weights.values() if v.dim() == 1)
    (scale,) = (v for v in weights.values() if v.dim() == 0)
    covariance = w @ w.T + scale.exp() ** 2 * torch.eye(len(b))
    exact = torch.distributions.MultivariateNormal(b, covariance).log_prob(x).mean()
    few, many = (run.log_prob(x, particles=k).mean() for k in (2, 500))
    assert few < many < exact + 0.5
    assert run.log_prob(x.numpy(), particles=2).shape == (40,)
    assert torch.equal(run.log_prob({"x": x}, particles=2), run.log_prob(x, particles=2))


def test_rows_of_another_shape_are_refused(run):
    with pytest.raises(RunFailure, match="rows of shape"):
        run.encode(torch.zeros(3, 7))
    with pytest.raises(RunFailure, match="`x` is not given"):
        run.log_prob({"y": torch.zeros(3)})


def test_class_numbers_are_of_any_kind_where_the_model_takes_real_ones(tmp_path):
    few = {"data.rows": 50, "train.steps": 1, "train.threads": 1}
    flow = specc.load(ROOT / "specs/conditional_flow.yaml", few).train(tmp_path / "run")
    x, y = np.zeros((4, 2), dtype=np.float32), np.array([0, 1, 1, 0])
    whole = flow.log_prob({"x": x, "y": y})
    assert torch.equal(whole, flow.log_prob({"x": x, "y": y.astype(np.float64)}))
    assert whole[0] != whole[1]


def test_a_run_is_opened_again(run):
    x = np.zeros((2, 64), dtype=np.float32)
    again = specc.open_run(run.folder)
    assert torch.equal(again.encode(x)["z"], run.encode(x)["z"])
    with pytest.raises(RunFailure):
        specc.open_run(run.folder / "nowhere")


def test_a_figure_of_rows_that_are_not_there_is_refused_at_once():
    wrong = {**SHORT, "evaluate.test.data": "held_out"}
    with pytest.raises(specc.SpecError, match="the split `held_out` cannot be made") as error:
        specc.load(ROOT / "specs/linear_vae.yaml", wrong)
    assert [d.code for d in error.value.diagnostics] == ["E0509"]


def test_importing_it_costs_no_torch():
    code = "import specc, sys; assert 'torch' not in sys.modules and 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
