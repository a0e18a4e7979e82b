"""The incomplete gamma and beta functions in both tails, against mpmath in 60 digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from mpmath import mp
from torch import Tensor

from specc.runtime import number
from specc.runtime.incomplete_beta import log_betainc
from specc.runtime.incomplete_gamma import log_gamma_quantile, log_gammainc
from specc.runtime.quadrature import expm1_less, rule

GAMMA = [
    (0.05, 1e-4),
    (0.3, 2.0),
    (1.0, 80.0),
    (5.0, 0.02),
    (30.0, 31.0),
    (30.0, 300.0),
    (2e3, 1.5e3),
    (1e5, 100500.0),
]
BETA = [
    (0.05, 3.0, -6.0),
    (2.0, 0.01, 5.0),
    (1.0, 1.0, 0.3),
    (20.0, 3.0, -4.0),
    (400.0, 700.0, -0.5),
    (900.0, 1100.0, 0.05),
]


def exact_gamma(a: Any, x: Any) -> tuple[Any, Any]:
    ends = mp.gammainc(a, 0, x, regularized=True), mp.gammainc(a, x, mp.inf, regularized=True)
    return mp.log(ends[0]), mp.log(ends[1])


def exact_beta(a: Any, b: Any, logit: Any) -> tuple[Any, Any]:
    p, q = 1 / (1 + mp.exp(-logit)), 1 / (1 + mp.exp(logit))
    first = mp.betainc(a, b, 0, p, regularized=True)
    return mp.log(first), mp.log(mp.betainc(b, a, 0, q, regularized=True))


def of_logit(a: Tensor, b: Tensor, logit: Tensor) -> tuple[Tensor, Tensor]:
    return log_betainc(a, b, *number.sigmoid_pair(logit))


CASES = [(log_gammainc, exact_gamma, point) for point in GAMMA]
CASES += [(of_logit, exact_beta, point) for point in BETA]


@pytest.mark.parametrize(("function", "exact", "point"), CASES)
def test_both_tails_and_their_derivatives(
    function: Callable[..., tuple[Tensor, Tensor]], exact: Callable[..., Any], point: Any
) -> None:
    """Of a function and the other tail, each relative to its size, in both types."""
    for dtype in (torch.float64, torch.float32):
        given = [torch.tensor(v, dtype=dtype, requires_grad=True) for v in point]
        eps, size = torch.finfo(dtype).eps, max(map(abs, point))
        with mp.workdps(60):
            numbers = [mp.mpf(v.item()) for v in given]
            for i, found in enumerate(function(*given)):
                wanted = float(exact(*numbers)[i])
                assert found.item() == pytest.approx(wanted, rel=500 * eps * size**0.5, abs=1e-30)
                slopes = torch.autograd.grad(found, given, retain_graph=True)
                for j, slope in enumerate(slopes):
                    right = float(mp.diff(along(exact, numbers, i, j), numbers[j]))
                    room = 3e4 * eps * size**0.5
                    assert slope.item() == pytest.approx(right, rel=room, abs=1e-30)


def along(exact: Callable[..., Any], numbers: list[Any], i: int, j: int) -> Callable[[Any], Any]:
    """The i-th result as a function of the j-th argument."""
    return lambda v: exact(*numbers[:j], v, *numbers[j + 1 :])[i]


def test_the_difference_from_one_loses_the_tail() -> None:
    """A wrong variant: log(1 - P) is -inf where Q is below the rounding of 1."""
    a, x = torch.tensor(2.0).double(), torch.tensor(60.0).double()
    log_p, log_q = log_gammainc(a, x)
    assert (1 - log_p.exp()).log() == -torch.inf and log_q == pytest.approx(-55.889126, abs=1e-5)


def test_quantiles_have_both_tails() -> None:
    """From 10^-280 in one tail to 10^-280 in the other."""
    near = torch.linspace(-645.0, -0.7, 30, dtype=torch.float64)
    other = number.log1m_exp(near)
    for a in (1.0, 30.0, 1e6):
        for pair in ((near, other), (other, near)):
            y = log_gamma_quantile(*pair, torch.tensor(a).double())
            back = torch.stack(log_gammainc(torch.tensor(a).double(), y.exp()))
            at = torch.stack(pair)
            known = at.argmin(0, keepdim=True)
            torch.testing.assert_close(
                back.gather(0, known), at.gather(0, known), rtol=1e-11 * a**0.5, atol=1e-11 * a**0.5
            )


def test_the_rule_is_exact_for_polynomials() -> None:
    for count in (32, 64):
        nodes, weights = (torch.tensor(part, dtype=torch.float64) for part in rule(count))
        for k in (0, 1, 7, 2 * count - 1):
            assert (weights * nodes**k).sum().item() == pytest.approx(1 / (k + 1), rel=1e-13)
    s = torch.tensor([-3.0, -0.05, -1e-8, 0.0, 0.049, 0.2, 5.0], dtype=torch.float64)
    right = [
        float(mp.expm1(mp.mpf(v)) - mp.mpf(v)) if abs(v) > 1e-3 else v * v / 2 for v in s.tolist()
    ]
    torch.testing.assert_close(
        expm1_less(s), torch.tensor(right, dtype=torch.float64), rtol=1e-13, atol=1e-24
    )
