"""Gradients of sequences that a guide draws by score, against exact ones.

The exact loss is the sum over all paths of all latents, with the densities of the interpreter,
which computes one step at a time. Each case has 200,000 seeded samples in float64; a coordinate
deviates by more than 4.5 standard errors for one seed in 50,000.
"""

import itertools

import pytest
import torch

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from tests.laws.compiling import program
from tests.laws.estimating import Z, gradient, settle, worst
from tests.oracles.interpreter import Interpreter

HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x}, n: {from: n, shape: [], dtype: int64}}}
plates: {t: {scan: %s}}
model:
"""
FREE = (
    HEAD % 2
    + """  z: {latent: bernoulli, logits: "f0(z[t-1])", initial: 1, shape: [], plate: t}
  w: {latent: bernoulli, logits: "f1(w[t-1], z)", initial: 0, shape: [], plate: t}
  x: {observed: normal, loc: "f2(w, x[t-1])", scale: 1, initial: 0.5, shape: [2], plate: t}
guide:
  h: {let: "tanh(g0(h[t+1], x))", initial: 0, shape: [2], plate: t, reverse: true}
  z: {latent: bernoulli, logits: "g1(z[t-1], h)"}
  w: {latent: bernoulli, logits: "g2(w[t-1], z, h)"}
links: {f0: linear, f1: linear, f2: linear, g0: linear, g1: linear, g2: linear}
objective: %s
"""
)
TIED = FREE.replace('"f0(z[t-1])"', '"f0(z[t-1], w[t-1])"')
RAGGED = FREE.replace("{scan: 2}", "{scan: 3, lengths: n}").replace(
    "model:\n", "model:\n  n: {given: n}\n"
)
SUMMED = FREE.replace(
    'bernoulli, logits: "f0(z[t-1])"', 'bernoulli, draw: enumerate, logits: "f0(z[t-1])"'
)
SUMMED = (
    SUMMED.replace('  z: {latent: bernoulli, logits: "g1(z[t-1], h)"}\n', "")
    .replace("w[t-1], z, h", "w[t-1], h")
    .replace("g1: linear, ", "")
)
OPPOSITE = FREE.replace(
    '"f0(z[t-1])", initial: 1, shape: [], plate: t',
    '"f0(z[t+1])", initial: 1, shape: [], plate: t, reverse: true',
).replace('"g1(z[t-1], h)"', '"g1(z[t-1], h)", initial: 0')
CASES = {
    "free of each other": (FREE, "elbo"),
    "free of each other, several particles": (FREE, "{elbo: {particles: 2}}"),
    "tied to each other": (TIED, "elbo"),
    "rows of unequal length": (RAGGED, "elbo"),
    "drawn in the opposite order": (OPPOSITE, "elbo"),
    "beside states that are summed out": (SUMMED, "{elbo: {particles: 2}}"),
}


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def batch_of(text):
    """One row of three steps; if rows have lengths, it has two of them."""
    steps = 3 if "lengths" in text else 2
    x = torch.randn((1, steps, 2), generator=torch.Generator().manual_seed(1))
    return {"x": x, **({"n": torch.tensor([2])} if steps == 3 else {})}


def exact(made, text, batch):
    """-elbo, by the sum over all paths."""
    oracle = Interpreter(front(Source("made.yaml", text)), made)
    one = {name: value[0] for name, value in batch.items()}
    drawn = [name for name in ("z", "w") if f"  {name}: {{latent" in text.split("guide:")[1]]
    rest = [name for name in ("z", "w") if name not in drawn]

    def paths(names):
        for states in itertools.product([0.0, 1.0], repeat=2 * len(names)):
            values = torch.tensor(states).view(len(names), 2)
            values = torch.cat([values, torch.zeros(len(names), batch["x"].shape[1] - 2)], 1)
            yield dict(zip(names, values, strict=True))

    loss = torch.zeros(())
    for path in paths(drawn):
        log_q = oracle.log_joint("guide", {**one, **path})
        known = [oracle.log_joint("model", {**one, **path, **more}) for more in paths(rest)]
        loss = loss - log_q.exp() * (torch.stack(known).logsumexp(0) - log_q)
    return loss


@pytest.mark.parametrize("name", CASES)
def test_the_mean_gradient_is_the_exact_one(name, tmp_path):
    form, objective = CASES[name]
    text = form % objective
    made, batch = program(text, tmp_path), batch_of(text)
    settle(made)
    assert worst(made, batch, gradient(made, exact(made, text, batch))) < Z


def test_a_term_that_is_missing_is_noticed(tmp_path):
    """The learning signal of a state includes the terms of later steps."""
    text = TIED % "elbo"
    made, batch = program(text, tmp_path), batch_of(text)
    settle(made)
    wanted = gradient(made, exact(made, text, batch))
    wrong = ("signal_z = ", "signal_z = 0.0 * ")
    bad = program(text, tmp_path, wrong)
    settle(bad)
    assert worst(bad, batch, wanted) > Z
