"""Samplers of a noising chain in fewer steps, for data whose exact answers are known.

Of normal data z_0 ~ N(m, v) every z_t is normal, and the samplers approximate the map that takes
z_T to the same number of standard deviations of z_0 (the probability flow of Song et al. 2021).
"""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from specc.evaluate.denoising import (
    MEAN,
    SAMPLERS,
    Denoising,
    Point,
    Sampler,
    descend,
    estimate_of,
    jump,
    places,
)
from specc.evaluate.sampling import Chain, sample
from specc.runtime.failure import RunFailure
from specc.runtime.functions.noising import NoiseLevels
from specc.runtime.noise import Noise
from tests.truths.gallery import source, trained_text

M, V, T = 0.7, 0.3, 2000
BETAS = torch.linspace(1e-4, 0.01, T, dtype=torch.float64)[:, None]
LEVELS = NoiseLevels.of((1 - BETAS).sqrt(), 0.02 * BETAS, BETAS.sqrt())


def moments(t):
    """Mean and variance of z_t of the data."""
    return LEVELS.signal[t] * M + LEVELS.shift[t], LEVELS.signal[t] ** 2 * V + LEVELS.variance[t]


def exact_mean(value, t):
    """E[z_t | z_(t+1)] from the covariance of the two, without any estimate of z_0."""
    (mean, variance), (after, spread) = moments(t), moments(t + 1)
    return mean + LEVELS.a[t + 1] * variance / spread * (value - after)


def error(sampler, steps):
    """How far z at the first step is from the exact map, of z_T two deviations above its mean."""
    grid = places(LEVELS, steps)
    (mean, variance), (first, narrow) = moments(T - 1), moments(0)
    found = descend(LEVELS, sampler.rule, grid, mean + 2 * variance.sqrt(), exact_mean)
    return abs(found - (first + 2 * narrow.sqrt())).item()


def test_the_levels_are_those_of_the_chain():
    """Of 200,000 draws step by step: mean and variance within 4.5 standard errors."""
    generator = torch.Generator().manual_seed(0)
    levels = NoiseLevels.of(*(each[::100] for each in (LEVELS.a, LEVELS.c, 5 * LEVELS.s)))
    z = torch.full((200_000,), 1.5, dtype=torch.float64)
    for t, (a, c, s) in enumerate(zip(levels.a, levels.c, levels.s, strict=True)):
        z = a * z + c + s * torch.randn(z.shape, generator=generator, dtype=z.dtype)
        mean, variance = levels.signal[t] * 1.5 + levels.shift[t], levels.variance[t]
        assert abs(z.mean() - mean) < 4.5 * (variance / len(z)).sqrt()
        assert abs(z.var() / variance - 1) < 4.5 * (2 / len(z)) ** 0.5


@pytest.mark.parametrize("t", [1, 700, T - 1])
def test_the_estimate_is_the_mean_of_the_first_value(t):
    """By Gaussian conditioning of z_0 on z_t."""
    value = torch.tensor([2.0], dtype=torch.float64)
    mean, variance = moments(t)
    expected = M + LEVELS.signal[t] * V / variance * (value - mean)
    assert estimate_of(LEVELS, t, value, exact_mean(value, t - 1)) == pytest.approx(expected.item())


def test_the_samplers_have_their_orders():
    """Twice as many steps divide the error by about 2 and by about 4, and a wrong sign by 2."""
    own = {name: each for name, each in SAMPLERS.items() if not each.is_random}
    errors = {name: [error(each, n) for n in (21, 41)] for name, each in own.items()}
    ratios = {name: first / second for name, (first, second) in errors.items()}
    assert 1.7 < ratios["ddim"] < 2.4
    assert 3.2 < ratios["dpm_solver"] < 5
    assert errors["dpm_solver"][0] < 0.3 * errors["ddim"][0]

    def reversed_(levels, here, before, to):
        right = SAMPLERS["dpm_solver"].rule(levels, here, before, to)
        return 2 * here.estimate - right

    assert error(Sampler(reversed_), 41) > 2 * error(SAMPLERS["dpm_solver"], 41)


@pytest.mark.parametrize(("t", "s"), [(1500, 1499), (1500, 400)])
def test_a_random_step_has_the_moments_of_the_bridge(t, s):
    """q(z_s | z_t, z_0) by Gaussian conditioning, from 200,000 draws: 4.5 standard errors."""
    noise, start = Noise.at(1), 0.4
    value = torch.full((200_000, 1), 0.9, dtype=torch.float64)
    found = jump(LEVELS, t, s, value, torch.tensor([start], dtype=torch.float64), noise)
    early, late = (LEVELS.signal[k] * start + LEVELS.shift[k] for k in (s, t))
    covariance = LEVELS.signal[t] / LEVELS.signal[s] * LEVELS.variance[s]
    mean = early + covariance / LEVELS.variance[t] * (0.9 - late)
    variance = LEVELS.variance[s] - covariance**2 / LEVELS.variance[t]
    assert abs(found.mean() - mean) < 4.5 * (variance / len(value)).sqrt()
    assert abs(found.var() / variance - 1) < 4.5 * (2 / len(value)) ** 0.5


