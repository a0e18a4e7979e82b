"""Draws of latents that are summed or integrated out, against their posterior.

Finite latents are enumerated: 5,000 draws of three rows each pass a chi-square test at the level
of 1e-6. The posterior of normal latents is the quadratic of log p(x, z) in z: means and covariances
of 5,000 draws are within 5 standard errors, a false alarm for one seed in 20,000.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws import test_integrals, test_random_starts
from tests.laws.test_integrals import settled

DRAWS = 5_000
HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {%s}}
"""
MIXTURE = (
    HEAD % "x: {from: x, shape: [2]}"
    + """model:
  k: {latent: categorical, logits: [0.3, -0.2, 0.1]}
  b: {latent: bernoulli, logits: 0.4, shape: [2]}
  centers: {parameter: real, shape: [3, 2]}
  x: {observed: normal, loc: "centers[k] + b", scale: 1}
objective: mle
"""
)
CHAIN = (
    HEAD % "x: {from: x, shape: [3, 2]}"
    + """plates: {t: {scan: 3}}
model:
  moves: {parameter: real, shape: [3, 3]}
  centers: {parameter: real, shape: [3, 2]}
  z: {latent: categorical, logits: "moves[z[t-1]]", initial: 0, classes: 3, plate: t}
  x: {observed: normal, loc: "centers[z]", scale: 1, plate: t}
objective: mle
"""
)
BACKWARD = CHAIN.replace("z[t-1]", "z[t+1]").replace(
    "plate: t}\n  x", "plate: t, reverse: true}\n  x"
)
RAGGED = (
    CHAIN.replace("[3, 2]}", "[3, 2]}, n: {from: n, dtype: int64}", 1)
    .replace("{scan: 3}", "{scan: 3, lengths: n}")
    .replace("model:\n", "model:\n  n: {given: n}\n")
)
FINITE = {"mixture": MIXTURE, "chain": CHAIN, "backward": BACKWARD, "ragged": RAGGED}
NORMAL = {
    "ppca": test_integrals.PPCA,
    "matrix": test_integrals.MATRIX,
    "chain": test_integrals.PLAIN,
    "driven": test_integrals.DRIVEN,
    "backward": test_integrals.BACK,
    "random start": test_random_starts.SPEC,
    "random start backward": test_random_starts.BACKWARD,
}


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def repeated(values, row):
    return {n: v[row : row + 1].expand(DRAWS, *v.shape[1:]) for n, v in values.items()}


def agrees(model, values, name, *, wrong=False):
    """Whether the draws of each row have the frequencies of the enumerated posterior."""
    steps = name != "mixture"
    lengths = values.get("n", torch.full((3,), 3)) if steps else torch.ones(3)
    found = []
    for row in range(3):
        drawn = model.sample_posterior(Noise.at(row), **repeated(values, row))
        if steps:
            count = int(lengths[row])
            states = torch.tensor(list(itertools.product(range(3), repeat=count)))
            padded = torch.nn.functional.pad(states, (0, 3 - count))
            latents = {"z": padded}
            seen = drawn["z"][:, :count]
        else:
            every = list(itertools.product(range(3), range(2), range(2)))
            states = torch.tensor(every)
            latents = {"k": states[:, 0], "b": states[:, 1:].double()}
            seen = torch.cat([drawn["k"][:, None], drawn["b"].long()], 1)
        data = {n: v[row : row + 1].expand(len(states), *v.shape[1:]) for n, v in values.items()}
        if wrong:
            data["x"] = data["x"] + 0.5
        log_p = model.log_joint(**latents, **data)
        chance = log_p.softmax(0).detach().numpy()
        same = (seen[:, None] == states[None]).all(-1).sum(0).numpy()
        keep = chance * DRAWS > 10
        observed = [*same[keep], same[~keep].sum()]
        wanted = [*(chance[keep] * DRAWS), max(chance[~keep].sum() * DRAWS, 1e-9)]
        if wanted[-1] < 10:
            observed, wanted = observed[:-1], wanted[:-1]
            wanted = np.array(wanted) * (sum(observed) / sum(wanted))
        found.append(stats.chisquare(observed, wanted).pvalue > 1e-6)
    return found


