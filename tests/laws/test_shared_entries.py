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
    """E[log p(x | z)] for x_i with the logit z_i."""
    z = loc[..., None] + scale[..., None] * NODES
    return (WEIGHTS * Bernoulli(logits=z).log_prob(x[..., None])).sum()


@pytest.mark.parametrize(
    "loc, scale, exact_kl", [([], [], False), ([3], [], True), ([], [3], True), ([1], [1], False)]
)
def test_three_latents_with_one_scale_or_one_mean(loc, scale, exact_kl, tmp_path):
    spec = SHARED % (loc, scale)

    def exact(p):
        found = p.guide.z_loc_scale()
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
  m: {parameter: real%s}
  s: {parameter: positive%s}
  u: {latent: normal, loc: m, scale: s}
objective: %s
"""
NUMBER = PLATED.replace("  m: {parameter: real%s}\n", "").replace("loc: m", "loc: 0.3")
EACH, ONE = ", plate: users", ""
TWICE = "{elbo: {particles: 2}}"


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        pytest.param(PLATED % ("user", EACH, EACH, "elbo"), 2, id="their own"),
        pytest.param(PLATED % ("user", EACH, ONE, "elbo"), 2, id="one scale"),
        pytest.param(PLATED % ("1", EACH, ONE, "elbo"), 1, id="one scale, the second"),
        pytest.param(PLATED % ("user", ONE, ONE, "elbo"), 2, id="one scale and one mean"),
        pytest.param(NUMBER % ("user", ONE, TWICE), 2, id="one scale and a number"),
        pytest.param(NUMBER % ("1", ONE, TWICE), 1, id="one scale and a number, the second"),
    ],
)
def test_users(spec, place, tmp_path):
    """The divergence sums over three users, also with shared parameters; `u[1]` is the second."""
    x = torch.tensor([1.0], dtype=torch.float64)
    batch = {"x": x, "user": torch.tensor([2])}

    def exact(p):
        has_loc = hasattr(p.guide, "u_loc_scale")
        found = (
            p.guide.u_loc_scale() if has_loc else (torch.tensor(0.3).double(), p.guide.u_scale())
        )
        loc, scale = found
        loc, scale = loc.expand(3), scale.expand(3)
        kl = kl_divergence(Normal(loc, scale), Normal(0.0, 1.0)).sum()
        return kl / 7 - fit(loc[place : place + 1], scale[place : place + 1], x)

    check(spec, exact, tmp_path, [(" / data_size", "")], batch)
