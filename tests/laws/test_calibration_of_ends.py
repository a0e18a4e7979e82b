"""Simulation-based calibration of chains between moving ends (Talts et al. 2018).

The model is `b: {latent: uniform, low: 0, high: 1 - a}` by its generated code. Latents are drawn
from the prior and data given them; the ranks of the true latents among thinned draws of `nuts`,
`hmc` and `mala` are uniform. Chi-square tests of the ranks of a and b have the level 1e-5 together.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from specc.engine.samplers import chain
from specc.engine.samplers.lock_step import LockStep, Options
from specc.engine.samplers.sampling import Sampling
from specc.engine.storage.loaded_run import precision
from specc.runtime import unconstrained
from specc.runtime.noise import Noise
from specc.runtime.program import Program
from tests.laws.compiling import program
from tests.laws.test_ends import HEAD

LEVEL = 1e-5
ROWS, SD = 1, 0.7
MODEL = f"""
  a: {{latent: uniform, low: 0, high: 1, global: true}}
  b: {{latent: uniform, low: 0, high: 1 - a, global: true}}
  y: {{observed: normal, loc: 2 * a + b, scale: {SD}}}
sampler: nuts
"""
WARMUP, THINNED = 40, 9
"""The transitions that adapt, and the draws of each chain that are kept."""
BETWEEN = {"nuts": 3, "hmc": 6, "mala": 25}
"""The transitions from one of those draws to the next."""

Array = np.ndarray


@pytest.fixture(autouse=True)
def _double():
    with precision(torch.float64):
        yield


class _Loss(torch.nn.Module):
    """Minus the log-density of the unconstrained numbers, of one simulation."""

    def __init__(self, own: Program) -> None:
        super().__init__()
        self.own = own

    def forward(self, y: Tensor) -> Tensor:
        scalars = {"data_size": float(ROWS)}
        return ROWS * self.own.loss("loss", {}, {"y": y}, Noise.at(0, 1), scalars).loss


def simulated(count: int) -> tuple[Array, Array]:
    """The latents [simulations, 2] and the data [simulations, rows]."""
    random = np.random.default_rng(2)
    a = random.uniform(size=count)
    b = (1 - a) * random.uniform(size=count)
    return np.stack([a, b], 1), random.normal((2 * a + b)[:, None], SD, size=(count, ROWS))


class Density:
    """The log-density of each simulation at the position of its chain."""

    def __init__(self, own: Program, data: Array) -> None:
        module, y = _Loss(own), torch.as_tensor(data)
        names = [f"own.{name}" for name, _ in own.named_parameters()]
        self.size, self.like = len(names), torch.zeros(())

        def log_density(position: Tensor, rows: Tensor) -> Tensor:
            given = dict(zip(names, position.unbind(0), strict=True))
            return -functional_call(module, given, (rows,))

        each = vmap(grad_and_value(log_density))
        self.batched: Callable[[Tensor], tuple[Tensor, Tensor]] = lambda at: each(at, y)
        self.in_turn = self.batched


class Kept:
    """The positions of all transitions, [simulations, transitions, 2]."""

    def __init__(self, chains: int, transitions: int) -> None:
        self.positions = np.zeros((chains, transitions, 2))

    def record_all(self, number: int, positions: Array, **statistics: Array) -> None:
        self.positions[:, number] = positions

    def __call__(self, chain: int, number: int, ended: object, step: float) -> None:
        self.positions[chain, number] = ended.point.position


def positions_of(kind: str, density: Density, count: int) -> Array:
    """The thinned positions of each chain, [simulations, THINNED, 2]."""
    every = BETWEEN[kind]
    total = WARMUP + every * THINNED
    kept = Kept(count, total)
    if kind == "nuts":

        def numbers(at: Array) -> tuple[list[float], Array]:
            slopes, values = density.batched(torch.as_tensor(at))
            return values.tolist(), slopes.numpy()

        options = chain.Options(chains=count, warmup=WARMUP, draws=total - WARMUP)
        chains = Sampling(numbers, 2, options, seed=3)
        chains.start()
        chains.begin(kept)
    else:
        length = 1.5 if kind == "hmc" else None
        options = Options(count, WARMUP, total - WARMUP, length=length, jitter=0.5)
        chains = LockStep(density, options, 3)
        chains.start()
        chains.begin(kept)
    chains.advance(total)
    return kept.positions[:, WARMUP + every - 1 :: every]


def p_value(kind: str, folder: Path, count: int) -> float:
    """Twice the smaller p-value of the ranks of the two latents."""
    own = program(f"{HEAD}model:{MODEL}", folder)
    truth, data = simulated(count)
    found = positions_of(kind, Density(own, data), count)
    a = 1 / (1 + np.exp(-found[..., 0]))
    b = (1 - a) / (1 + np.exp(-found[..., 1]))
    values = []
    for own_draws, true in ((a, truth[:, 0]), (b, truth[:, 1])):
        ranks = (own_draws < true[:, None]).sum(1)
        values.append(stats.chisquare(np.bincount(ranks, minlength=THINNED + 1)).pvalue)
    return 2 * min(values)


@pytest.mark.parametrize("kind", BETWEEN)
def test_ranks_are_uniform(kind, tmp_path):
    assert p_value(kind, tmp_path, 80 if kind == "nuts" else 150) > LEVEL


@pytest.mark.parametrize("kind", BETWEEN)
def test_a_log_determinant_with_the_width_twice_is_detected(kind, tmp_path, monkeypatch):
    right = unconstrained.onto_interval_log_det

    def wrong(free, low, high):
        return right(free, low, high) + (high - low).log()

    monkeypatch.setattr(unconstrained, "onto_interval_log_det", wrong)
    assert p_value(kind, tmp_path, 150) < LEVEL