@pytest.mark.parametrize("name", FINITE)
def test_states_are_drawn_from_their_posterior(name, tmp_path):
    model = settled(FINITE[name], tmp_path).model
    generator = torch.Generator().manual_seed(1)
    values = {"x": torch.randn((3, 2) if name == "mixture" else (3, 3, 2), generator=generator)}
    if name == "ragged":
        values["n"] = torch.tensor([3, 1, 2])
    assert all(agrees(model, values, name))
    assert not all(agrees(model, values, name, wrong=True))


def posterior(model, values, shapes, row):
    """The mean and the covariance of all latents of a row, one vector in the order of `shapes`."""
    taken = {n: v[row : row + 1] for n, v in values.items()}
    sizes = [math.prod(shape) for shape in shapes.values()]

    def log_joint(flat):
        parts = flat.split(sizes)
        own = {n: p.view(1, *shape) for (n, shape), p in zip(shapes.items(), parts, strict=True)}
        return model.log_joint(**own, **taken).sum()

    zero = torch.zeros(sum(sizes))
    slope = torch.autograd.functional.jacobian(log_joint, zero)
    covariance = torch.linalg.inv(-torch.autograd.functional.hessian(log_joint, zero))
    return covariance @ slope, covariance


@pytest.mark.parametrize("name", NORMAL)
def test_normal_latents_are_drawn_from_their_posterior(name, tmp_path):
    text = NORMAL[name]
    made = settled(text, tmp_path)
    values = test_integrals.data(text)
    shapes = {"z0": (2,)} if "z0" in text else {}
    shapes["z"] = (2, 2) if name == "matrix" else (2,) if name == "ppca" else (4, 2)
    for row in range(2):
        with torch.no_grad():
            drawn = made.model.sample_posterior(Noise.at(row), **repeated(values, row))
        flat = torch.cat([drawn[n].reshape(DRAWS, -1) for n in shapes], -1)
        mean, covariance = posterior(made.model, values, shapes, row)
        spread = covariance.diagonal().sqrt()
        away = (flat.mean(0) - mean) / spread * DRAWS**0.5
        assert away.abs().max() < 5, name
        scaled = (flat - mean) / spread
        correlation = covariance / spread[:, None] / spread
        seen = scaled.mT @ scaled / DRAWS
        error = ((1 + correlation**2) / DRAWS).sqrt()
        assert ((seen - correlation) / error).abs().max() < 5, name
        prior = (flat.mean(0) / spread * DRAWS**0.5).abs().max()
        assert prior > 5  # the mean of the prior is none of the posterior


def test_the_start_of_rows_of_other_lengths_is_drawn_at_the_right_step(tmp_path):
    """Both directions, against rows of this length alone."""
    for text in (test_random_starts.RAGGED, test_random_starts.RAGGED_BACKWARD):
        made = settled(text, tmp_path)
        x, n = test_random_starts.rows(1).expand(DRAWS, -1, -1), torch.full((DRAWS,), 2)
        with torch.no_grad():
            drawn = made.model.sample_posterior(Noise.at(0), x=x, n=n)
        mean, covariance = _short(made.model, x[:1])
        flat = torch.cat([drawn["z0"], drawn["z"][:, :2].reshape(DRAWS, -1)], -1)
        away = (flat.mean(0) - mean) / covariance.diagonal().sqrt() * DRAWS**0.5
        assert away.abs().max() < 5


def _short(model, x):
    """The posterior of the start and of the two steps of a row, whose padding has no density."""

    def log_joint(flat):
        states = torch.cat([flat[2:].view(1, 2, 2), torch.zeros(1, 2, 2)], 1)
        return model.log_joint(z0=flat[:2].view(1, 2), z=states, x=x, n=torch.tensor([2])).sum()

    zero = torch.zeros(6)
    slope = torch.autograd.functional.jacobian(log_joint, zero)
    covariance = torch.linalg.inv(-torch.autograd.functional.hessian(log_joint, zero))
    return covariance @ slope, covariance
