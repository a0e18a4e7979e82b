"""Gaussian processes against scikit-learn, and sparse ones against the exact evidence."""

import math

import numpy as np
import pytest
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    ExpSineSquared,
    Matern,
    WhiteKernel,
)

from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.truths.gallery import SPECS, source

TABLE = np.loadtxt(SPECS / "waves.csv", delimiter=",", skiprows=1)
X, Y = torch.tensor(TABLE[:, :1]), torch.tensor(TABLE[:, 1])
SCALE, AMPLITUDE, NOISE = 0.7, 1.3, 0.3
EXACT = """specc: 1
name: exact
data:
  source: npz
  path: a.npz
  fields: {{x: {{from: x, shape: [60, 1]}}, y: {{from: y, shape: [60]}}}}
model:
  x: {{given: x}}
  length_scale: {{parameter: positive, init: 0.7}}
  noise: {{parameter: positive, init: 0.3}}
  y:
    observed: multivariate_normal
    loc: 0
    covariance_matrix: 1.69 * {} + noise ** 2 * eye(60)
objective: mle
"""
KERNELS = {
    "rbf(x, x, length_scale)": RBF(SCALE),
    "matern12(x, x, length_scale)": Matern(SCALE, nu=0.5),
    "matern32(x, x, length_scale)": Matern(SCALE, nu=1.5),
    "matern52(x, x, length_scale)": Matern(SCALE, nu=2.5),
    "periodic(x, x, length_scale, 3)": ExpSineSquared(SCALE, 3.0),
    "rbf(x, x, 2) * periodic(x, x, length_scale, 3)": RBF(2.0) * ExpSineSquared(SCALE, 3.0),
}


def evidence(kernel=KERNELS["rbf(x, x, length_scale)"]):
    """The log evidence of the data, by scikit-learn."""
    whole = ConstantKernel(AMPLITUDE**2) * kernel + WhiteKernel(NOISE**2)
    found = GaussianProcessRegressor(whole, optimizer=None, alpha=0.0).fit(X.numpy(), Y.numpy())
    return found.log_marginal_likelihood_value_


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_evidence_is_that_of_scikit_learn(kernel, tmp_path):
    model = program(EXACT.format(kernel), tmp_path).model
    with torch.no_grad():  # in float64, unlike `init:`
        model.log_length_scale.fill_(math.log(SCALE))
        model.log_noise.fill_(math.log(NOISE))
    found = model.log_prob(x=X[None], y=Y[None])
    assert found.item() == pytest.approx(evidence(KERNELS[kernel]), abs=1e-8)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_gradient_of_the_evidence_is_that_of_finite_differences(kernel, tmp_path):
    model = program(EXACT.format(kernel), tmp_path).model
    raw = torch.zeros(2, dtype=torch.float64, requires_grad=True)

    def of(values):
        state = {"log_length_scale": values[0] - 0.3, "log_noise": values[1] - 1.2}
        return torch.func.functional_call(
            Evidence(model), {f"model.{k}": v for k, v in state.items()}, ()
        )

    assert torch.autograd.gradcheck(of, (raw,))


class Evidence(torch.nn.Module):
    """The log-density of the data under a model."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self):
        return self.model.log_prob(x=X[None], y=Y[None])


def sparse(folder, points):
    """A sparse process with the hyperparameters above and the best guide, in closed form."""
    text = (
        source("svgp")
        .text.replace("m: 15", f"m: {len(points)}")
        .replace("jitter: 1e-6", "jitter: 1e-8")
    )
    made = program(text, folder)
    model, guide = made.model, made.guide
    with torch.no_grad():
        model.z.copy_(points)
        model.log_length_scale.fill_(math.log(SCALE))
        model.log_amplitude.fill_(math.log(AMPLITUDE))
        model.log_noise.fill_(math.log(NOISE))
        a = AMPLITUDE * model.a(model.factor(model.k()), X)
        # Titsias (2009), equation 10, for v = L^-1 u.
        precision = torch.eye(len(points)) + a.mT @ a / NOISE**2
        covariance = torch.linalg.inv(precision)
        guide.mean.copy_(covariance @ (a.mT @ Y) / NOISE**2)
        factor = torch.linalg.cholesky(covariance)
        logarithms = factor.diagonal().log().diag_embed()
        guide.spread_free.copy_(factor.tril(-1) + logarithms)
    return made


def bound(made, draws=200):
    """The mean of the bound of all data over draws, and its standard error."""
    batch, scalars = {"x": X, "y": Y}, {"data_size": 60}
    with torch.no_grad():
        found = [
            -60 * made.loss("loss", {}, batch, Noise.at(n, dtype=torch.float64), scalars).loss
            for n in range(draws)
        ]
    values = torch.stack(found)
    return values.mean().item(), values.std().item() / math.sqrt(draws)


def test_a_sparse_process_with_points_at_the_data_has_the_exact_evidence(tmp_path):
    """The jitter of 1e-8 leaves 0.02 nats; another guide, or fewer points, are worse."""
    made = sparse(tmp_path, X)
    found, error = bound(made)
    assert abs(found - evidence()) < 0.02 + 4.5 * error
    with torch.no_grad():
        made.guide.mean += 0.1
    assert bound(made)[0] < found - 0.2


def test_a_sparse_process_with_few_points_has_the_bound_of_titsias(tmp_path):
    """log N(y; 0, Q + s^2 I) - tr(K - Q) / (2 s^2), equation 9, which is below the evidence."""
    points = torch.linspace(-3, 3, 6, dtype=torch.float64)[:, None]
    made = sparse(tmp_path, points)
    found, error = bound(made)
    with torch.no_grad():
        a = AMPLITUDE * made.model.a(made.model.factor(made.model.k()), X)
    q = a @ a.mT
    normal = torch.distributions.MultivariateNormal(
        torch.zeros(60).double(), q + NOISE**2 * torch.eye(60)
    )
    exact = normal.log_prob(Y) - (60 * AMPLITUDE**2 - q.trace()) / (2 * NOISE**2)
    assert abs(found - exact.item()) < 0.02 + 4.5 * error
    assert exact < evidence() - 1
