"""Variants of an objective are equal under common noise, and bounds increase with K."""

import math
from itertools import pairwise

import pytest
import torch
from torch.distributions import Bernoulli, MultivariateNormal, Normal

from specc.runtime.noise import Noise
from tests.laws.compiling import generated, program
from tests.laws.estimating import settle
from tests.losses import computed

X = (torch.arange(12.0, dtype=torch.float64).reshape(4, 3) % 5 > 1).double()

SPEC = """specc: 1
name: tiny
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: bernoulli, logits: down(z), shape: [3]}
guide:
  z: {latent: normal, params: up(x)%s}
links: {up: linear, down: linear}
objective: %s
"""


def loss(text, folder, x=X, seed=3):
    made = program(text, folder)
    settle(made)
    return computed(made, {"x": x}, Noise.at(seed, dtype=torch.float64), 1)[0].item()


def test_one_particle_is_one_bound(tmp_path):
    """The importance-weighted bound of one particle is the ELBO, also with closed forms."""
    plain = loss(SPEC % ("", "elbo"), tmp_path)
    assert loss(SPEC % ("", "{iwae: {particles: 1}}"), tmp_path) == plain
    score = ", draw: {score: {baseline: mean}}"
    assert loss(SPEC % (score, "{iwae: {particles: 1}}"), tmp_path) == pytest.approx(plain)


def test_a_surrogate_changes_no_value(tmp_path):
    plain = loss(SPEC % ("", "elbo"), tmp_path)
    for baseline in ("none", "mean"):
        draw = f", draw: {{score: {{baseline: {baseline}}}}}"
        assert loss(SPEC % (draw, "elbo"), tmp_path) == pytest.approx(plain, rel=1e-14)


def test_a_written_objective_is_the_named_one(tmp_path):
    named = loss(SPEC % ("", "elbo"), tmp_path)
    written = [
        "-elbo(model, guide)",
        "-log_prob(model.x) + kl(guide.z, model.z)",
        "-log_prob(model.x) - log_prob(model.z) + log_prob(guide.z)",
        "-(2 * elbo(model, guide)) / 2",
    ]
    for text in written:
        assert loss(SPEC % ("", f'{{minimize: "{text}"}}'), tmp_path) == pytest.approx(named)


def test_the_order_of_nodes_changes_nothing(tmp_path):
    text = SPEC % ("", "elbo")
    lines = text.splitlines()
    lines[3], lines[4] = lines[4], lines[3]
    swapped = "\n".join(lines) + "\n"
    first, second = program(text, tmp_path), program(swapped, tmp_path)
    settle(first)
    second.load_state_dict(first.state_dict())
    values = [
        computed(p, {"x": X}, Noise.at(3, dtype=torch.float64), 1)[0].item()
        for p in (first, second)
    ]
    assert values[0] == values[1]
    assert (
        generated(text)["guide.py"].split('"""')[2:]
        == generated(swapped)["guide.py"].split('"""')[2:]
    )


