"""The tail's shape against samples of known shape, and against weights whose tail is known."""

import math

import pytest
import torch

from specc.evaluate.importance_weights import LogSums
from specc.evaluate.pareto import Tail, fit, tail_length


@pytest.mark.parametrize("k", [-0.3, 0.2, 0.5, 0.9])
def test_samples_of_a_known_shape(k):
    """60 samples of 1,000: the mean estimate within 4 of its own standard errors plus the pull."""
    u = torch.rand(60, 1000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = ((1 - u) ** -k - 1) / k
    found = fit(x.sort(-1).values)
    pull = 10 / 1010 * (0.5 - k)
    error = found.std().item() / math.sqrt(60)
    assert abs(found.mean().item() - k - pull) < 4 * error + 0.02
    # One estimate has a standard error of (1 + k) / sqrt(n).
    assert found.std().item() == pytest.approx((1 + k) / math.sqrt(1000), rel=0.5)


@pytest.mark.parametrize("variance", [0.3, 0.5, 0.8])
def test_a_proposal_that_is_too_narrow(variance):
    """Target N(0, 1), proposal N(0, s^2): weights with k = 1 - s^2, slowly approached."""
    generator = torch.Generator().manual_seed(2)
    z = math.sqrt(variance) * torch.randn(40000, 50, generator=generator, dtype=torch.float64)
    log_w = -0.5 * z**2 + 0.5 * z**2 / variance
    tail = Tail(40000)
    for chunk in log_w.split(7000):
        tail.add(chunk, torch.zeros_like(chunk))
    assert tail.shape().mean().item() == pytest.approx(1 - variance, abs=0.12)


def test_the_pieces_do_not_matter():
    log_w = torch.randn(400, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = []
    for size in (1, 37, 400):
        tail = Tail(400)
        for chunk in log_w.split(size):
            tail.add(chunk, torch.zeros_like(chunk))
        found.append(tail.shape())
    assert torch.equal(found[0], found[1]) and torch.equal(found[1], found[2])


def test_equal_weights_have_no_tail():
    tail = Tail(100)
    tail.add(torch.zeros(100, 3), torch.zeros(100, 3))
    assert torch.equal(tail.shape(), torch.zeros(3, dtype=torch.float64))


def test_few_particles_have_none():
    tail = Tail(20)
    tail.add(torch.randn(20, 3), torch.zeros(20, 3))
    assert tail.shape() is None
    assert tail_length(1000) == 94 and tail_length(100) == 20


@pytest.mark.parametrize("size", [1.0, 300.0])
def test_rounding_is_no_tail(size):
    """Log-weights of an exact guide in float32: the same but for the last digits of their parts."""
    generator = torch.Generator().manual_seed(4)
    z = torch.randn(400, 50, generator=generator)
    log_q = -0.5 * size * z * z
    log_p = -0.5 * ((size**0.5 * z) ** 2) - 2.95
    assert 0 < float((log_p - log_q + 2.95).abs().max()) < 1e-3
    tail = Tail(400)
    tail.add(log_p, log_q)
    assert torch.equal(tail.shape(), torch.zeros(50, dtype=torch.float64))
    spread = Tail(400)
    spread.add(log_p + torch.randn(400, 50, generator=generator), log_q)
    assert (spread.shape() > 0).all()


def test_weights_that_are_no_numbers_are_not_trusted():
    """A row whose weights are all 0, or whose largest is nan or inf, has no shape to trust."""
    log_p = torch.randn(100, 4, generator=torch.Generator().manual_seed(5))
    log_p[:, 1] = -math.inf
    log_p[3, 2] = math.nan
    log_p[3, 3] = math.inf
    tail = Tail(100)
    tail.add(log_p, torch.zeros(100, 4))
    assert tail.shape().isinf().tolist() == [False, True, True, True]


def test_the_effective_sample_size_is_at_most_that_of_the_particles():
    sums = LogSums(3, torch.device("cpu"))
    for _ in range(7):
        sums.add(torch.tensor([[-3.1, -3.1, -math.inf]] * 2))
    assert sums.effective().tolist() == pytest.approx([14, 14, 0], abs=1e-9)
    assert (sums.effective() <= 14).all()
