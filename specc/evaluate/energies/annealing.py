"""Log Z by annealed importance sampling, from the base to the energy and back.

Along temperatures 0 = b_0 < ... < b_K = 1 with densities f_b of a path, the weight of a chain is

    forward     w = prod_k f_b_k(x_k) / f_b_(k-1)(x_k), with x_1 from the base and each further x
                by a sweep that leaves f_b_k invariant      Neal (2001), eq. 5 to 11
    backward    the reciprocal ratios along the reversed chain, which starts at a sample of the
                energy      Grosse, Ghahramani and Adams (2015), section 3

Then E[w] is Z / Z_0 forward and Z_0 / Z backward. By Jensen's inequality the mean of

    log Z_0 + log mean w    is at most log Z,
    log Z_0 - log mean w    is at least log Z, if the backward chains start at exact samples.

Both bounds hold for the mean over seeds. By Markov's inequality an estimate is on the wrong side by
more than c nats with a probability of at most exp(-c).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.evaluate.energies.model import rows_of
from specc.evaluate.energies.path import Path, State
from specc.runtime.noise import Noise

REPORTS = 100
"""The number of times a pass reports its progress."""

PILOTS = 20
"""The chains of a pilot pass, if the path has no rows of its own."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The chains after a pass along the path: their log-weights, [rows] in float64, and states."""

    log_weights: Tensor
    state: State


@dataclass(frozen=True, slots=True)
class LogMean:
    """The logarithm of the mean of weights, over the last axis.

    `standard_error` is that of the logarithm by the delta method, the deviation of the weights
    divided by their mean and by the root of their number; nan for one weight. `effective` is the
    effective sample size (sum w)^2 / sum w^2.
    """

    value: Tensor
    standard_error: Tensor
    effective: Tensor


def log_mean(log_weights: Tensor) -> LogMean:
    """The logarithm of the mean of weights: [..., chains] to [...]."""
    chains = log_weights.shape[-1]
    value = log_weights.logsumexp(-1) - math.log(chains)
    relative = (log_weights - value[..., None]).exp()
    deviation = relative.std(-1) if chains > 1 else torch.full_like(value, math.nan)
    effective = relative.sum(-1).square() / relative.square().sum(-1)
    return LogMean(value, deviation / math.sqrt(chains), effective)


def temperatures(count: int) -> list[float]:
    """0 and `count` further inverse temperatures at equal distances up to 1."""
    return [k / count for k in range(count + 1)]


def adapt(path: Path, betas: list[float], noise: Noise) -> None:
    """Choose the step sizes of the transitions of a path, by chains that no estimate uses."""
    if not path.transitions:
        return
    state = path.start(noise, rows_of(path.clamped) if path.clamped else PILOTS)
    for b in betas[1:]:
        state = path.move(state, b, noise, adapts=True)


def anneal(
    path: Path,
    state: State,
    betas: list[float],
    noise: Noise,
    advance: Callable[[float], None] = lambda done: None,
) -> Pass:
    """A pass from the first temperature to the last; backwards if they decrease."""
    backwards = betas[0] > betas[-1]
    total = torch.zeros_like(state.slope, dtype=torch.float64)
    last = len(betas) - 1
    for k in range(1, last + 1):
        total += path.change(state, betas[k - 1], betas[k])
        if k < last:
            state = path.move(state, betas[k], noise, backwards)
        if k % max(1, last // REPORTS) == 0:
            advance(k / last)
    return Pass(total, state)


def forward(
    path: Path,
    rows: int,
    betas: list[float],
    noise: Noise,
    advance: Callable[[float], None] = lambda done: None,
) -> Pass:
    """The pass of `rows` chains from the base to the energy; adds log Z_0 to each log-weight."""
    found = anneal(path, path.start(noise, rows), betas, noise, advance)
    return Pass(found.log_weights + path.log_base_partition(), found.state)


def backward(
    path: Path,
    state: State,
    betas: list[float],
    noise: Noise,
    advance: Callable[[float], None] = lambda done: None,
) -> Pass:
    """The pass of chains from samples of the energy to the base, with weights of mean 1 / Z."""
    found = anneal(path, state, betas[::-1], noise, advance)
    return Pass(found.log_weights - path.log_base_partition(), found.state)


def samples(path: Path, end: Pass, sweeps: int, noise: Noise, rows: int = 1) -> State:
    """Approximate samples of the energy: resampled ends of a forward pass after sweeps.

    They are samples only in the limit of many sweeps or temperatures. The chains of each of the
    `rows` of what is given are resampled among themselves.
    """
    weights = end.log_weights.reshape(rows, -1).softmax(1)
    chains = weights.shape[1]
    first = chains * torch.arange(rows, device=weights.device)[:, None]
    chosen = (first + noise.classes(weights, chains)).flatten()
    state = path.state({name: value[chosen] for name, value in end.state.values.items()})
    for _ in range(sweeps):
        state = path.move(state, 1.0, noise)
    return state
