"""Trained models in which a row reads a sequence or a set of points."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import LogisticRegression

from specc.data.sources.curves import NOISE, covariance
from specc.diagnostics.source import Source
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.truths.gallery import compiled, source, trained
from tests.truths.measuring import Z, bound, error, log_prob, rows, scored


def test_deep_sets_classify_a_cloud_whatever_the_order_of_its_points(tmp_path):
    """log p(y given x) is above that of equal classes by 0.15; the order changes nothing."""
    run = trained("deep_sets", tmp_path, ("train.epochs=1", "train.optimizer.adam.lr=0.003"))
    assert bound(run, 1, estimator="exact").value > 0.15 - math.log(3)
    x, y = rows(run, "test", "x")[:50], rows(run, "test", "y")[:50]
    found = log_prob(run, x=x, y=y)
    turned = log_prob(run, x=x[:, np.random.default_rng(0).permutation(24)], y=y)
    np.testing.assert_allclose(turned, found, rtol=0, atol=1e-5)
    moved = x.copy()
    moved[:, 0] += 1.0
    assert np.abs(log_prob(run, x=moved, y=y) - found).max() > 1e-2


def test_one_latent_of_a_sequence_beats_pixels_by_themselves(tmp_path):
    """The bound after some epochs is above the log-likelihood of independent pixels."""
    run = trained("sequence_vae", tmp_path, ("train.epochs=10",))
    x = scored(run, "train")["x"]
    mean = (x.sum(0) + 1) / (len(x) + 2)
    seen = scored(run, "test")["x"]
    alone = (seen * np.log(mean) + (1 - seen) * np.log1p(-mean)).sum((1, 2)).mean()
    found = bound(run, 50)
    assert found.value > alone + 0.5, (found.value, alone)


def class_log_probs(run, x):
    """log p(y given x) of each class: [rows, 10]."""
    every = [log_prob(run, x=x, y=np.full(len(x), label)) for label in range(10)]
    return np.stack(every, 1)


def test_the_last_state_of_a_recurrent_network_names_a_digit(tmp_path):
    """As often as logistic regression of all pixels, within 2 %; the first state does not."""
    settings = ("train.epochs=10",)
    run = trained("sequence_classifier", tmp_path, settings)
    x, y = rows(run, "test", "x"), rows(run, "test", "y").astype(int)
    logs = class_log_probs(run, x.astype(np.float32))
    np.testing.assert_allclose(np.exp(logs).sum(1), 1, rtol=0, atol=1e-5)
    seen = rows(run, "train", "x").reshape(-1, 64), rows(run, "train", "y").astype(int)
    regression = LogisticRegression(max_iter=1000).fit(*seen)
    right = (logs.argmax(1) == y).mean()
    assert right > regression.score(x.reshape(-1, 64), y) - 0.02

    text = source("sequence_classifier").text.replace("last(h, t)", "first(h, t)")
    other = trained(Source("s.yaml", text), tmp_path / "first", ("train.epochs=3",))
    assert (class_log_probs(other, x.astype(np.float32)).argmax(1) == y).mean() < right - 0.3


@pytest.mark.parametrize("reduction", ["last", "first", "mean", "sum", "max"])
def test_a_shorter_row_is_that_of_a_shorter_sequence(reduction, tmp_path):
    """Rows of 5 of 8 steps have the density of 5 steps, whatever their padding is."""
    text = source("sequence_classifier").text.replace("last(h, t)", f"{reduction}(h, t)")
    fields = text.replace("from: label}}", "from: label}, n: {from: label}}")
    padded = fields.replace("{scan: 8}", "{scan: 8, lengths: n}").replace(
        "  x: {given", "  n: {given: n}\n  x: {given"
    )
    shorter = text.replace("shape: [8, 8]", "shape: [5, 8]").replace("scan: 8", "scan: 5")
    model, short = (
        load(compiled(Source("s.yaml", spec), tmp_path / name)).model
        for name, spec in (("padded", padded), ("short", shorter))
    )
    short.load_state_dict(model.state_dict())
    torch.manual_seed(0)
    x, y, n = torch.rand(3, 8, 8), torch.tensor([1, 2, 3]), torch.full((3,), 5)
    found = model.log_prob(x=x, y=y, n=n)
    torch.testing.assert_close(found, short.log_prob(x=x[:, :5], y=y))
    changed = torch.cat([x[:, :5], torch.rand(3, 3, 8)], 1)
    assert torch.equal(model.log_prob(x=changed, y=y, n=n), found)
    assert not torch.allclose(model.log_prob(x=x, y=y, n=n + 1), found) or reduction == "first"


def process(context_x, context_y, x):
    """Mean and covariance of noisy values at x of the Gaussian process given known points."""
    noise = NOISE**2 * np.eye(len(context_x))
    known = covariance(context_x[None], context_x[None])[0] + noise
    across = covariance(x[None], context_x[None])[0]
    own = covariance(x[None], x[None])[0] + NOISE**2 * np.eye(len(x))
    return across @ np.linalg.solve(known, context_y), own - across @ np.linalg.solve(
        known, across.T
    )


def curves(run):
    """The test rows of a neural process, and those of the process given the points of each."""
    values = {name: rows(run, "test", name) for name in ("xc", "yc", "n", "x", "y")}
    values["n"] = values["n"].astype(int)
    by_row = zip(values["xc"], values["yc"], values["n"], values["x"], strict=True)
    return values, [process(xc[:n], yc[:n], x) for xc, yc, n, x in by_row]


def as_tensors(values):
    return {k: v if k == "n" else v.astype(np.float32) for k, v in values.items()}


CI = ("data.rows=4000", "train.epochs=6", "links.encoder.mlp=[64]", "links.decoder.mlp=[64, 64]")
"""Few curves and small networks, in seconds."""


def test_a_neural_process_predicts_curves_from_known_points(tmp_path):
    """It is worse than the Gaussian process, better than a constant, and of sets of points."""
    run = trained("neural_process", tmp_path, CI)
    values, truth = curves(run)
    found = log_prob(run, **as_tensors(values))
    pairs = zip(values["y"], truth, strict=True)
    exact = [stats.norm(m, v.diagonal() ** 0.5).logpdf(y).sum() for y, (m, v) in pairs]
    constant = stats.norm(0, (1 + NOISE**2) ** 0.5).logpdf(values["y"]).sum(1)
    assert (found - exact).mean() < Z * error(found - exact)
    assert (found - constant).mean() > 5

    mixed = values | {name: np.roll(values[name], 1, 0) for name in ("xc", "yc", "n")}
    assert (log_prob(run, **as_tensors(mixed)) - constant).mean() < 0
    order = np.argsort(np.arange(10) >= values["n"][:, None], 1, kind="stable")
    order = np.where(np.arange(10) < values["n"][:, None], values["n"][:, None] - 1 - order, order)
    turned = values | {k: np.take_along_axis(values[k], order, 1) for k in ("xc", "yc")}
    assert np.abs(turned["xc"] - values["xc"]).max() > 1
    beyond = np.arange(10) >= values["n"][:, None]
    turned["xc"] = np.where(beyond, 7.0, turned["xc"])
    np.testing.assert_allclose(log_prob(run, **as_tensors(turned)), found, rtol=0, atol=2e-3)


def test_the_bound_of_a_latent_neural_process_is_below_the_density_of_curves(tmp_path):
    """log p of all values of a curve together; the bound is above that of independent ones."""
    run = trained("latent_neural_process", tmp_path, CI)
    values, truth = curves(run)
    pairs = zip(values["y"], truth, strict=True)
    exact = [stats.multivariate_normal(m, v).logpdf(y) for y, (m, v) in pairs]
    found = log_prob(run, 5, **as_tensors(values))
    assert (found - exact).mean() < Z * error(found - exact)
    constant = stats.norm(0, (1 + NOISE**2) ** 0.5).logpdf(values["y"]).sum(1)
    assert (found - constant).mean() > 5


def canvases(model, z):
    """The canvas and the state of the decoder before each step, and the last canvas."""
    h = canvas = torch.zeros(len(z), 64, dtype=z.dtype)
    before = []
    for step in z.unbind(1):
        before.append((canvas, h))
        h = model.decoder(torch.cat([h, step], -1))
        canvas = canvas + model.write(h)
    return before, canvas


def guide_log_prob(guide, z, x, seen):
    """log q(z | x) by equations 3 to 6 of Gregor et al. 2015, without attention.

    `seen` are the canvas and the state of the decoder that the guide sees at each step.
    """
    read, total = torch.zeros(len(z), 64, dtype=z.dtype), 0.0
    for step, (canvas, h) in zip(z.unbind(1), seen, strict=True):
        read = guide.encoder(torch.cat([read, x, x - torch.sigmoid(canvas), h], -1))
        loc, log_scale = guide.z_loc_head(read), guide.z_log_scale_head(read)
        total += torch.distributions.Normal(loc, log_scale.exp()).log_prob(step).sum(-1)
    return total


def test_a_guide_sees_what_its_own_draws_have_left_to_draw(tmp_path):
    """log q and log p of DRAW by its equations; a guide of the canvas after the step is another."""
    program = load(compiled("draw", tmp_path, ("steps=3",)))
    model, guide = program.model.double(), program.guide.double()
    x = torch.rand(5, 64, dtype=torch.float64).round()
    noise = Noise.at(0, dtype=torch.float64)
    drawn, log_q = guide.sample_and_log_prob(noise, 1, x=x)
    z = drawn["z"][0]
    before, last = canvases(model, z)
    torch.testing.assert_close(log_q[0], guide_log_prob(guide, z, x, before))
    after = [*before[1:], (last, before[-1][1])]
    assert not torch.allclose(log_q[0], guide_log_prob(guide, z, x, after))
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum((-2, -1))
    pixels = torch.distributions.Bernoulli(logits=last).log_prob(x).sum(-1)
    torch.testing.assert_close(model.log_joint(z=z, x=x), prior + pixels)


def test_a_digit_is_drawn_in_steps(tmp_path):
    """The bound after some epochs is above the log-likelihood of independent pixels."""
    run = trained("draw", tmp_path, ("train.epochs=10", "steps=3", "objective.elbo.warm_up=0"))
    x = scored(run, "train")["x"]
    mean = (x.sum(0) + 1) / (len(x) + 2)
    seen = scored(run, "test")["x"]
    alone = (seen * np.log(mean) + (1 - seen) * np.log1p(-mean)).sum(1).mean()
    found = bound(run, 20)
    assert found.value > alone + 1, (found.value, alone)
