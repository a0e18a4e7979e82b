"""Ends of a support that other latents determine: the maps, the densities and the modes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from specc.engine.storage.latents_of_rows import set_rows
from specc.runtime import unconstrained
from specc.runtime.noise import Noise
from tests.laws.compiling import program

HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {y: {from: y, shape: []}}}
"""

# The latents of each model, and what holds of their values.
MODELS = {
    "upper": (
        """
  a: {latent: uniform, low: 0, high: 1, global: true}
  b: {latent: uniform, low: 0, high: 1 - a, global: true}
""",
        lambda a, b: (b > 0) & (b < 1 - a),
    ),
    "both, in a chain": (
        """
  c: {latent: uniform, low: a - 1, high: b, global: true}
  a: {latent: half_normal, scale: 1, global: true}
  width: {let: exp(a), global: true}
  b: {latent: truncated(normal), lower: a, upper: a + width, loc: 0, scale: 2, global: true}
""",
        lambda a, b, c: (a > 0) & (b > a) & (b < a + a.exp()) & (c > a - 1) & (c < b),
    ),
    "above": (
        """
  a: {latent: normal, loc: 0, scale: 1, global: true}
  b: {latent: truncated(normal), lower: a, loc: 1, scale: 2, global: true}
""",
        lambda a, b: b > a,
    ),
    "below": (
        """
  a: {latent: normal, loc: 0, scale: 1, global: true}
  b: {latent: truncated(logistic), upper: a, loc: 1, scale: 2, global: true}
""",
        lambda a, b: b < a,
    ),
    "above the end of the base, too": (
        """
  a: {latent: normal, loc: 0, scale: 1, global: true}
  b: {latent: truncated(half_normal), lower: a, scale: 2, global: true}
""",
        lambda a, b: (b > a) & (b > 0),
    ),
    "between the end of the base and a latent": (
        """
  a: {latent: half_normal, scale: 1, global: true}
  b: {latent: truncated(exponential), upper: a, rate: 2, global: true}
""",
        lambda a, b: (b > 0) & (b < a),
    ),
    "a threshold": (
        """
  a: {latent: gamma, concentration: 2, rate: 1, global: true}
  b: {latent: pareto, scale: a, alpha: 2, global: true}
""",
        lambda a, b: b > a,
    ),
    "flat": (
        """
  a: {latent: improper_uniform, global: true}
  b: {latent: improper_uniform, high: a, global: true}
""",
        lambda a, b: b < a,
    ),
    "entries": (
        """
  a: {latent: normal, loc: 0, scale: 1, shape: [3], global: true}
  b: {latent: uniform, low: a, high: "[4, 5, 6] + exp(a)", shape: [3], global: true}
""",
        lambda a, b: (b > a).all() & (b < torch.tensor([4.0, 5.0, 6.0]) + a.exp()).all(),
    ),
    "numbers": (
        """
  a: {latent: uniform, low: 0, high: "[1, 2, 3]", shape: [3], global: true}
""",
        lambda a: (a > 0).all() & (a < torch.tensor([1.0, 2.0, 3.0])).all(),
    ),
    "a plate": (
        """
  a: {latent: normal, loc: 0, scale: 1, plate: k}
  b: {latent: uniform, low: a, high: a + 2, plate: k}
""",
        lambda a, b: (b > a).all() & (b < a + 2).all(),
    ),
}


def made(name, folder, end="sampler: nuts"):
    """The program of a model; its observed node depends on all latents."""
    text, _ = MODELS[name]
    names = latents_of(text)
    plates = "plates: {k: 4}\n" if "plate: k" in text else ""
    total = " + ".join(f"{n}[0]" if "[3]" in text or plates else n for n in names)
    observed = f"  y: {{observed: normal, loc: {total}, scale: 1}}\n"
    observed = observed.replace(f"loc: {total}", f'loc: "{total}"')
    return program(f"{HEAD}{plates}model:{text}{observed}{end}\n", folder)


