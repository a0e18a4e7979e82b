"""A parameter with fewer entries than the draw counts for every entry that shares it."""

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from tests.laws.compiling import generated
from tests.laws.test_gradients import HEAD, NODES, WEIGHTS, check

BITS = torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)
SHARED = """
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [3]}
  x: {observed: bernoulli, logits: z}
guide:
  m: {parameter: real, shape: %s}
  s: {parameter: positive, shape: %s}
  z: {latent: normal, loc: m, scale: s}
objective: elbo
"""


def fit(loc, scale, x):
    """E[log p(x | z)] where x_i has the logit z_i."""
    z = loc[..., None] + scale[..., None] * NODES
    return (WEIGHTS * Bernoulli(logits=z).log_prob(x[..., None])).sum()


@pytest.mark.parametrize(
    "loc, scale, exact_kl", [([], [], False), ([3], [], True), ([], [3], True), ([1], [1], False)]
)
def test_three_latents_with_one_scale_or_one_mean(loc, scale, exact_kl, tmp_path):
    spec = SHARED % (loc, scale)

    def exact(p):
        found = p.guide.q_z()
        mean, spread = (value.expand(3) for value in found)
        kl = kl_divergence(Normal(mean, spread), Normal(0.0, 1.0)).sum()
        return kl - fit(mean, spread, BITS)

    text = generated(HEAD + spec)["objective.py"]
    assert ("kl_z" in text) == exact_kl
    wrong = ("log_p_x - kl_z", "log_p_x - kl_z / 3") if exact_kl else ("- log_q_z", "")
    check(spec, exact, tmp_path, [wrong], {"x": BITS})


PLATED = """
plates: {users: 3}
data: {source: csv, path: r.csv, fields: {user: {from: user, dtype: int64}, x: {from: x}}}
model:
  user: {given: user, plate_index: users}
  u: {latent: normal, loc: 0, scale: 1, plate: users}
  x: {observed: bernoulli, logits: "u[%s]"}
guide:
  m: {parameter: real, plate: users}
  s: {parameter: positive}
  u: {latent: normal, loc: %s, scale: s}
objective: %s
"""


@pytest.mark.parametrize("index, place", [("user", 2), ("1", 1)])
@pytest.mark.parametrize("loc, objective", [("m", "elbo"), ("0.3", "{elbo: {particles: 2}}")])
def test_users_with_one_scale(index, place, loc, objective, tmp_path):
    """The divergence of three users counts in full, whatever they share; `u[1]` is the second."""
    spec = PLATED % (index, loc, objective)
    if loc != "m":
        spec = spec.replace("  m: {parameter: real, plate: users}\n", "")
    x = torch.tensor([1.0], dtype=torch.float64)
    batch = {"x": x, "user": torch.tensor([2])}

    def exact(p):
        found = p.guide.q_u()
        mean, spread = found if loc == "m" else (torch.tensor(0.3).double(), found)
        mean, spread = mean.expand(3), spread.expand(3)
        kl = kl_divergence(Normal(mean, spread), Normal(0.0, 1.0)).sum()
        return kl / 7 - fit(mean[place : place + 1], spread[place : place + 1], x)

    check(spec, exact, tmp_path, [(" / data_size", "")], batch)


def test_users_with_one_scale_and_one_mean(tmp_path):
    spec = (PLATED % ("user", "m", "elbo")).replace("real, plate: users", "real")
    x = torch.tensor([1.0], dtype=torch.float64)

    def exact(p):
        mean, spread = (value.expand(3) for value in p.guide.q_u())
        kl = kl_divergence(Normal(mean, spread), Normal(0.0, 1.0)).sum()
        return kl / 7 - fit(mean[:1], spread[:1], x)

    batch = {"x": x, "user": torch.tensor([2])}
    check(spec, exact, tmp_path, [(" / data_size", "")], batch)
