"""`specc evaluate` of runs whose program allows no metric still prints the rest."""

import json

import numpy as np
import pytest
import torch

import specc
from specc.evaluate import decomposition
from specc.evaluate.scoring import fixed_batch
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

LOGITS, BOTH = "logits: x @ w}", "logits: x @ w + down(z)}"
BESIDE = SHARED.replace(LOGITS, BOTH + "\n  z: {latent: normal, loc: 0, scale: 1, shape: [2]}")
LINKS = "links: {up: linear, down: linear}\n"
BESIDE = BESIDE.replace("objective", "  z: {latent: normal, params: up(x)}\n" + LINKS + "objective")

SUMMED = """
specc: 1
name: summed
data: {source: digits, fields: {x: {from: image, binarize: sample}, k: {from: label}}}
plates: {digits: 10}
model:
  k: {given: k, plate_index: digits}
  y: {latent: categorical, logits: 0, classes: 3, plate: digits, draw: enumerate}
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: bernoulli, logits: "down(z, y[k])"}
guide:
  z: {latent: normal, params: up(x)}
links: {up: linear, down: linear}
objective: elbo
train: {epochs: 1, threads: 1, batch_size: 2000}
"""


def trained(text, folder):
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return specc.load(path).train(folder / "run")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return trained(SHARED, tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """A run with a latent of all rows beside one of each row."""
    return trained(BESIDE, tmp_path_factory.mktemp("beside"))


@pytest.fixture(scope="module")
def summed(tmp_path_factory):
    """A run whose rows share a latent that is summed out, beside what the guide draws."""
    return trained(SUMMED, tmp_path_factory.mktemp("summed"))


def test_the_parts_of_the_loss_are_printed_and_why_there_is_no_metric(summed, capsys):
    done = specc_verb(capsys, "evaluate", summed.folder)
    first, *lines = done.out.splitlines()
    assert done.code == 0
    assert first.startswith(
        "test: not available; the estimate `iwae` cannot be made for the program `summed`: rows"
    )
    assert lines[0] == "terms of the loss on `test`:"
    parts = decomposition.loss_terms(summed.loaded)
    assert [line.split("  ")[1] for line in lines[1:] if " units " not in line] == list(parts)
    assert f"{parts['elbo'].value:.3f}" in lines[1]


def test_a_label_is_scored_by_its_mean_over_draws_of_the_guide(shared, capsys):
    """log mean_s p(y | x, w_s), against 1,000 other draws of the guide."""
    done = specc_verb(capsys, "evaluate", shared.folder, "--json")
    found = json.loads(done.out)["test"]
    loaded = shared.loaded
    rows = fixed_batch(loaded, loaded.rows("test"), slice(0, 359), 0)
    guide, noise = loaded.program.guide, torch.randn(1000, 64, 10, generator=torch.manual_seed(1))
    with torch.no_grad():
        logits = rows["x"] @ (guide.m + guide.log_s.exp() * noise)
        each = logits.log_softmax(-1)[:, torch.arange(359), rows["y"].long()]
    expected = (each.logsumexp(0) - np.log(1000)).mean().item()
    # Both means over draws have an error of some .002, and the mean of log p lies .2 below.
    assert abs(found["value"] - expected) < 0.015 < abs(found["value"] - each.mean().item())


def test_parts_are_all_in_nats_a_row(shared):
    """The divergence of all rows together is divided by their number, so the parts add up."""
    parts = {name: part.value for name, part in decomposition.loss_terms(shared.loaded).items()}
    bound, fit, kl = parts.values()
    assert list(parts)[2] == "KL(q(w) || p(w)) / data_size"
    assert abs(bound - (fit - kl)) < 1e-5


def test_each_row_of_a_sample_has_its_draw_from_the_guide(beside, capsys, tmp_path):
    specc_verb(capsys, "sample", beside.folder, "--out", tmp_path / "rows.npz")
    guide = beside.loaded.program.guide
    with np.load(tmp_path / "rows.npz") as found:
        w = found["w"]
        assert found["y"].shape == (64,) and w.shape == (64, 64, 10)
    # 40,960 standard normal numbers: their mean square is beyond 1 +- 0.04 once in 10^8 runs.
    z = (w - guide.m.detach().numpy()) / guide.log_s.detach().exp().numpy()
    assert abs((z**2).mean() - 1.0) < 0.04
    assert len(np.unique(w[:, 0, 0])) == 64


POINT = SHARED.split("guide:")[0] + "objective: map\ntrain: {epochs: 1, threads: 1}\n"


def test_samples_share_a_point(capsys, tmp_path):
    run = trained(POINT, tmp_path)
    done = specc_verb(capsys, "sample", run.folder, "--out", tmp_path / "rows.npz")
    assert "`w`: one value, shared by all rows" in done.out
    table = tmp_path / "rows.csv"
    done = specc_verb(capsys, "sample", run.folder, "--rows", "3", "--out", table)
    assert "which a CSV file leaves out" in done.out
    head = table.read_text().splitlines()[0].split(",")
    assert head == [*(f"x.{n}" for n in range(64)), "y"]
    with np.load(tmp_path / "rows.npz") as found:
        assert np.array_equal(found["w"], run.program.model.w.detach().numpy())


def test_the_error_of_the_parts_holds_the_spread_over_shared_draws(tmp_path):
    """A wide guide: values of 24 seeds scatter as the error says, which is mostly theirs."""
    run = trained(SHARED.replace("init: 0.1", "init: 1.5"), tmp_path)
    found = [decomposition.loss_terms(run.loaded, seed=seed)["elbo"] for seed in range(24)]
    spread = np.std([part.value for part in found], ddof=1)
    stated = np.sqrt(np.mean([part.standard_error**2 for part in found]))
    # Both have an error of about 15 %; a factor of 2 is beyond 4.5 standard errors.
    assert stated / 2 < spread < stated * 2


def test_a_row_with_latents_of_its_own_is_scored_over_draws_of_the_guide(beside, capsys):
    """log mean_k p(y, z_k | w_k) / q(z_k | x), against other draws of the guide."""
    done = specc_verb(capsys, "evaluate", beside.folder, "--particles", "500", "--json")
    found = json.loads(done.out)["test"]
    assert (found["estimator"], found["particles"]) == ("iwae", 500)
    rows = fixed_batch(beside.loaded, beside.loaded.rows("test"), slice(0, 359), 0)
    model, guide = beside.loaded.program.model, beside.loaded.program.guide
    e, u = (
        torch.randn(500, *shape, generator=torch.manual_seed(1)) for shape in ((64, 10), (1, 2))
    )
    with torch.no_grad():
        loc, scale = guide.z_loc_scale(rows["x"])
        z = loc + scale * u
        logits = rows["x"] @ (guide.m + guide.s * e) + model.down(z)
        log_p = logits.log_softmax(-1)[:, torch.arange(359), rows["y"].long()]
        normal = torch.distributions.Normal
        prior, own = normal(0.0, 1.0).log_prob(z).sum(-1), normal(loc, scale).log_prob(z).sum(-1)
    weights = log_p + prior - own
    expected = (weights.logsumexp(0) - np.log(500)).mean().item()
    assert abs(found["value"] - expected) < 0.03 < expected - weights.mean().item()


def test_as_json(summed, capsys):
    done = specc_verb(capsys, "evaluate", summed.folder, "--part", "train", "--json")
    found = json.loads(done.out)
    assert set(found) == {"not_measured", "parts", "active_units", "labels"}
    assert "rows share `y`, which is summed out" in found["not_measured"]["train"]
    assert (
        found["parts"]["train"]["elbo"]["value"]
        == decomposition.loss_terms(summed.loaded, "train")["elbo"].value
    )
    assert found["labels"] == {}


def test_an_estimator_that_is_requested_by_its_name_is_refused(summed, capsys):
    done = specc_verb(capsys, "evaluate", summed.folder, "--estimator", "iwae")
    assert (done.code, done.out) == (2, "")
    assert "E0813" in done.err


def test_a_latent_that_rows_share_and_the_guide_leaves_out(summed, capsys):
    done = specc_verb(capsys, "evaluate", summed.folder)
    assert done.code == 0
    assert "rows share `y`, which is summed out" in done.out
    assert "  z: 2 of 2 units active" in done.out or "  z: 1 of 2 units active" in done.out
    assert specc_verb(capsys, "report", summed.folder).code == 0


def test_a_program_with_figures_says_of_none_that_it_is_missing(tmp_path, capsys):
    text = SUMMED.replace("y: {latent: categorical, logits: 0, classes: 3", "w: {parameter: real")
    text = text.replace(", draw: enumerate", "").replace("y[k]", "w[k]")
    run = trained(text, tmp_path)
    done = specc_verb(capsys, "evaluate", run.folder, "--particles", "3", "--json")
    found = json.loads(done.out)
    assert (found["not_measured"], found["test"]["particles"]) == ({}, 3)