def test_the_joint_is_the_sum_of_its_factors(tmp_path):
    made = program(SPEC % ("", "elbo"), tmp_path)
    settle(made)
    z = torch.randn(5, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = Normal(0.0, 1.0).log_prob(z).sum(-1)
    expected = expected + Bernoulli(logits=made.model.x_logits(z)).log_prob(X).sum(-1)
    torch.testing.assert_close(made.model.log_joint(z=z, x=X), expected, rtol=1e-12, atol=1e-12)


LINEAR = """specc: 1
name: line
model:
  noise: {parameter: positive}
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: down(z), scale: noise, shape: [3]}
guide:
  z: {latent: normal, params: up(x)}
links: {up: linear, down: linear}
objective: elbo
"""


def test_the_bounds_rise_to_the_exact_value(tmp_path):
    """The limit is log N(x; b, W W' + s^2 I) (Tipping and Bishop 1999); 400 to 4,000 draws each."""
    made = program(LINEAR, tmp_path)
    settle(made, seed=1)
    with torch.no_grad():
        for value in made.parameters():
            value.mul_(0.4)
        for value in made.guide.parameters():
            value.zero_()  # q is the prior, wider than the posterior: weights are bounded
    x = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    w, b = made.model.down.weight, made.model.down.bias
    cover = w @ w.T + made.model.noise**2 * torch.eye(3, dtype=torch.float64)
    exact = MultivariateNormal(b, cover).log_prob(x).mean().item()
    bounds = []
    with torch.no_grad():
        for particles in (1, 5, 50, 500):
            draws = 4000 if particles < 500 else 400
            values = []
            for chunk in range(20):
                noise = Noise.at(chunk, particles, dtype=torch.float64)
                latents, log_q = made.guide.sample_and_log_prob(noise, particles * draws // 20, x=x)
                log_w = made.model.log_joint(x=x, **latents) - log_q
                grouped = log_w.view(draws // 20, particles, 6)
                values.append((grouped.logsumexp(1) - math.log(particles)).mean(-1))
            each = torch.cat(values)
            bounds.append((each.mean().item(), each.std().item() / len(each) ** 0.5))
    for (low, low_error), (high, high_error) in pairwise(bounds):
        assert low < high + 4.5 * math.hypot(low_error, high_error)
    assert bounds[0][0] + 4.5 * bounds[0][1] < bounds[2][0]
    for value, error in bounds:
        assert value < exact + 4.5 * error
    assert bounds[-1][0] > exact - 0.1


# annealed divergences, and free bits


SHAPED = """
specc: 1
name: shaped
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  y: {latent: gamma, concentration: 2, rate: 1}
  x: {observed: normal, loc: "down(z, y)", scale: 1, shape: [3]}
guide:
  z: {latent: normal, params: up(x)}
  y: {latent: log_normal, params: up(x)}
links: {down: linear, up: linear}
objective: {elbo: {%s}}
"""


def shaped(options, folder, text=SHAPED):
    from tests.laws.compiling import program

    found = program(text % options, folder)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in found.parameters():
            value.copy_(0.3 * torch.randn(value.shape, generator=generator, dtype=torch.float64))
    return found


def parts_of(found, weight=1.0):
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)
    noise = Noise.at(1, dtype=torch.float64)
    loss, _, parts = computed(found, {"x": x}, noise, 4, kl_weight=weight)
    return loss, parts


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_weight_multiplies_every_divergence(weight, tmp_path):
    """log p(x | z, y) + w (log p(y) - log q(y) - KL(z)): the likelihood has no weight."""
    found = shaped("warm_up: 0.5", tmp_path)
    loss, parts = parts_of(found, weight)
    shaped_terms = sum(
        sign * value
        for name, value in parts.items()
        for start, sign in (("KL(q(z", -1), ("log q(y", -1), ("log p(y)", 1))
        if name.startswith(start)
    )
    assert torch.isclose(-loss, parts["log p(x | z, y)"] + weight * shaped_terms)
    plain, _ = parts_of(shaped("particles: 1", tmp_path))
    assert (weight == 1.0) == bool(torch.isclose(loss, plain))


def test_a_floor_holds_the_mean_divergence_and_stops_its_gradient(tmp_path):
    text = SHAPED.replace("  y: {latent: log_normal, params: up(x)}\n", "")
    text = text.replace("  y: {latent: gamma, concentration: 2, rate: 1}\n", "")
    text = text.replace('"down(z, y)"', "down(z)")
    free = shaped("particles: 1", tmp_path, text)
    loss, parts = parts_of(free)
    kl = parts["KL(q(z | x) || p(z))"].item()
    for floor in (0.5 * kl, 2 * kl):
        held = shaped(f"free_bits: {floor!r}", tmp_path, text)
        bounded, _ = parts_of(held)
        assert torch.isclose(bounded, loss - kl + max(floor, kl))
    low = shaped(f"free_bits: {2 * kl!r}", tmp_path, text)
    likelihood = parts_of(low)[1]["log p(x | z)"]
    wanted = torch.autograd.grad(-likelihood, list(low.guide.parameters()))
    found = torch.autograd.grad(parts_of(low)[0], list(low.guide.parameters()))
    assert all(torch.allclose(a, b) for a, b in zip(found, wanted, strict=True))
