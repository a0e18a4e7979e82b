"""`specc evaluate` of runs whose program allows no metric still prints the rest."""

import json

import numpy as np
import pytest

import specc
from specc.evaluate import decomposition
from tests.unit.cli.running import run as specc_verb

SHARED = """
specc: 1
name: shared
data: {source: digits, fields: {x: {from: image}, y: {from: label}}}
model:
  x: {given: x}
  w: {latent: normal, loc: 0, scale: 1, shape: [64, 10], global: true}
  y: {observed: categorical, logits: x @ w}
guide:
  m: {parameter: real, shape: [64, 10]}
  s: {parameter: positive, shape: [64, 10], init: 0.1}
  w: {latent: normal, loc: m, scale: s}
objective: elbo
train: {epochs: 1, threads: 1}
"""

SUMMED = """
specc: 1
name: summed
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  y: {latent: categorical, logits: 0, classes: 3, draw: enumerate}
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: bernoulli, logits: "down(z, y)"}
guide:
  z: {latent: normal, params: up(x)}
links: {up: linear, down: linear}
objective: elbo
train: {epochs: 1, threads: 1}
"""


def trained(text, folder):
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return specc.load(path).train(folder / "run")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return trained(SHARED, tmp_path_factory.mktemp("shared"))


def test_the_parts_of_the_loss_are_printed_and_why_there_is_no_metric(shared, capsys):
    done = specc_verb(capsys, "evaluate", shared.folder)
    first, *lines = done.out.splitlines()
    assert done.code == 0
    assert first.startswith(
        "test: not available; the estimate `iwae` cannot be made for the program `shared`: `w`"
    )
    assert lines[0] == "terms of the loss on `test`:"
    parts = decomposition.loss_terms(shared.loaded)
    assert [line.split("  ")[1] for line in lines[1:]] == list(parts)
    assert f"{parts['elbo'].value:.3f} +- {parts['elbo'].standard_error:.3f}" in lines[1]


def test_parts_are_all_in_nats_a_row(shared):
    """The divergence of all rows together is divided by their number, so the parts add up."""
    parts = {name: part.value for name, part in decomposition.loss_terms(shared.loaded).items()}
    bound, fit, kl = parts.values()
    assert list(parts)[2] == "KL(q(w) || p(w)) / data_size"
    assert abs(bound - (fit - kl)) < 1e-5


def test_samples_share_one_draw_from_the_guide(shared, capsys, tmp_path):
    done = specc_verb(capsys, "sample", shared.folder, "--out", tmp_path / "rows.npz")
    assert "`w`: one draw from the guide, shared by all rows" in done.out
    guide = shared.loaded.program.guide
    with np.load(tmp_path / "rows.npz") as found:
        w = found["w"]
        assert found["y"].shape == (64,) and w.shape == (64, 10)
    # 640 standard normal numbers: their mean square is beyond 1 +- 0.3 once in 10^7 runs.
    z = (w - guide.m.detach().numpy()) / guide.log_s.detach().exp().numpy()
    assert abs((z**2).mean() - 1.0) < 0.3


def test_the_error_of_the_parts_holds_the_spread_over_shared_draws(tmp_path):
    """A wide guide: values of 24 seeds scatter as the error says, which is mostly theirs."""
    run = trained(SHARED.replace("init: 0.1", "init: 1.5"), tmp_path)
    found = [decomposition.loss_terms(run.loaded, seed=seed)["elbo"] for seed in range(24)]
    spread = np.std([part.value for part in found], ddof=1)
    stated = np.sqrt(np.mean([part.standard_error**2 for part in found]))
    # Both have an error of about 15 %; a factor of 2 is beyond 4.5 standard errors.
    assert stated / 2 < spread < stated * 2


def test_as_json(shared, capsys):
    done = specc_verb(capsys, "evaluate", shared.folder, "--part", "train", "--json")
    found = json.loads(done.out)
    assert set(found) == {"not_measured", "parts", "active_units", "labels"}
    assert "`w` is shared by all rows" in found["not_measured"]["train"]
    assert (
        found["parts"]["train"]["elbo"]["value"]
        == decomposition.loss_terms(shared.loaded, "train")["elbo"].value
    )
    assert found["labels"] == {}


def test_an_estimator_that_is_requested_by_its_name_is_refused(shared, capsys):
    done = specc_verb(capsys, "evaluate", shared.folder, "--estimator", "iwae")
    assert (done.code, done.out) == (2, "")
    assert "E0813" in done.err


def test_a_latent_that_the_guide_leaves_out(tmp_path, capsys):
    run = trained(SUMMED, tmp_path)
    done = specc_verb(capsys, "evaluate", run.folder)
    assert done.code == 0
    assert "the guide draws other latents, but not `y`" in done.out
    assert "  z: 2 of 2 units active" in done.out or "  z: 1 of 2 units active" in done.out
    assert specc_verb(capsys, "report", run.folder).code == 0


def test_a_program_with_figures_says_of_none_that_it_is_missing(tmp_path, capsys):
    text = SUMMED.replace("y: {latent: categorical, logits: 0, classes: 3, draw: enumerate}", "")
    run = trained(text.replace("(z, y)", "(z)"), tmp_path)
    done = specc_verb(capsys, "evaluate", run.folder, "--particles", "3", "--json")
    found = json.loads(done.out)
    assert (found["not_measured"], found["test"]["particles"]) == ({}, 3)
