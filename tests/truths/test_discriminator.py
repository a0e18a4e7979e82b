"""The optimal discriminator on a finite space (Goodfellow et al. 2014, prop. 1 and theorem 1).

Data have the probabilities p, samples q. For a fixed generator the discriminator D = sigmoid(d)
that minimizes -E_p[log D] - E_q[log(1 - D)] is p/(p + q), and the loss there is ln 4 - 2 JS(p, q).
The rows have exactly the frequencies p, and the values of the sample are marginalized, so there is
no sampling error: both are reached within 1e-3.
"""

from __future__ import annotations

import math

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.losses import computed

SPEC = """\
specc: 1
name: finite
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [4]}}}
model:
  w: {parameter: real, shape: [4], init: zeros}
  y: {latent: categorical, logits: w, draw: enumerate}
  x: {let: "one_hot(y, 4)"}
links: {d: linear}
objective: {gan: {critic: d, loss: LOSS}}
"""
P = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
Q = torch.tensor([0.4, 0.4, 0.1, 0.1], dtype=torch.float64)
BATCH = {"x": torch.eye(4, dtype=torch.float64)[[0, 1, 1, 2, 2, 2, 3, 3, 3, 3]]}
WITHIN = 1e-3


def divergence(a, b):
    return (a * (a / b).log()).sum()


MIDDLE = (P + Q) / 2
JENSEN_SHANNON = (divergence(P, MIDDLE) + divergence(Q, MIDDLE)).item() / 2


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


def trained(folder, loss, change=None):
    """The values d(x) at each x, and the loss, once the critic is at its optimum."""
    made = program(SPEC.replace("LOSS", loss), folder, change)
    with torch.no_grad():
        made.model.w.copy_(Q.log())
    critic = list(made.networks.parameters())
    optimizer = torch.optim.LBFGS(critic, max_iter=500, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        found, *_ = computed(made, BATCH, Noise.at(1, dtype=torch.float64), name="critic")
        found.backward(inputs=critic)
        return found

    optimizer.step(step)
    values = made.networks.d(torch.eye(4, dtype=torch.float64)).detach()
    return values.flatten(), step().item()


@pytest.mark.parametrize("loss", ["minimax", "non_saturating"])
def test_it_is_the_share_of_the_data_and_its_loss_the_divergence(loss, tmp_path):
    values, found = trained(tmp_path, loss)
    torch.testing.assert_close(values.sigmoid(), P / (P + Q), rtol=0, atol=WITHIN)
    assert found == pytest.approx(math.log(4) - 2 * JENSEN_SHANNON, abs=WITHIN)


def test_a_discriminator_of_other_samples_is_noticed(tmp_path):
    """With doubled weights of samples it is p/(p + 2q)."""
    once, twice = "softplus(d_model_x)", "2 * softplus(d_model_x)"
    values, found = trained(tmp_path, "minimax", (once, twice))
    assert (values.sigmoid() - P / (P + Q)).abs().max() > 10 * WITHIN
    torch.testing.assert_close(values.sigmoid(), P / (P + 2 * Q), rtol=0, atol=WITHIN)
    assert abs(found - (math.log(4) - 2 * JENSEN_SHANNON)) > 10 * WITHIN


def test_least_squares_have_the_same_optimum(tmp_path):
    """With the targets 1 and 0 (Mao et al. 2017, equation 5) the loss is half of sum pq/(p + q)."""
    values, found = trained(tmp_path, "least_squares")
    torch.testing.assert_close(values, P / (P + Q), rtol=0, atol=WITHIN)
    assert found == pytest.approx((P * Q / (P + Q)).sum().item() / 2, abs=WITHIN)