def latents_of(text):
    return sorted(line.split(":")[0].strip() for line in text.splitlines() if "latent:" in line)


@pytest.fixture(autouse=True)
def _double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("name", MODELS)
def test_values_are_in_the_support_and_the_log_determinant_is_that_of_the_jacobian(name, tmp_path):
    own, (text, holds) = made(name, tmp_path), MODELS[name]
    model, names = own.model, latents_of(text)
    parameters = dict(model.named_parameters())
    torch.manual_seed(3)
    with torch.no_grad():
        for each in parameters.values():
            each.copy_(2 * torch.randn_like(each))

    def values(*raw):
        given = dict(zip(parameters, raw, strict=True))
        read = torch.func.functional_call
        found = [read(_Read(model, n), {f"model.{k}": v for k, v in given.items()}) for n in names]
        return torch.cat([each.reshape(-1) for each in found])

    raw = tuple(parameters.values())
    rows = torch.autograd.functional.jacobian(values, raw)
    jacobian = torch.cat([row.reshape(len(row), -1) for row in rows], 1)
    expected = torch.linalg.slogdet(jacobian).logabsdet.item()
    assert model.log_det().item() == pytest.approx(expected, abs=1e-9)
    assert holds(*(getattr(model, n) for n in names))


class _Read(torch.nn.Module):
    """The value of a latent, as the result of a module."""

    def __init__(self, model, name):
        super().__init__()
        self.model, self.name = model, name

    def forward(self):
        return getattr(self.model, self.name)


BOTH = """
  a: {latent: uniform, low: 0, high: 1, global: true}
  b: {latent: uniform, low: 0, high: 1 - a, global: true}
  y: {observed: normal, loc: 2 * a + b, scale: 0.3}
"""
Y = np.array([0.9, 1.4, 0.7])


def exact():
    """The evidence and the integrals of a and b, over 0 < b < 1 - a < 1 (Gauss and Legendre)."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    share, weights = (nodes + 1) / 2, weights / 2
    a, b = share[:, None], (1 - share[:, None]) * share
    area = weights[:, None] * weights * (1 - a)
    density = area * np.exp(log_posterior(a, b))
    return [density.sum(), (density * a).sum(), (density * b).sum()]


def log_posterior(a, b):
    """The log-density of BOTH inside its support."""
    total = sum(stats.norm(2 * a + b, 0.3).logpdf(y) for y in Y)
    return total - np.log1p(-a)


def moments(own):
    """The evidence, and the means of a and b, by quadrature over the unconstrained numbers."""
    side = torch.linspace(-16, 16, 161)
    grid = torch.cartesian_prod(side, side)
    names = [name for name, _ in own.model.named_parameters()]

    def at(u):
        given = {f"program.model.{n}": v for n, v in zip(names, u, strict=True)}
        return torch.func.functional_call(_Posterior(own), given)

    logs, a, b = torch.vmap(at)(grid)
    weight = logs.exp() * (side[1] - side[0]) ** 2
    return [each.item() for each in (weight.sum(), (weight * a).sum(), (weight * b).sum())]


def loss_of(own):
    """The loss of all rows, minus the log-density for each."""
    scalars = {"data_size": float(len(Y))}
    return own.loss("loss", {}, {"y": torch.as_tensor(Y)}, Noise.at(0, 1), scalars).loss


class _Posterior(torch.nn.Module):
    def __init__(self, own):
        super().__init__()
        self.program = own

    def forward(self):
        model, rows = self.program.model, len(Y)
        return -rows * loss_of(self.program), model.a, model.b


def test_the_density_of_the_unconstrained_numbers_has_the_moments_of_the_posterior(tmp_path):
    own = program(f"{HEAD}model:{BOTH}sampler: nuts\n", tmp_path)
    assert moments(own) == pytest.approx(exact(), rel=1e-6)


def test_a_log_determinant_without_the_width_is_detected(tmp_path, monkeypatch):
    def wrong(free, low, high):
        return unconstrained.sigmoid_log_det(free)

    monkeypatch.setattr(unconstrained, "onto_interval_log_det", wrong)
    own = program(f"{HEAD}model:{BOTH}sampler: nuts\n", tmp_path)
    assert abs(moments(own)[0] / exact()[0] - 1) > 0.05


MODE = """
  a: {latent: beta, concentration1: 2, concentration0: 2, global: true}
  b: {latent: truncated(normal), lower: 0, upper: 1 - a, loc: 0.3, scale: 0.2, global: true}
  y: {observed: normal, loc: 2 * a + b, scale: 0.3}