def test_the_places_are_all_different_and_as_many_as_asked_for():
    for count in (2, 3, 7, 50, T):
        grid = places(LEVELS, count)
        assert len(grid) == count and grid[0] == T - 1 and grid[-1] == 0
        assert all(s < t for t, s in pairwise(grid))


def test_without_an_earlier_estimate_it_starts_with_the_first_order():
    here = Point(9, torch.tensor([1.0]))
    assert SAMPLERS["dpm_solver"].rule(LEVELS, here, None, 4) is here.estimate


def brief():
    """The text of the gallery spec with a single epoch of few rows."""
    text = source("diffusion").text.replace("epochs: 400", "epochs: 1")
    return text.replace("rows: 4000", "rows: 300")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    text = (
        source("diffusion")
        .text.replace("epochs: 400", "epochs: 1")
        .replace("rows: 4000", "rows: 300")
    )
    return trained_text(text, tmp_path_factory.mktemp("run"), ("evaluate={}",)).loaded


def test_a_run_is_sampled_in_as_few_steps_as_asked_for(run, monkeypatch):
    """The model is evaluated that often: each time by one step, and the last for the data."""
    calls = []
    forward = run.program.model.noise_in.forward
    monkeypatch.setattr(
        run.program.model.noise_in, "forward", lambda x: calls.append(1) or forward(x)
    )
    drawn = sample(run, 30, 3, denoising=Denoising("ddim", 7)).values
    assert len(calls) == 7 and drawn["x"].shape == (30, 2)
    again = sample(run, 30, 3, denoising=Denoising("ddim", 7)).values
    assert torch.equal(drawn["x"], again["x"])


def test_all_steps_of_ddim_go_through_each_step(run):
    assert torch.isfinite(sample(run, 5, 0, denoising=Denoising("ddim", 50)).values["x"]).all()


@pytest.mark.parametrize(("steps", "words"), [(2, "3 to 50"), (51, "3 to 50")])
def test_too_few_or_too_many_steps_are_refused(run, steps, words):
    with pytest.raises(RunFailure, match=words) as found:
        sample(run, 5, 0, denoising=Denoising("ddim", steps))
    assert found.value.code == "E0531"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('loc: "sqrt(1 - b) * z[t-1]"', 'loc: "sqrt(1 - b) * tanh(z[t-1])"', "not linear"),
        ("scale: sqrt(b), initial: x}", "scale: sqrt(b) * exp(0 * x), initial: x}", "of the guide"),
    ],
)
def test_a_guide_that_is_no_linear_chain_is_refused(tmp_path, old, new, words):
    text = (
        source("diffusion")
        .text.replace("epochs: 400", "epochs: 1")
        .replace("rows: 4000", "rows: 300")
    )
    assert old in text
    run = trained_text(text.replace(old, new), tmp_path, ("evaluate={}",)).loaded
    with pytest.raises(RunFailure, match=words) as found:
        sample(run, 5, 0, denoising=Denoising("dpm_solver", 9))
    assert found.value.code == "E0531"


PLAIN = """\
specc: 1
name: plain
data: {source: toy, density: ring, rows: 100, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: decoder(z), scale: 1}
guide: {z: {latent: normal, params: encoder(x)}}
links: {decoder: linear, encoder: linear}
objective: elbo
train: {epochs: 1}
"""


def test_a_model_without_such_a_chain_is_refused(tmp_path):
    run = trained_text(PLAIN, tmp_path).loaded
    assert run.manifest.chain is None and "model.one_step" not in run.program.capabilities
    with pytest.raises(RunFailure, match="no guide draws a sequence") as found:
        sample(run, 5, 0, denoising=Denoising("ddim", 9))
    assert found.value.code == "E0531"


def test_classes_have_no_mean_with_which_a_sampler_could_end(run, monkeypatch):
    can = run.program.can
    monkeypatch.setattr(run.program, "can", lambda name: name != MEAN and can(name))
    with pytest.raises(RunFailure, match="its data are classes") as found:
        sample(run, 5, 0, denoising=Denoising("ddim", 9))
    assert found.value.code == "E0531"


def test_steps_without_a_sampler_are_refused_with_the_name_of_one(run):
    with pytest.raises(RunFailure, match="no chain samples it") as found:
        sample(run, 5, 0, chain=Chain(10))
    assert (found.value.code, "--sampler ddim" in found.value.hint) == ("E0840", True)
