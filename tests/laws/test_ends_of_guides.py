"""Guides of latents whose ends other latents determine: densities by quadrature, bounds, points.

Quadrature has an error below 1e-3. Means over draws are accepted within 5 standard errors, a
false alarm in 2 million.
"""

from __future__ import annotations

import math

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.runtime.bijections import ends
from specc.runtime.bijections.event import total
from specc.runtime.distributions import multivariate_normal, normal
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.test_ends import BOTH, HEAD, MODELS, Y, exact, latents_of
from tests.losses import computed

KINDS = ["mean_field", "multivariate_normal", "low_rank", "{iaf: {hidden: [5]}}"]
PLATED = "a plate"


@pytest.fixture(autouse=True)
def _double():
    with precision(torch.float64):
        yield


def made(name, kind, folder):
    """The program of a model of `test_ends` with a derived guide."""
    text, _ = MODELS[name]
    names = latents_of(text)
    plates = "plates: {k: 4}\n" if "plate: k" in text else ""
    total = " + ".join(f"{n}[0]" if "[3]" in text or plates else n for n in names)
    observed = f'  y: {{observed: normal, loc: "{total}", scale: 1}}\n'
    end = f"guide: {{auto: {kind}}}\nobjective: elbo\n"
    return program(f"{HEAD}{plates}model:{text}{observed}{end}", folder)


def proper():
    """The models without flat priors, which a guide cannot draw."""
    return [name for name, (text, _) in MODELS.items() if "improper" not in text]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", proper())
def test_draws_are_in_the_support_and_have_a_density(name, kind, tmp_path):
    if name == PLATED and kind != "mean_field":
        return
    own, (text, holds) = made(name, kind, tmp_path), MODELS[name]
    loose(own, by=0.2)
    draws, log_q = own.guide.sample_global_and_log_prob(Noise.at(0, 1), 50)
    for at in range(50):
        assert holds(*(draws[n][at].squeeze(0).detach() for n in latents_of(text)))
    assert log_q.isfinite().all() and log_q.shape[0] == 50
    one = own.guide.sample_global(Noise.at(0, 2))
    assert holds(*(one[n].detach() for n in latents_of(text)))
    loss = own.loss("loss", {}, {"y": torch.as_tensor(Y)}, Noise.at(0, 3), {"data_size": 3.0}).loss
    assert loss.isfinite()


def guided(kind, folder, particles=1):
    """The program of BOTH with a guide, whose parameters are random."""
    end = f"guide: {{auto: {kind}}}\nobjective: {{elbo: {{particles: {particles}}}}}\n"
    return program(f"{HEAD}model:{BOTH}{end}", folder)


def log_q_at(guide, kind, a, b):
    """log q at given values, by the inverses of the maps."""
    if kind == "mean_field":
        (u, log_det_a), (v, log_det_b) = (
            guide.a_inverse_and_log_det(a),
            guide.b_inverse_and_log_det(b, a),
        )
        log_q = normal.log_prob(u, *guide.a_loc_scale()) + log_det_a
        return log_q + normal.log_prob(v, *guide.b_loc_scale()) + log_det_b
    base, log_det = guide.latents_inverse_and_log_det(torch.stack([a, b], -1))
    if kind == "multivariate_normal":
        return multivariate_normal.log_prob(base, *guide.latents_loc_scale_tril()) + log_det
    return normal.log_prob(base, *guide.latents_loc_scale()).sum(-1) + log_det


QUADRATURE = ["mean_field", "multivariate_normal", "{iaf: {hidden: [5]}}"]


def mass(guide, kind):
    """The integral of q over 0 < b < 1 - a < 1, with the points of a tanh-sinh rule."""
    t = torch.linspace(-3.2, 3.2, 241)
    share = torch.sigmoid(math.pi * t.sinh())
    weights = share * (1 - share) * math.pi * t.cosh() * (t[1] - t[0])
    a, b = share[:, None].expand(241, 241), (1 - share[:, None]) * share
    area = weights[:, None] * weights * (1 - a)
    inside = (a > 0) & (a < 1) & (b > 0) & (b < 1 - a)
    with torch.no_grad():
        log_q = log_q_at(guide, kind, torch.where(inside, a, 0.3), torch.where(inside, b, 0.3))
    return torch.where(inside, area * log_q.exp(), 0.0).sum().item()


