"""What a diffusion network predicts, by which schedule: the same bound at the best prediction.

The data are a mixture of normals, so that the mean of x given noised x is known. Networks of the
noise, of the data and of the velocity that give this mean are the same model.
"""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.truths.gallery import trained
from tests.truths.measuring import Z

STEPS, SD = 49, 0.05
ANGLES = np.arange(8) * np.pi / 4
CENTRES = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)

ANGLE = np.linspace(0.01247, 1.5708, STEPS + 2)
BETAS = {
    "linear": np.linspace(0.002, 0.2, STEPS + 1),
    "cosine": np.clip(1 - np.cos(ANGLE[1:]) ** 2 / np.cos(ANGLE[:-1]) ** 2, 0.0001, 0.999),
}
SCHEDULES = {
    "linear": 'betas: {let: "linspace(0.002, 0.2, steps + 1)"}',
    "cosine": 'shares: {let: "cos(linspace(0.01247, 1.5708, steps + 2)) ** 2"}\n'
    '  betas: {let: "clip(1 - exp(diff(log(shares))), 0.0001, 0.999)"}',
}
GUESSES = {  # the noise in z with the share `left` of the variance of x, from the network f
    "noise": "f(z, k)",
    "data": "(z - sqrt(left) * f(z, k)) / sqrt(1 - left)",
    "velocity": "sqrt(left) * f(z, k) + sqrt(1 - left) * z",
}
TARGETS = {
    "noise": "noised.e",
    "data": "data.x",
    "velocity": "(sqrt(noised.here) * noised.e - sqrt(1 - noised.here) * data.x)",
}
SPEC = """specc: 1
name: diffusion
constants: {steps: 49}
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
plates: {t: {scan: steps}}
model:
  SCHEDULE
  kept: {let: cumprod(1 - betas)}
  top: {latent: normal, loc: 0, scale: 1, shape: [2]}
  k: {let: "index(t) + 1", plate: t}
  b: {let: "betas[k]", plate: t}
  left: {let: "kept[k]", plate: t}
  before: {let: "kept[k - 1]", plate: t}
  guess: {let: "GUESS", shape: [2], plate: t}
  z:
    latent: normal
    loc: (z[t+1] - b / sqrt(1 - left) * guess) / sqrt(1 - b)
    scale: sqrt(b * (1 - before) / (1 - left))
    initial: top
    shape: [2]
    plate: t
    reverse: true
  first: {let: "betas[0]"}
  last_guess: {let: "LAST", shape: [2]}
  x:
    observed: normal
    loc: (z[0] - sqrt(first) * last_guess) / sqrt(1 - first)
    scale: sqrt(first)
guide:
  b: {let: "model.betas[index(t)]", plate: t}
  z: {latent: normal, loc: "sqrt(1 - b) * z[t-1]", scale: sqrt(b), initial: x}
  top:
    latent: normal
    loc: sqrt(1 - model.betas[steps]) * last(z, t)
    scale: sqrt(model.betas[steps])
programs:
  noised:
    level: {latent: categorical, logits: 0, classes: steps + 1}
    e: {latent: normal, loc: 0, scale: 1, shape: [2]}
    here: {let: "model.kept[level]"}
    v: {let: sqrt(here) * data.x + sqrt(1 - here) * e}
    answer: {let: "f(v, level / steps)", shape: [2]}
links: {f: {mlp: [8]}}
objective: OBJECTIVE
"""
BOUND = "{elbo: {steps: random}}"


def text(schedule, kind, objective):
    """The spec with this schedule, whose network predicts this."""
    own = GUESSES[kind].replace("k)", "k / steps)").replace("z", "z[t+1]")
    last = GUESSES[kind].replace("k)", "0)").replace("z", "z[0]").replace("left", "(1 - first)")
    found = SPEC.replace("SCHEDULE", SCHEDULES[schedule]).replace("GUESS", own)
    return found.replace("LAST", last).replace("OBJECTIVE", objective)


def simple(kind):
    """The simplified loss: the squared error of the prediction."""
    return f'{{minimize: "sum(({TARGETS[kind]} - noised.answer) ** 2)"}}'


def mean_of_data(z, kept):
    """E[x | z] for z = sqrt(kept) x + sqrt(1 - kept) e, x from the ring; z [rows, 2]."""
    variance = kept * SD**2 + 1 - kept
    away = z[:, None] - np.sqrt(kept)[:, :, None] * CENTRES
    logits = -(away**2).sum(-1) / (2 * variance)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    nearer = np.sqrt(kept)[:, :, None] * SD**2 / variance[:, :, None] * away
    return (weights[:, :, None] * (CENTRES + nearer)).sum(1)


def predicted(kind, z, x, kept):
    """What a network of this kind predicts if it takes x for the data in z."""
    e = (z - np.sqrt(kept) * x) / np.sqrt(1 - kept)
    return {"noise": e, "data": x, "velocity": np.sqrt(kept) * e - np.sqrt(1 - kept) * x}[kind]


