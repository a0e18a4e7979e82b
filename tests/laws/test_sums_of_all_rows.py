"""Finite latents with one value for all rows, summed out, against enumeration in float64.

log p(x) = log sum_b p(b) prod_i p(x_i | b) is one sum outside the product over rows. The wrong
variant, which sums row by row, fails each case.
"""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import gradient, settle
from tests.losses import computed

HEAD = "specc: 1\nname: shared\n"
X = torch.tensor([0.3, -1.2, 2.1, 0.8], dtype=torch.float64)
G = torch.tensor([0, 2, 1, 2])
THIRD = torch.tensor(3.0, dtype=torch.float64).log()


@pytest.fixture(autouse=True)
def _double():
    with precision(torch.float64):
        yield


def bit(logit, value):
    return Bernoulli(logits=torch.as_tensor(logit)).log_prob(torch.tensor(float(value)))


def normal(value, loc, scale=1.0):
    return Normal(loc, scale).log_prob(torch.as_tensor(value))


ONE = """
model:
  m: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: 0.4, global: true}
  x: {observed: normal, loc: m * b, scale: 1}
objective: mle
"""


def one(p):
    return [bit(0.4, b) + normal(X, p.model.m * b).sum() for b in (0, 1)]


INSIDE = """
model:
  m: {parameter: real, shape: [2]}
  t: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: 0.4, global: true}
  y: {latent: categorical, logits: 0, classes: 3}
  x: {observed: normal, loc: "m[b] + t * y", scale: 1}
objective: mle
"""


def inside(p):
    """The class of each row is summed out inside the product over rows."""
    for b in (0, 1):
        each = [normal(X, p.model.m[b] + p.model.t * y) for y in range(3)]
        yield bit(0.4, b) + (torch.stack(each).logsumexp(0) - THIRD).sum()


TWO = """
model:
  m: {parameter: real, shape: [3]}
  k: {latent: categorical, logits: 0, classes: 3, global: true}
  b: {latent: bernoulli, logits: k - 1, shape: [2], global: true}
  x: {observed: normal, loc: "m[k] + b[0] - 2 * b[1]", scale: 1}
objective: mle
"""


def two(p):
    for k, first, second in itertools.product(range(3), (0, 1), (0, 1)):
        log_p = bit(k - 1.0, first) + bit(k - 1.0, second) - THIRD
        yield log_p + normal(X, p.model.m[k] + first - 2 * second).sum()


PLATED = """
plates: {users: 3}
constants: {start: [[0.3, 0.7], [0.8, 0.2]]}
model:
  g: {given: g, plate_index: users}
  m: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: 0.4, global: true}
  u: {latent: categorical, probs: "start[b]", plate: users}
  x: {observed: normal, loc: "m * b + u[g]", scale: 1}
objective: mle
"""


def plated(p):
    """The latent of each user is summed out inside, given b."""
    probs = torch.tensor([[0.3, 0.7], [0.8, 0.2]], dtype=torch.float64)
    for b in (0, 1):
        total = bit(0.4, b)
        for user in range(3):
            of_user = [
                probs[b, u].log() + normal(X[user == G], p.model.m * b + u).sum() for u in (0, 1)
            ]
            total = total + torch.stack(of_user).logsumexp(0)
        yield total


SPIKE = """
model:
  b: {latent: bernoulli, logits: 0.4, global: true}
  w: {latent: normal, loc: 0, scale: 0.1 + 2 * b, global: true}
  x: {observed: normal, loc: w, scale: 1}
objective: map
"""


def spike(p):
    """A shared latent that depends on b, but whose rows do not: the sum of its prior alone."""
    for b in (0, 1):
        yield bit(0.4, b) + normal(p.model.w, 0.0, 0.1 + 2 * b) + normal(X, p.model.w).sum()


SLAB = SPIKE.replace("loc: w, scale: 1", "loc: w * b, scale: 1")


def slab(p):
    for b in (0, 1):
        yield bit(0.4, b) + normal(p.model.w, 0.0, 0.1 + 2 * b) + normal(X, p.model.w * b).sum()


INTEGRATED = """
model:
  m: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: 0.4, global: true}
  z: {latent: normal, loc: 0, scale: 1}
  x: {observed: normal, loc: m * b + z, scale: 1}
objective: mle
"""


def integrated(p):
    return [bit(0.4, b) + normal(X, p.model.m * b, 2**0.5).sum() for b in (0, 1)]


CASES = {
    "one": (ONE, one),
    "classes of rows inside": (INSIDE, inside),
    "two, one given the other": (TWO, two),
    "latents of elements inside": (PLATED, plated),
    "a prior alone": (SPIKE, spike),
    "a prior and rows": (SLAB, slab),
    "a normal latent inside": (INTEGRATED, integrated),
}


@pytest.mark.parametrize("name", CASES)
def test_the_loss_is_that_of_the_sum_and_row_by_row_it_is_not(name, tmp_path):
    text, terms = CASES[name]
    made = program(HEAD + text, tmp_path)
    settle(made)
    wanted = -torch.stack(list(terms(made))).logsumexp(0) / len(X)
    batch = {"x": X, "g": G} if "given: g" in text else {"x": X}
    found = computed(made, batch, Noise.at(0, dtype=torch.float64), len(X))[0]
    assert abs(found - wanted) < 1e-12
    assert (gradient(made, found) - gradient(made, wanted)).abs().max() < 1e-12
    if "sum_over_rows" not in (made.folder / "model.py").read_text():
        return  # no row depends on it
    by_row = ("= sum_over_rows(", "= (lambda values, _: values)(")
    wrong = program(HEAD + text, tmp_path, by_row, file="model.py")
    settle(wrong)
    assert abs(computed(wrong, batch, Noise.at(0, dtype=torch.float64), len(X))[0] - wanted) > 0.01


GUIDED = """
model:
  m: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: 0.4, global: true, draw: enumerate}
  w: {latent: normal, loc: 0, scale: 1, global: true}
  x: {observed: normal, loc: w + m * b, scale: 1}
guide:
  l: {parameter: real, shape: []}
  w: {latent: normal, loc: l, scale: 0.5}
objective: {elbo: {particles: 2}}
"""


def test_beside_a_guide_that_draws_another_latent(tmp_path):
    """E_q[log sum_b p(b) p(w) prod p(x | b, w) - log q(w)], at the draws of the loss."""
    made = program(HEAD + GUIDED, tmp_path)
    settle(made)
    found = computed(made, {"x": X}, Noise.at(3, dtype=torch.float64), len(X))[0]
    w = made.guide.l + 0.5 * Noise.at(3, dtype=torch.float64).normal((2, 1))
    terms = torch.stack(
        [bit(0.4, b) + normal(X, w + made.model.m * b).sum(-1) for b in (0, 1)]
    ).logsumexp(0)
    kl = kl_divergence(Normal(made.guide.l, 0.5), Normal(0.0, 1.0))
    assert abs(found + (terms.mean() - kl) / len(X)) < 1e-12
