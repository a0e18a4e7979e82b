"""Diffusion of a mixture of normals: the best answer and log p(x) are known in closed form."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from specc.evaluate.denoising import Denoising
from specc.evaluate.estimate import estimate
from specc.evaluate.sampling import sample
from specc.evaluate.scoring import Request
from specc.runtime.noise import Noise
from tests.truths.gallery import trained
from tests.truths.measuring import Z, draws, rows

STEPS, SD = 49, 0.05
ANGLES = np.arange(8) * np.pi / 4
CENTRES = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
BETAS = np.linspace(0.002, 0.2, STEPS + 1)


def best(v, kept):
    """E[e | v] for v = sqrt(kept) x + sqrt(1 - kept) e, x from the ring of eight normals."""
    variance = kept * SD**2 + 1 - kept
    away = v[:, None] - np.sqrt(kept)[:, :, None] * CENTRES
    logits = -(away**2).sum(-1) / (2 * variance)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    return np.sqrt(1 - kept) / variance * (weights[:, :, None] * away).sum(1)


def losses(program, rows=20_000, kept=None):
    """The least loss, and what that of the program has more, at new points: means over rows.

    E|e - f|^2 = E|e - best|^2 + E|best - f|^2 for every answer f, since `best` is the mean of e.
    """
    rng = np.random.default_rng(0)
    kept = np.cumprod(1 - BETAS) if kept is None else kept
    x = CENTRES[rng.integers(0, 8, rows)] + SD * rng.standard_normal((rows, 2))
    level, e = rng.integers(0, STEPS + 1, rows), rng.standard_normal((rows, 2))
    here = kept[level][:, None]
    v = np.sqrt(here) * x + np.sqrt(1 - here) * e
    inputs = np.concatenate([v, level[:, None] / STEPS], 1)
    with torch.no_grad():
        answer = program.model.noise_in(torch.tensor(inputs, dtype=torch.float32)).numpy()
    right = best(v, here)
    return ((e - right) ** 2).sum(1).mean(), ((right - answer) ** 2).sum(1).mean()


def log_density(x):
    """Log p(x) of the ring."""
    away = ((x[:, None] - CENTRES) ** 2).sum(-1) / (2 * SD**2)
    return np.logaddexp.reduce(-away, 1) - np.log(8) - np.log(2 * np.pi * SD**2)


def shares(points):
    """The shares of points within five standard deviations of each centre."""
    away = np.sqrt(((points[:, None] - CENTRES) ** 2).sum(-1))
    return (away < 5 * SD).mean(0)


def distance(points):
    """W1 between the projections of points and of the ring, in the mean over 100 directions."""
    rng = np.random.default_rng(3)
    ring = CENTRES[rng.integers(0, 8, 20_000)] + SD * rng.standard_normal((20_000, 2))
    angles = np.arange(100) * np.pi / 100
    directions = np.stack([np.cos(angles), np.sin(angles)])
    places = (np.arange(len(points)) + 0.5) / len(points)
    mine, theirs = (np.quantile(each @ directions, places, axis=0) for each in (points, ring))
    return np.abs(mine - theirs).mean()


def exceeds(run, particles):
    """How far the bound is above the mean of log p(x) of the test rows, in standard errors.

    Both are means over the same rows, so that the error is that of their differences, and the
    draws of the bound alone make it random.
    """
    known = estimate(run.loaded, Request("elbo", particles, "test", 200))
    true = log_density(rows(run, "test", "x")[:200])
    differences = known.values.numpy() - true
    return differences.mean() / (differences.std(ddof=1) / np.sqrt(len(differences)))


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diffusion")
    return trained("diffusion", folder, ("train.epochs=100", "evaluate={}"))


def test_it_learns_the_mean_of_the_noise(brief):
    """An answer of 0 has 1.6 more than the least loss, and here it has a tenth of it at most."""
    least, more = losses(brief.loaded.program)
    assert more < 0.1 * least
    shifted = np.cumprod(1 - BETAS[::-1])
    assert losses(brief.loaded.program, kept=shifted)[1] > 0.2 * least


def test_the_bound_is_below_log_p(brief):
    assert exceeds(brief, 4) < Z


def test_few_steps_draw_the_ring(brief):
    """All eight normals, and points that are closer to the ring than those of the prior."""
    normals = distance(np.random.default_rng(1).standard_normal((2000, 2)))
    for sampler in ("ddim", "dpm_solver", "strided"):
        drawn = sample(brief.loaded, 1000, 0, denoising=Denoising(sampler, 15)).values["x"].numpy()
        assert distance(drawn) < 0.3 * normals
        assert shares(drawn).min() > 0.04


@pytest.mark.slow
def test_a_longer_run_is_near_the_optimum(tmp_path):
    """Within 2 % of the least loss, and each of the eight normals has its share of the samples."""
    run = trained("diffusion", tmp_path, ("evaluate={}",))
    least, more = losses(run.loaded.program, 100_000)
    assert more < 0.02 * least
    assert exceeds(run, 20) < Z
    found = shares(draws(run, 8000)["x"])
    assert found.min() > 0.09 and found.sum() > 0.9
    step_by_step = distance(draws(run, 4000)["x"])
    for sampler in ("dpm_solver", "strided"):  # a fifth of the steps
        short = sample(run.loaded, 4000, 0, denoising=Denoising(sampler, 10)).values["x"].numpy()
        assert distance(short) < 1.1 * step_by_step
    few = sample(run.loaded, 4000, 0, denoising=Denoising("ddim", 15)).values["x"].numpy()
    assert distance(few) < 1.1 * step_by_step


@pytest.mark.slow
def test_digits_are_of_the_class_that_is_asked_for(tmp_path):
    """A support vector machine that is trained on half of the digits judges the samples."""
    data = load_digits()
    judge = SVC(gamma=0.2).fit(data.data[::2] / 16, data.target[::2])
    run = trained("diffusion_digits", tmp_path, ("evaluate={}",))
    drawn = sample(run.loaded, 500, 0)
    pixels = drawn.values["x"].reshape(500, -1).clamp(0, 1).numpy()
    assert (judge.predict(pixels) == drawn.given["y"].numpy()).mean() > 0.95


def bound_and_loss(program, x, power, draws=12):
    """Means and variances of the bound and of the weighted loss, whose weights have that power."""
    model, found = program.model, []
    betas = model.betas()
    kept = model.kept(betas)
    weight = (betas / (2 * (1 - betas) * (1 - kept))) ** power
    level = (torch.arange(STEPS + 1) / STEPS)[:, None, None].expand(-1, len(x), 1)
    for seed in range(draws):
        noise = Noise.at(seed)
        latents, log_q = program.guide.sample_and_log_prob(noise, 1, x=x)
        e = noise.normal((STEPS + 1, len(x), 2))
        v = kept.sqrt()[:, None, None] * x + (1 - kept).sqrt()[:, None, None] * e
        errors = ((e - model.noise_in(torch.cat([v, level], -1))) ** 2).sum(-1)
        bound = (model.log_joint(x=x, **latents) - log_q).mean()
        found.append([bound, (weight[:, None] * errors).sum(0).mean()])
    values = torch.tensor(found).double()
    return values.mean(0), values.var(0) / draws


@torch.no_grad()
def test_the_weighted_loss_is_the_bound_up_to_a_constant(brief):
    """Their changes are opposite when the network changes (Ho et al. 2020, equation 12)."""
    program = brief.loaded.program
    x = torch.tensor(rows(brief, "test", "x")[:400], dtype=torch.float32)
    weights = [parameter.clone() for parameter in program.parameters()]
    for power, is_bound in ((1.0, True), (0.5, False)):
        before, one = bound_and_loss(program, x, power)
        for parameter in program.parameters():
            parameter.mul_(0.95)
        after, other = bound_and_loss(program, x, power)
        for parameter, value in zip(program.parameters(), weights, strict=True):
            parameter.copy_(value)
        error = (one + other).sum().sqrt()
        assert (abs((after - before).sum()) < Z * error) == is_bound
