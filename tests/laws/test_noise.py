"""Laws of the noise: a function of its counters, without collisions, for all shapes and dtypes."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from scipy import stats

from specc.runtime.noise import Noise, mix


def test_mix_has_no_collisions_over_a_grid() -> None:
    """Among 10^5 random 63-bit numbers two are equal with a probability of 5e-10."""
    seeds = [
        mix(seed, epoch, step) for seed, epoch, step in product(range(10), range(100), range(100))
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_mix_distinguishes_orders_and_lengths() -> None:
    made = [mix(*counters) for n in (1, 2, 3, 4) for counters in product(range(-2, 8), repeat=n)]
    assert len(set(made)) == len(made)


def test_mix_spreads_over_all_bits() -> None:
    """Each bit is set in half of 4,096 neighbouring seeds, within 4.5 standard errors of 0.0078."""
    seeds = [mix(0, 0, step) for step in range(4096)]
    for bit in range(63):
        share = sum(seed >> bit & 1 for seed in seeds) / 4096
        assert abs(share - 0.5) < 4.5 * 0.5 / 64


def test_neighbouring_counters_are_independent() -> None:
    """The correlation of 10,000 pairs has a standard error of 0.01."""
    first = torch.stack([Noise.at(0, step).normal((10,)) for step in range(1000)])
    second = torch.stack([Noise.at(0, step + 1).normal((10,)) for step in range(1000)])
    assert abs(float((first * second).mean())) < 0.045


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_have_the_type_and_the_requested_shape(dtype: torch.dtype) -> None:
    noise = Noise.at(1, dtype=dtype)
    made = [noise.normal((2, 3)), noise.uniform([2, 3]), noise.exponential((2, 3))]
    made += [noise.gamma(2.0, (2, 3)), noise.log_gamma(0.5, (2, 3)), noise.poisson(3.0, (2, 3))]
    made += [noise.binomial(4.0, 0.5, (2, 3))]
    for numbers in made:
        assert numbers.shape == (2, 3) and numbers.dtype == dtype
    assert noise.categorical(torch.zeros(4), (2, 3)).shape == (2, 3)
    assert noise.classes(torch.full((2, 4), 0.25), 3).shape == (2, 3)


def test_the_default_type_is_torchs() -> None:
    assert Noise.at(1).dtype == torch.get_default_dtype()


@pytest.mark.parametrize("concentration", [0.02, 0.9, 1.0, 7.0])
def test_gamma_numbers_and_their_logarithms_follow_one_distribution(concentration: float) -> None:
    noise = Noise.at(8, dtype=torch.float64)
    numbers = noise.gamma(concentration, (20_000,)).numpy()
    logarithms = noise.log_gamma(concentration, (20_000,)).numpy()
    exact = stats.gamma(concentration)
    assert stats.kstest(numbers, exact.cdf).pvalue > 1e-6
    assert stats.kstest(logarithms, stats.loggamma(concentration).cdf).pvalue > 1e-6


def test_a_class_of_probability_zero_is_never_drawn() -> None:
    noise = Noise.at(8)
    logits = torch.tensor([0.0, -torch.inf, 0.0])
    assert set(noise.categorical(logits, (5000,)).tolist()) == {0, 2}
    assert set(noise.classes(logits.softmax(-1), 5000).tolist()) == {0, 2}
