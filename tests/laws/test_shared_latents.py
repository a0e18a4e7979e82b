"""Finite latents that rows share, against enumeration in float64.

The expectation under q(b) is a sum over rows, so a mean over batches gives the bound of the data.
The log of a sum of the density over b is not: no log of a mean over particles for each row has it.
"""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import gradient, settle
from tests.laws.test_gradients import check
from tests.losses import computed

ASKED = ", draw: enumerate"
HEAD = "specc: 1\nname: shared\n"
X = torch.tensor([0.3, -1.2, 2.1, 0.8], dtype=torch.float64)
G = torch.tensor([0, 2, 1, 2])


@pytest.fixture(autouse=True)
def _double():
    with precision(torch.float64):
        yield


def bit(logit, value):
    return Bernoulli(logits=torch.as_tensor(logit)).log_prob(torch.tensor(float(value)))


LOCAL_INSIDE = """
model:
  m: {parameter: real, shape: []}
  t: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: 0.4, global: true}
  y: {latent: categorical, logits: 0, classes: 3%s}
  x: {observed: normal, loc: m * b + t * y, scale: 1}
guide:
  l: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: l%s}
  %s
objective: %s
"""


def fit(p, b, x):
    """log sum_y p(y) p(x | b, y) of each row."""
    each = [Normal(p.model.m * b + p.model.t * y, 1.0).log_prob(x) for y in range(3)]
    return torch.stack(each).logsumexp(0) - torch.tensor(3.0).log()


def summed_inside(p, x, rows):
    """The class of a row is marginalized in the model, and b has the weights of the guide."""
    q = Bernoulli(logits=p.guide.l)
    weighed = [bit(p.guide.l, b).exp() * fit(p, b, x).mean() for b in (0, 1)]
    return -(sum(weighed) - kl_divergence(q, Bernoulli(logits=torch.tensor(0.4))) / rows)


def weighed_inside(p, x, rows):
    """The class of a row has weights of the guide, too, which are uniform."""
    q = Bernoulli(logits=p.guide.l)
    fits = [
        bit(p.guide.l, b).exp() / 3 * Normal(p.model.m * b + p.model.t * y, 1.0).log_prob(x).mean()
        for b in (0, 1)
        for y in range(3)
    ]
    return -(sum(fits) - kl_divergence(q, Bernoulli(logits=torch.tensor(0.4))) / rows)


PAIR = """
model:
  m: {parameter: real, shape: [3]}
  k: {latent: categorical, logits: 0, classes: 3, global: true}
  b: {latent: bernoulli, logits: k - 1, shape: [2], global: true}
  x: {observed: normal, loc: "m[k] + b[0] - 2 * b[1]", scale: 1}
guide:
  l: {parameter: real, shape: [3]}
  r: {parameter: real, shape: [2]}
  k: {latent: categorical, logits: l}
  b: {latent: bernoulli, logits: r * k}
objective: elbo
"""


def pair(p, x, rows):
    """Two shared latents; one depends on the other in model and guide."""
    total = 0.0
    for k, first, second in itertools.product(range(3), (0, 1), (0, 1)):
        log_q = Categorical(logits=p.guide.l).logits[k]
        log_q = log_q + bit(p.guide.r[0] * k, first) + bit(p.guide.r[1] * k, second)
        log_p = bit(k - 1.0, first) + bit(k - 1.0, second) - torch.tensor(3.0).log()
        seen = Normal(p.model.m[k] + first - 2 * second, 1.0).log_prob(x).mean()
        total = total + log_q.exp() * (seen + (log_p - log_q) / rows)
    return -total


BELOW = """
plates: {users: 3}
model:
  m: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: 0.4, global: true}
  u: {latent: normal, loc: "m * b", scale: 1, plate: users}
  x: {observed: normal, loc: m * b, scale: 1}
guide:
  l: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: l, draw: enumerate}
  r: {parameter: real, plate: users}
  u: {latent: normal, loc: r, scale: 0.5}
objective: elbo
"""


def below(p, x, rows):
    """A divergence of the elements of a plate, for each value of a latent of all rows."""
    total = 0.0
    for b in (0, 1):
        log_q, loc = bit(p.guide.l, b), p.model.m * b
        shared = bit(0.4, b) - log_q
        shared = shared - kl_divergence(Normal(p.guide.r, 0.5), Normal(loc, 1.0)).sum()
        total = total + log_q.exp() * (Normal(loc, 1.0).log_prob(x).mean() + shared / rows)
    return -total


WRITTEN = '{minimize: "-0.5 * elbo(model, guide) - 0.5 * elbo(model, guide)"}'
ACCEPTED = {
    "the class of a row summed out": (LOCAL_INSIDE % (ASKED, "", "", "elbo"), summed_inside),
    "a written bound": (LOCAL_INSIDE % (ASKED, "", "", WRITTEN), summed_inside),
    "every value asked for": (LOCAL_INSIDE % (ASKED, ASKED, "", "elbo"), summed_inside),
    "the class of a row weighed": (
        LOCAL_INSIDE % ("", "", "y: {latent: categorical, logits: 0, classes: 3}", "elbo"),
        weighed_inside,
    ),
    "two shared latents": (PAIR, pair),
    "a plate below a shared latent": (BELOW, below),
}


