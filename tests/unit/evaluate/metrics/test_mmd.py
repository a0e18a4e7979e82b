"""The two-sample test: unbiased, with the stated level, and with an error that is its spread."""

import pytest
import torch
from scipy import stats

from specc.catalog.registry import KERNELS
from specc.evaluate.compared import Compared, no_other_run
from specc.evaluate.metrics.mmd import compute, discrepancy, jackknife
from tests.oracles.metrics import EXPECTED
from tests.oracles.metrics import discrepancy as expected

RBF = {"rbf": {"widths": (1.0,)}}


def gram_of(name, rows, **options):
    module = __import__(f"specc.runtime.kernels.{name}", fromlist=["gram"])
    return module.gram(rows, rows, 1.0, **options)


def estimates(name, options, repetitions, shift=0.0, deviation=1.0, rows=10, biased=False):
    """MMD^2 of as many pairs of sets of numbers."""
    generator = torch.Generator().manual_seed(5)
    first = torch.zeros(2 * rows, 1, dtype=torch.float64)
    first[:rows] = 1.0
    found = []
    for _ in range(repetitions):
        both = torch.randn(2 * rows, 1, generator=generator, dtype=torch.float64)
        both[rows:] = shift + deviation * both[rows:]
        gram = gram_of(name, both, **options)
        if biased:
            signs = (2.0 * first - 1.0) / rows
            found.append((signs.mT @ gram @ signs).reshape(1))
        else:
            found.append(discrepancy(gram.fill_diagonal_(0.0), first))
    return torch.cat(found)


def score(values, mean):
    """How many standard errors the mean is off."""
    return ((values.mean() - mean) / (values.std() / len(values) ** 0.5)).abs().item()


def test_the_mean_under_equality_is_zero():
    """Beyond 4.5 standard errors once in 150,000 seeds; this one is fixed."""
    assert score(estimates("rbf", RBF["rbf"], 10_000), 0.0) < 4.5


def test_a_mean_over_all_pairs_is_biased_and_is_noticed():
    assert score(estimates("rbf", RBF["rbf"], 2_000, biased=True), 0.0) > 20


@pytest.mark.parametrize("name", KERNELS)
def test_the_mean_is_the_closed_form_for_two_normal_distributions(name):
    """Each beyond 4.5 standard errors once in 150,000 seeds."""
    values = estimates(name, EXPECTED[name][1], 4_000, shift=0.7, deviation=1.5)
    true = expected(name, 0.7, 1.5)
    assert score(values, true) < 4.5
    assert score(values, 0.0) > 20  # the test can fail


def p_value(seed, shift):
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.randn(2, 12, 2, generator=generator, dtype=torch.float64)
    compared = Compared("x", x, y + shift, {}, seed, no_other_run)
    return compute(compared, kernel=RBF, bandwidth=None, permutations=99)["p_value"].value


def uniformity(shift):
    """The p-value of a Kolmogorov-Smirnov test of 300 p-values, each spread over its step."""
    generator = torch.Generator().manual_seed(1)
    steps = torch.rand(300, generator=generator, dtype=torch.float64) / 100
    values = torch.tensor([p_value(seed, shift) for seed in range(300)], dtype=torch.float64)
    return stats.kstest((values - steps).numpy(), "uniform").pvalue


def test_p_values_are_uniform_under_equality():
    """False alarm once in 10,000 seeds."""
    assert uniformity(0.0) > 1e-4


def test_p_values_are_not_uniform_under_a_shift():
    assert uniformity(0.5) < 1e-4


def test_the_error_is_the_spread_of_the_estimate():
    """Over 200 pairs of sets that differ; 15 % is three standard errors of a deviation."""
    generator = torch.Generator().manual_seed(2)
    rows, values, errors = 40, [], []
    first = torch.zeros(2 * rows, 1, dtype=torch.float64)
    first[:rows] = 1.0
    for _ in range(200):
        both = torch.randn(2 * rows, 1, generator=generator, dtype=torch.float64)
        both[rows:] += 1.0
        gram = gram_of("rbf", both, widths=(1.0,)).fill_diagonal_(0.0)
        values.append(discrepancy(gram, first).item())
        errors.append(jackknife(gram, rows))
    spread = torch.tensor(values).std().item()
    assert torch.tensor(errors).mean().sqrt().item() == pytest.approx(spread, rel=0.15)


def test_equal_rows_have_the_largest_p_value():
    rows = torch.ones(5, 2, dtype=torch.float64)
    found = compute(
        Compared("x", rows, rows, {}, 0, no_other_run),
        kernel=RBF,
        bandwidth=None,
        permutations=19,
    )
    assert found["mmd2"].value == 0.0 and found["p_value"].value == 1.0
