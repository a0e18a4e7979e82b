"""Laws of `y[t-2]`: densities and draws against a loop over single steps, and least squares."""

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program

AR = """specc: 1
name: series
data: {source: npz, path: d.npz, fields: {y: {from: y, shape: [12]}}}
plates: {t: {scan: 12}}
model:
  b: {parameter: real, shape: [2]}
  s: {parameter: positive}
  start: {parameter: real, shape: [2]}
  y:
    observed: normal
    loc: b[0] * y[t-1] + b[1] * y[t-2]
    scale: s
    initial: start
    plate: t
objective: mle
"""
READERS = """specc: 1
name: readers
data: {source: npz, path: d.npz, fields: {y: {from: y, shape: [6]}, n: {from: n, dtype: int64}}}
plates: {t: {scan: 6, lengths: n}}
model:
  n: {given: n}
  x: {given: y, plate: t}
  s: {parameter: positive}
  h: {let: "tanh(h[t-1] - h[t-3] + x)", initial: [0.1, 0.2, 0.3], shape: [], plate: t}
  k: {let: "tanh(k[t+2] + x)", initial: [0.4, 0.5], shape: [], plate: t, reverse: true}
  y: {observed: normal, loc: "h[t-2] + k[t+1]", scale: s, plate: t}
objective: mle
"""


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def before(series, start, t):
    """The value at step t, which may be before the first one."""
    return series[t] if t >= 0 else start[len(start) + t]


def test_an_autoregression_of_order_two(tmp_path):
    """Its density is that of a loop, and its optimum for b is that of least squares."""
    model = program(AR, tmp_path).model
    y = torch.randn((20, 12)).cumsum(-1)
    start = torch.tensor([0.3, -0.7])
    rows = [[[before(r, start, t - 1), before(r, start, t - 2)] for t in range(12)] for r in y]
    design = torch.tensor(rows).reshape(-1, 2)
    found = torch.linalg.lstsq(design, y.reshape(-1, 1)).solution.flatten()
    with torch.no_grad():
        model.start.copy_(start)
        model.b.copy_(found)
    loc = (design @ found).reshape(20, 12)
    wanted = torch.distributions.Normal(loc, model.s.detach()).log_prob(y).sum(-1)
    torch.testing.assert_close(model.log_prob(y=y), wanted)
    model.log_prob(y=y).mean().backward()
    torch.testing.assert_close(model.b.grad, torch.zeros(2), atol=1e-10, rtol=0.0)
    model.b.grad = None
    with torch.no_grad():
        model.b.copy_(found.flip(0))  # the lags in the wrong order
    model.log_prob(y=y).mean().backward()
    assert model.b.grad.abs().max() > 0.1


def test_a_draw_takes_its_own_values_two_steps_back(tmp_path):
    """With almost no noise a draw is the recursion from the values before the first step."""
    model = program(AR, tmp_path).model
    with torch.no_grad():
        model.start.copy_(torch.tensor([1.0, 2.0]))
        model.b.copy_(torch.tensor([0.6, -0.3]))
        model.log_s.fill_(-40.0)
        drawn = model.sample(Noise(torch.Generator().manual_seed(0), torch.float64), 3)["y"]
    wanted: list[float] = []
    for t in range(12):
        wanted.append(
            0.6 * before(wanted, [1.0, 2.0], t - 1) - 0.3 * before(wanted, [1.0, 2.0], t - 2)
        )
    torch.testing.assert_close(drawn, torch.tensor(wanted).expand(3, 12), atol=1e-6, rtol=0.0)


def test_states_of_both_directions_in_rows_of_unequal_length(tmp_path):
    """A backward state starts after the last step of each row, two steps of it."""
    model = program(READERS, tmp_path).model
    y, lengths = torch.randn((5, 6)), torch.tensor([6, 1, 2, 4, 3])
    total = []
    for row, n in zip(y.tolist(), lengths.tolist(), strict=True):
        x = torch.tensor(row[:n])
        h, k = {-3: 0.1, -2: 0.2, -1: 0.3}, {n: 0.4, n + 1: 0.5}
        for t in range(n):
            h[t] = float(torch.tanh(torch.tensor(h[t - 1] - h[t - 3]) + x[t]))
        for t in reversed(range(n)):
            k[t] = float(torch.tanh(torch.tensor(k[t + 2]) + x[t]))
        loc = torch.tensor([h[t - 2] + k[t + 1] for t in range(n)])
        total.append(torch.distributions.Normal(loc, model.s.detach()).log_prob(x).sum())
    torch.testing.assert_close(model.log_prob(n=lengths, y=y, x=y), torch.stack(total))