"""


def test_the_mode_is_that_of_the_density_of_the_values(tmp_path):
    """It is not that of the density of the unconstrained numbers, which has a log-determinant."""
    end = "objective: map\ntrain: {optimizer: {adam: {lr: 0.02}}, batch_size: 3, steps: 10}\n"
    own = program(f"{HEAD}model:{MODE}{end}", tmp_path)
    search = {"max_iter": 200, "line_search_fn": "strong_wolfe"}
    optimizer = torch.optim.LBFGS(own.model.parameters(), **search)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(own)
        loss.backward()
        return loss

    optimizer.step(closure)

    def minus(x):
        a, b = x
        if not 0 < a < 1 or not 0 < b < 1 - a:
            return np.inf
        prior = stats.norm(0.3, 0.2)
        inside = prior.logpdf(b) - np.log(prior.cdf(1 - a) - prior.cdf(0))
        seen = stats.norm(2 * a + b, 0.3).logpdf(Y).sum()
        return -(seen + inside + stats.beta(2, 2).logpdf(a))

    tolerances = {"xatol": 1e-9, "fatol": 1e-12}
    best = optimize.minimize(minus, [0.3, 0.3], method="Nelder-Mead", options=tolerances)
    assert loss_of(own).item() * len(Y) == pytest.approx(best.fun, abs=1e-6)
    assert [own.model.a.item(), own.model.b.item()] == pytest.approx(best.x, abs=1e-4)


OF_ROWS = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: []}, y: {from: y, shape: []}}}
model:
  x: {given: x}
  s: {latent: gamma, concentration: 3, rate: 3, global: true}
  z: {latent: uniform, low: 0, high: s * x}
  y: {observed: normal, loc: z, scale: 0.5}
sampler: nuts
"""
X_ROWS, Y_ROWS = np.array([0.4, 2.5]), np.array([0.9, 1.1])


def with_columns(folder):
    """The program of OF_ROWS, which knows its training rows."""
    own = program(OF_ROWS, folder)
    set_rows(own, len(X_ROWS))
    assert own.manifest.sampler.data == {"x": "model.x_rows"}
    own.model.x_rows = torch.as_tensor(X_ROWS)
    return own


def evidence_of_rows(own):
    """The integral of the density over s, z_1 and z_2, by quadrature over unconstrained numbers."""
    wide, side = torch.linspace(-3, 2, 41), torch.linspace(-14, 14, 71)
    log_s, u, v = torch.meshgrid(wide, side, side, indexing="ij")
    scalars = {"data_size": float(len(X_ROWS))}
    batch = {"x": torch.as_tensor(X_ROWS), "y": torch.as_tensor(Y_ROWS)}
    names = [f"own.{name}" for name, _ in own.named_parameters()]
    assert names == ["own.model.log_s", "own.model.z_free"]

    def at(one, two):
        given = dict(zip(names, (one, two), strict=True))
        return torch.func.functional_call(_Rows(own), given, (batch, scalars))

    logs = torch.vmap(at)(log_s.flatten(), torch.stack([u.flatten(), v.flatten()], 1))
    step = (wide[1] - wide[0]) * (side[1] - side[0]) ** 2
    return ((-len(X_ROWS) * logs).exp() * step).sum().item()


