"""Noising chains: marginals and bridges against the joint normal of all steps."""

import pytest
import torch
from scipy import stats

from specc.engine.storage.loaded_run import precision
from specc.runtime.functions.noising import NoisingChain, compose, random_step, zero_and_one
from specc.runtime.noise import Noise

STEPS, WIDTH = 6, 2


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def of_size(*shape, low=0.2, seed=0):
    """Numbers from `low` to `low` + 0.7."""
    generator = torch.Generator().manual_seed(seed)
    return low + 0.7 * torch.rand(shape, generator=generator, dtype=torch.float64)


A, C, S = (of_size(STEPS + 1, WIDTH, seed=seed) for seed in range(3))
START = torch.tensor([[0.3, -1.2], [0.8, 0.5], [-0.4, 0.1]], dtype=torch.float64)


def chain(start=START, shift=0.0):
    """The chain with these coefficients; `shift` is added to c and may differ from row to row."""
    before = zero_and_one(Noise.at(0), (1, STEPS, WIDTH))
    last = zero_and_one(Noise.at(0), (1, WIDTH))
    steps = A[:-1] * before + C[:-1] + shift, S[:-1]
    return NoisingChain(start, steps, (A[-1] * last + C[-1], S[-1]), dims=1)


def joint(start, c):
    """Mean and covariance of all steps of one entry, from z = (1 - B)^-1 (c + B_0 start + s e)."""
    back = torch.linalg.inv(torch.eye(STEPS + 1) - torch.diag(A[1:, 0], -1))
    first = torch.zeros(STEPS + 1)
    first[0] = A[0, 0] * start
    return back @ (c + first), back @ torch.diag(S[:, 0] ** 2) @ back.T


@pytest.mark.parametrize("is_shifted", [False, True])
def test_marginals_and_bridges_are_those_of_the_joint_normal(is_shifted):
    """The first entry of each row, at all steps: each row may have its own shift."""
    shift = START[:, None] if is_shifted else torch.zeros(1, 1, WIDTH)
    found = chain(shift=shift)
    after = torch.tensor([[0.2, 0.0], [-0.6, 0.0], [1.1, 0.0]])
    for t in range(STEPS):
        every = torch.full((3,), t)
        for row, start in enumerate(START[:, 0]):
            c = C[:, 0].clone()
            c[:-1] += shift[row if is_shifted else 0, 0, 0]
            mean, cov = joint(start, c)
            loc, scale = (each.expand(3, WIDTH)[row, 0] for each in found.marginal(t + 1))
            assert torch.allclose(loc, mean[t + 1])
            assert torch.allclose(scale**2, cov[t + 1, t + 1])
            gain = cov[t, t + 1] / cov[t + 1, t + 1]
            loc, scale = (e.expand(3, WIDTH)[row, 0] for e in found.bridge(every, after))
            assert torch.allclose(loc, mean[t] + gain * (after[row, 0] - mean[t + 1]))
            assert torch.allclose(scale**2, cov[t, t] - gain * cov[t, t + 1])


def test_a_step_for_each_row_is_that_step():
    steps = torch.tensor([[0, 3, 6], [5, 5, 1]])
    found = chain()
    loc, scale = found.marginal(steps)
    for place in ((0, 0), (0, 2), (1, 1)):
        own, deviation = found.marginal(int(steps[place]))
        assert torch.allclose(loc[place], own[place[1]])
        assert torch.allclose(scale[place], deviation)


def test_draws_have_the_marginal():
    """Kolmogorov-Smirnov at 1e-6, and it tells a neighbouring step."""
    found = chain(START[:1])
    drawn = found.sample(Noise.at(1), torch.full((4000,), 2), (4000,))[:, 1]
    for t, is_right in ((2, True), (4, False)):
        loc, scale = (each.expand(1, WIDTH)[0, 1].item() for each in found.marginal(t))
        assert (stats.kstest(drawn, stats.norm(loc, scale).cdf).pvalue > 1e-6) == is_right


def test_composed_steps_are_those_of_a_loop():
    """Also where a product of coefficients is too small for a quotient of such products."""
    for a in (A, torch.full_like(A, 1e-120), torch.zeros_like(A)):
        product, total = compose(a, C)
        y, slope = torch.zeros(WIDTH), torch.ones(WIDTH)
        for t in range(STEPS + 1):
            y, slope = a[t] * y + C[t], a[t] * slope
            assert torch.allclose(total[t], y)
            assert torch.allclose(product[t], slope)


def test_random_steps_are_uniform_together_and_alone():
    """Each entry is uniform over seeds (1e-6), and all entries of one draw cover the steps."""
    drawn = torch.stack([random_step(Noise.at(seed), 7, (5, 3)) for seed in range(2000)])
    assert drawn.shape == (2000, 5, 3)
    for entry in ((0, 0), (4, 2)):
        counts = drawn[:, *entry].bincount(minlength=7)
        assert len(counts) == 7
        assert stats.chisquare(counts).pvalue > 1e-6
    assert all(len(one.unique()) == 7 for one in drawn[:100])
