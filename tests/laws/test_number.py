"""Functions of floats and of tensors agree; numerically delicate parts of densities."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import special

from specc.runtime import number
from specc.runtime.distributions import continuous_bernoulli, multinomial, normal
from specc.runtime.noise import Noise

PAIRS = ["log", "exp", "log1p", "sigmoid", "softplus", "lgamma", "digamma"]


@pytest.mark.parametrize("function", PAIRS)
@pytest.mark.parametrize("x", [1e-3, 0.3, 1.0, 2.5, 9.99, 10.01, 300.0])
def test_a_float_and_a_tensor_agree(function: str, x: float) -> None:
    call = getattr(number, function)
    exact = float(call(torch.tensor(x, dtype=torch.float64)))
    assert call(x) == pytest.approx(exact, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("x", [-800.0, -40.0, -0.1, 0.0, 800.0])
def test_floats_do_not_overflow(x: float) -> None:
    assert number.sigmoid(x) == pytest.approx(special.expit(x), rel=1e-14)
    assert number.softplus(x) == pytest.approx(max(x, 0) + math.log1p(math.exp(-abs(x))), rel=1e-14)
    assert number.log(0.0) == -math.inf


def test_digamma_is_scipys() -> None:
    for x in (1e-4, 0.1, 1.0, 3.3, 9.999999, 10.0, 1e6):
        assert number.digamma(x) == pytest.approx(special.digamma(x), rel=1e-13)


def test_nothing_is_done_for_a_zero_and_a_one() -> None:
    x = torch.ones(3)
    assert number.minus(x, 0.0) is x and number.over(x, 1.0) is x
    assert number.minus(x, 0.5) is not x and number.over(x, 0.5) is not x


def test_powers_end_in_their_limits() -> None:
    x = torch.tensor([-1.0, 0.0, 2.0])
    for exponent, at_zero in ((-0.5, math.inf), (0.0, 0.0), (0.5, -math.inf)):
        for given in (exponent, torch.tensor(exponent)):
            found = number.log_power(x, given).tolist()
            assert found == pytest.approx([-math.inf, at_zero, exponent * math.log(2)])


def test_shapes_of_floats_and_tensors() -> None:
    column, row = torch.zeros(3, 1), torch.zeros(4)
    assert number.shape(1.0, column, row) == (3, 4) and number.shape(1.0) == ()
    assert number.full_shape(None, column, 2.0) == (3, 1)
    assert number.full_shape((5, 3, 1), column) == (5, 3, 1)
    assert number.broadcast(2.0, column.double(), row).dtype == torch.float64
    assert number.broadcast(column, row).shape == (3, 4) and number.broadcast(2.0, 1.0).shape == ()
    assert number.distance(1.0, 3.0) == 2.0
    assert [t.dtype for t in number.tensors(1.0, row.double())] == [torch.float64] * 2


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_series_of_the_continuous_bernoulli_meets_its_formula(sign: float) -> None:
    """At the switch the two forms agree to 1e-12, so the series has enough terms."""
    edge = sign * continuous_bernoulli.SMALL
    inside = torch.tensor([edge * (1 - 1e-15)], dtype=torch.float64)
    outside = torch.tensor([edge], dtype=torch.float64)
    for function in (continuous_bernoulli.mean, continuous_bernoulli.entropy):
        torch.testing.assert_close(function(inside), function(outside), rtol=0, atol=1e-12)
    x = torch.tensor(0.3, dtype=torch.float64)
    pair = [continuous_bernoulli.log_prob(x, logits) for logits in (inside, outside)]
    torch.testing.assert_close(*pair, rtol=0, atol=1e-13)


def test_a_multinomial_draw_sums_to_its_own_total() -> None:
    totals = torch.tensor([0.0, 3.0, 7.0])
    drawn = multinomial.sample(Noise.at(1), totals, torch.zeros(3, 4))
    assert torch.equal(drawn.sum(-1), totals) and (drawn >= 0).all()
    assert multinomial.log_prob(drawn, totals, torch.zeros(3, 4)).isfinite().all()
    assert multinomial.mean(totals, torch.zeros(4)).sum(-1).tolist() == totals.tolist()
    nothing = multinomial.sample(Noise.at(1), 0.0, torch.zeros(4), shape=(2, 4))
    assert nothing.tolist() == [[0.0] * 4] * 2


def test_the_divergence_from_a_standard_normal_is_that_of_the_paper() -> None:
    """Kingma and Welling (2014), appendix B: -(1 + log s^2 - m^2 - s^2) / 2."""
    loc, scale = torch.randn(5, dtype=torch.float64), torch.rand(5, dtype=torch.float64) + 0.1
    expected = -0.5 * (1 + (scale**2).log() - loc**2 - scale**2)
    torch.testing.assert_close(normal.kl_normal(loc, scale, 0.0, 1.0), expected)