class _Rows(torch.nn.Module):
    def __init__(self, own):
        super().__init__()
        self.own = own

    def forward(self, batch, scalars):
        return self.own.loss("loss", {}, batch, Noise.at(0, 1), scalars).loss


def exact_of_rows():
    """The evidence: each z is uniform up to s x."""
    s = np.exp(np.linspace(-6, 3, 4001))
    high = s[:, None] * X_ROWS
    mass = stats.norm.cdf(high, Y_ROWS, 0.5) - stats.norm.cdf(0, Y_ROWS, 0.5)
    density = stats.gamma(3, scale=1 / 3).pdf(s) * np.prod(mass / high, 1) * s
    return np.trapezoid(density, np.log(s))


def test_ends_of_latents_of_rows_are_those_of_their_columns(tmp_path):
    assert evidence_of_rows(with_columns(tmp_path)) == pytest.approx(exact_of_rows(), rel=2e-3)


def test_a_column_of_other_rows_is_detected(tmp_path):
    own = with_columns(tmp_path)
    own.model.x_rows = own.model.x_rows.flip(0)
    assert abs(evidence_of_rows(own) / exact_of_rows() - 1) > 0.05


BEYOND = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: []}, y: {from: y, shape: []}}}
model:
  low: {latent: normal, loc: 0, scale: 2, global: true}
  high: {latent: half_normal, scale: 3, global: true}
  y: {observed: uniform, low: low, high: high}
  x: {observed: truncated(logistic), lower: low, loc: 0, scale: 2}
sampler: nuts
"""


def evidence_beyond(own):
    """The integral of the density over the two ends, by quadrature over unconstrained numbers."""
    side = torch.linspace(-16, 4, 401)
    grid = torch.cartesian_prod(side, side)
    names = [f"own.{name}" for name, _ in own.named_parameters()]
    batch = {"x": torch.as_tensor(X_ROWS), "y": torch.as_tensor(Y_ROWS)}
    scalars = {"data_size": float(len(X_ROWS))}

    def at(u):
        given = dict(zip(names, u, strict=True))
        return torch.func.functional_call(_Rows(own), given, (batch, scalars))

    logs = torch.vmap(at)(grid)
    assert logs.isfinite().all(), "there is no wall"
    return ((-len(X_ROWS) * logs).exp().sum() * (side[1] - side[0]) ** 2).item()


def exact_beyond():
    """The evidence, over low < 0.4, the least value, and high > 1.1, the largest of y."""
    gap = np.exp(np.linspace(-14, 4, 1501))
    low, high = X_ROWS.min() - gap[:, None], Y_ROWS.max() + gap
    prior = stats.norm(0, 2).pdf(low) * stats.halfnorm(0, 3).pdf(high)
    seen = stats.logistic(0, 2).pdf(X_ROWS).prod() / stats.logistic(0, 2).sf(low) ** 2
    density = prior * seen * (high - low) ** -2.0 * gap[:, None] * gap
    inner = np.trapezoid(density, np.log(gap), axis=1)
    return np.trapezoid(inner, np.log(gap))


def with_all_rows(folder):
    """The program of BEYOND, which knows its training rows."""
    own = program(BEYOND, folder)
    assert own.manifest.sampler.data == {"y": "model.y_rows", "x": "model.x_rows"}
    own.model.x_rows, own.model.y_rows = map(torch.as_tensor, (X_ROWS, Y_ROWS))
    return own


def test_a_latent_that_ends_the_data_is_beyond_all_of_it(tmp_path):
    assert evidence_beyond(with_all_rows(tmp_path)) == pytest.approx(exact_beyond(), rel=2e-3)


def test_an_end_that_lacks_a_part_of_the_posterior_is_detected(tmp_path):
    own = with_all_rows(tmp_path)
    own.model.y_rows = own.model.y_rows + 0.5
    assert abs(evidence_beyond(own) / exact_beyond() - 1) > 0.05