@pytest.mark.parametrize("text, exact", ACCEPTED.values(), ids=ACCEPTED)
def test_values_and_gradients_are_those_of_every_value_tried(text, exact, tmp_path):
    made = program(HEAD + text, tmp_path)
    settle(made)
    noise = Noise.at(0, dtype=torch.float64)
    loss, *_ = computed(made, {"x": X}, noise, len(X))
    wanted = exact(made, X, len(X))
    torch.testing.assert_close(loss, wanted)
    torch.testing.assert_close(gradient(made, loss), gradient(made, wanted))
    batches = [computed(made, {"x": part}, noise, len(X))[0] for part in X.split(2)]
    torch.testing.assert_close(torch.stack(batches).mean(), wanted)


SCORED = """
model:
  m: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: 0.4, global: true}
  c: {latent: bernoulli, logits: b, global: true}
  x: {observed: normal, loc: m * b + 3 * c, scale: 1}
guide:
  l: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: l, draw: enumerate}
  c: {latent: bernoulli, logits: l * b + 0.3, draw: {score: {baseline: none}}}
objective: {elbo: {particles: 40}}
"""


def test_a_score_gradient_given_a_value_that_is_weighed(tmp_path):
    """Each value of b has a draw of c, whose learning signal is that of this value alone."""
    x = X[:1]

    def exact(p):
        total = 0.0
        for b, c in itertools.product((0, 1), (0, 1)):
            log_q = bit(p.guide.l, b) + bit(p.guide.l * b + 0.3, c)
            log_p = bit(0.4, b) + bit(float(b), c)
            seen = Normal(p.model.m * b + 3 * c, 1.0).log_prob(x).mean()
            total = total + log_q.exp() * (seen + (log_p - log_q) / 7)
        return -total

    check(SCORED, exact, tmp_path, [("+ surrogate_c", "")], {"x": x})


PLATED = """
plates: {users: 3}
model:
  g: {given: g, plate_index: users}
  m: {parameter: real, shape: []}
  b: {latent: %s, plate: users}
  x: {observed: normal, loc: "m * b[g]", scale: 1}
%s
objective: %s
"""
BIT = "bernoulli, logits: 0.4"
GUIDE = "guide:\n  l: {parameter: real, plate: users}\n  b: {latent: bernoulli, logits: l%s}"


@pytest.mark.parametrize("particles", [1, 2])
def test_a_finite_latent_of_a_plate_is_scored_without_bias(particles, tmp_path):
    """The exact gradient sums over the values of the element with the index of the row."""
    place = 2

    def exact(p):
        logits = p.guide.l
        fits = [
            bit(logits[place], b).exp() * Normal(p.model.m * b, 1.0).log_prob(X[:1]).mean()
            for b in (0, 1)
        ]
        prior = Bernoulli(logits=torch.tensor(0.4))
        return -(sum(fits) - kl_divergence(Bernoulli(logits=logits), prior).sum() / 7)

    objective = f"{{elbo: {{particles: {particles}}}}}"
    text = PLATED % (BIT, GUIDE % "", objective)
    batch = {"x": X[:1], "g": torch.tensor([place])}
    check(text, exact, tmp_path, [("+ surrogate_b", "")], batch)


SHARED = """
model:
  m: {parameter: real, shape: []}
  b: {latent: %s, global: true}
  x: {observed: normal, loc: "m * b", scale: 1}
%s
objective: %s
"""
BOUNDS = ["elbo", "{iwae: {particles: 2}}", '{minimize: "-elbo(model, guide)"}']
BESIDE = SHARED.replace("1}\n", "1 + z ** 2}\n  z: {latent: normal, loc: 0, scale: 1}\n")
OF_ROWS = "guide: {z: {latent: normal, params: q(x)}}\nlinks: {q: linear}"
REFUSED = [
    (BESIDE % (BIT + ASKED, OF_ROWS, BOUNDS[1]), "E0428"),
    (PLATED % (BIT, GUIDE % ASKED, BOUNDS[1]), "E0417"),
    (SHARED % (BIT, GUIDE.replace("plate: users", "shape: []") % ASKED, BOUNDS[1]), "E0417"),
    (SHARED % (BIT, GUIDE.replace("plate: users", "shape: []") % "", BOUNDS[1]), "E0428"),
]  # fmt: skip


@pytest.mark.parametrize("text, code", REFUSED)
def test_a_sum_that_is_none_over_rows_is_refused_at_the_node(text, code):
    checked = front(Source("spec.yaml", HEAD + text))
    (found,) = (d for d in checked.diagnostics if d.code.startswith("E"))
    assert found.code == code and found.evidence["name"] == "b"
    assert checked.plan is None