def loose(own, seed=5, by=0.4):
    """Sets all parameters of the guide to random values, and the scales to wide ones."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, each in own.guide.named_parameters():
            each.copy_(by * torch.randn_like(each))
            if name == "latents_scale_tril_free":
                each += torch.eye(len(each)) * math.log(10)


@pytest.mark.parametrize("kind", QUADRATURE)
def test_the_density_of_a_guide_sums_to_one(kind, tmp_path):
    own = guided(kind, tmp_path)
    loose(own)
    assert mass(own.guide, kind) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("kind", QUADRATURE)
def test_a_log_determinant_without_the_width_does_not_sum_to_one(kind, tmp_path, monkeypatch):
    right = ends.Between.inverse

    def wrong(self, x, context=None):
        u, log_det = right(self, x, context)
        _, low, high = self._ends(x, context)
        return u, log_det - total((high - low).log(), self.rank)

    monkeypatch.setattr(ends.Between, "inverse", wrong)
    own = guided(kind, tmp_path)
    loose(own)
    assert abs(mass(own.guide, kind) - 1) > 0.05


@pytest.mark.parametrize("kind", QUADRATURE)
def test_the_density_of_a_draw_is_that_at_its_values(kind, tmp_path):
    own = guided(kind, tmp_path)
    loose(own)
    draws, log_q = own.guide.sample_global_and_log_prob(Noise.at(0, 1), 40)
    found = log_q_at(own.guide, kind, draws["a"], draws["b"])
    torch.testing.assert_close(found, log_q, atol=1e-8, rtol=1e-8)


def bound(own, seed):
    """The lower bound of the log evidence."""
    batch = {"y": torch.as_tensor(Y)}
    return -len(Y) * computed(own, batch, Noise.at(seed, dtype=torch.float64), len(Y))[0]


def trained(kind, folder):
    """The program after 300 steps of Adam with 30 particles."""
    own = guided(kind, folder, 30)
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(own.guide.parameters(), lr=0.05)
    for step in range(300):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / 300)
        optimizer.zero_grad()
        (-bound(own, step)).backward()
        optimizer.step()
    return own


def log_weights(own, count):
    """log p(y, a, b) - log q(a, b) of draws of the guide."""
    with torch.no_grad():
        draws, log_q = own.guide.sample_global_and_log_prob(Noise.at(0, 77), count)
        rows = torch.as_tensor(Y)
        a, b = draws["a"], draws["b"]
        log_p = normal.log_prob(rows, 2 * a + b, 0.3).sum(-1) - torch.log1p(-a).squeeze(-1)
    return log_p - log_q.squeeze(-1)


def test_the_bounds_are_in_order(tmp_path):
    """Mean field < full covariance < importance weights of 10 draws < log p(y)."""
    evidence = math.log(exact()[0])
    found, errors = [], []
    for kind in ("mean_field", "multivariate_normal"):
        weights = log_weights(trained(kind, tmp_path), 20_000)
        found.append(weights.mean().item())
        errors.append(weights.std().item() / 20_000**0.5)
    groups = weights.reshape(-1, 10).logsumexp(1) - math.log(10)
    found.append(groups.mean().item())
    errors.append(groups.std().item() / 2_000**0.5)
    room = 5 * max(errors)
    assert found[0] + room < found[1] < found[2] - room
    assert found[2] < evidence + 5 * errors[2]
    assert evidence - found[2] < 0.1
    assert weights.logsumexp(0).item() - math.log(20_000) == pytest.approx(evidence, abs=0.02)


OF_ROWS = """
  x: {given: x}
  a: {latent: uniform, low: 0, high: 1}
  b: {latent: uniform, low: 0, high: 1 - a}
  c: {latent: truncated(normal), lower: x, upper: b + exp(x), loc: 0, scale: 1}
  y: {observed: normal, loc: a + b + c, scale: 0.3}
guide: auto
objective: elbo
"""


def test_a_latent_of_rows_is_drawn_after_its_ends(tmp_path):
    """The faithful inverse draws `a` given `b`, if nothing else is asked for."""
    head = HEAD.replace("fields: {", "fields: {x: {from: x, shape: []}, ")
    own = program(f"{head}model:{OF_ROWS}", tmp_path)
    loose(own, by=0.2)
    x = torch.linspace(-1, 1, 7)
    sample, _ = own.guide.sample_and_log_prob(Noise.at(0, 1), 1, x=x, y=x)
    a, b, c = (sample[name] for name in "abc")
    assert ((b > 0) & (b < 1 - a) & (c > x) & (c < b + x.exp())).all()
    loss = own.loss("loss", {}, {"x": x, "y": x}, Noise.at(0, 3), {"data_size": 7.0}).loss
    assert loss.isfinite()