class Best(nn.Module):
    """The network with the least loss."""

    def __init__(self, kind, schedule):
        super().__init__()
        self.kind, self.kept = kind, np.cumprod(1 - BETAS[schedule])

    def forward(self, inputs):
        flat = inputs.reshape(-1, 3).double().numpy()
        z, kept = flat[:, :2], self.kept[np.rint(flat[:, 2:] * STEPS).astype(int)]
        best = predicted(self.kind, z, mean_of_data(z, kept), kept)
        return torch.tensor(best).view(*inputs.shape[:-1], 2).to(inputs)


def points(rows, seed):
    rng = np.random.default_rng(seed)
    return rng, CENTRES[rng.integers(0, 8, rows)] + SD * rng.standard_normal((rows, 2))


def bound(schedule, rows=1500):
    """The negative of the bound of each row at the best prediction, by all steps (see above).

    The divergence of a step is half the difference of the ratios of signal to noise, times the
    squared error of the data (Kingma et al. 2021, equation 13).
    """
    rng, x = points(rows, 5)
    kept = np.cumprod(1 - BETAS[schedule])
    ratio, last = kept / (1 - kept), kept[-1]
    found = np.log(2 * np.pi * (1 - kept[0])) - last - np.log(1 - last) + last * (x**2).sum(1) / 2
    for t, own in enumerate(kept):
        each = np.full((rows, 1), own)
        z = np.sqrt(own) * x + np.sqrt(1 - own) * rng.standard_normal(x.shape)
        error = ((x - mean_of_data(z, each)) ** 2).sum(1)
        found += error / 2 * (ratio[t - 1] - ratio[t] if t else 1 / (1 - kept[0]))
    return found


def least(schedule, kind, rows=40_000):
    """The least simplified loss of each row, at random levels."""
    rng, x = points(rows, 6)
    kept = np.cumprod(1 - BETAS[schedule])[rng.integers(0, STEPS + 1, rows)][:, None]
    z = np.sqrt(kept) * x + np.sqrt(1 - kept) * rng.standard_normal(x.shape)
    right, best = (predicted(kind, z, each, kept) for each in (x, mean_of_data(z, kept)))
    return ((right - best) ** 2).sum(1)


@torch.no_grad()
def losses(made, kind, schedule, rows, draws):
    """The loss at each of several draws, with the best network of this kind."""
    made.model.f = Best(kind, schedule)
    for part in made.children():
        if hasattr(part, "f"):
            part.f = made.model.f
    x = torch.tensor(points(rows, 7)[1])
    of = partial(made.loss, "loss", {}, {"x": x}, scalars={})
    return np.array([of(Noise.at(seed, dtype=torch.float64)).loss.item() for seed in range(draws)])


def agree(found, right):
    """Whether the means of two samples are equal, within Z standard errors."""
    error = np.sqrt(found.var(ddof=1) / len(found) + right.var(ddof=1) / len(right))
    return abs(found.mean() - right.mean()) < Z * error


@pytest.mark.parametrize("schedule", BETAS)
def test_the_bound_of_the_best_prediction_is_the_same(schedule, tmp_path):
    """To rounding at equal draws, and it is that of another program; not with another kind."""
    with precision(torch.float64):
        found = {}
        for kind in GUESSES:
            (tmp_path / kind).mkdir()
            made = program(text(schedule, kind, BOUND), tmp_path / kind)
            found[kind] = losses(made, kind, schedule, 500, 30)
        other = losses(made, "data", schedule, 500, 30)
    for kind in GUESSES:
        assert np.abs(found[kind] / found["noise"] - 1).max() < 1e-9
    assert agree(found["noise"], bound(schedule))
    assert not agree(other, bound(schedule))


@pytest.mark.parametrize("schedule", BETAS)
@pytest.mark.parametrize("kind", GUESSES)
def test_the_least_simplified_loss(schedule, kind, tmp_path):
    with precision(torch.float64):
        made = program(text(schedule, kind, simple(kind)), tmp_path)
        found = losses(made, kind, schedule, 2000, 10)
    assert agree(found, least(schedule, kind))
    # By the cosine schedule data and noise change places with the steps, and have nearly one loss.
    other = "noise" if kind == "velocity" else "velocity"
    assert not agree(found, least(schedule, other))


def test_a_network_learns_the_velocity(tmp_path):
    """The gallery's spec: the squared error of the mean velocity, in a part of the least loss."""
    run = trained("cosine_diffusion", tmp_path, ("train.epochs=60", "evaluate={}"))
    rng, x = points(20_000, 8)
    level = rng.integers(0, STEPS + 1, (len(x), 1))
    kept = np.cumprod(1 - BETAS["cosine"])[level]
    z = np.sqrt(kept) * x + np.sqrt(1 - kept) * rng.standard_normal(x.shape)
    with torch.no_grad():
        inputs = torch.tensor(np.concatenate([z, level / STEPS], 1), dtype=torch.float32)
        answer = run.loaded.program.model.velocity_of(inputs).double().numpy()
    best = mean_of_data(z, kept)
    errors = {k: ((answer - predicted(k, z, best, kept)) ** 2).sum(1).mean() for k in GUESSES}
    assert errors["velocity"] < 0.1 * least("cosine", "velocity").mean()
    assert min(errors["noise"], errors["data"]) > 0.2 * least("cosine", "velocity").mean()
