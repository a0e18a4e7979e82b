"""Scalar bijections at extreme values, in float32 and float64."""

from __future__ import annotations

import pytest
import torch
from mpmath import mp

from specc.runtime.bijections.elementwise import Exp, Sigmoid, Softplus, Tanh
from specc.runtime.bijections.spline import LEAST, ONE, Spline
from specc.runtime.functions.reductions import logsumexp

FAR = (0.0, 1e-6, 0.5, 5.0, 20.0, 88.0, 200.0, 1e4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", [Exp, Sigmoid, Softplus, Tanh])
def test_no_value_is_at_an_end_and_log_slopes_are_exact(
    kind: type[Exp], dtype: torch.dtype
) -> None:
    u = torch.tensor([*FAR, *(-v for v in FAR)], dtype=dtype, requires_grad=True)
    x, log_det = kind(0).forward(u)
    assert x.isfinite().all() and (x.abs() > 0).sum() >= len(u) - 2
    if kind is not Tanh:
        assert (x > 0).all()
    if kind in (Sigmoid, Tanh):
        assert (x.abs() < 1).all()
    with mp.workdps(60):
        for value, found in zip(u.tolist(), log_det.tolist(), strict=True):
            v = mp.mpf(value)
            shares = mp.log1p(mp.exp(-abs(v))) * 2 + abs(v)
            exact = {
                Exp: v,
                Sigmoid: -shares,
                Softplus: -mp.log1p(mp.exp(-v)),
                Tanh: -2 * mp.log(mp.cosh(v)),
            }[kind]
            error = abs(found - float(exact)) / max(1, abs(float(exact)))
            assert error <= 4 * torch.finfo(dtype).eps
    back, _ = kind(0).inverse(x)
    assert back.isfinite().all()
    (gradient,) = torch.autograd.grad((x + back).sum() + log_det.sum(), u)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("size", [1.0, 10.0, 30.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_steep_and_flat_splines_are_numbers(size: float, dtype: torch.dtype) -> None:
    """Parameters of size 10 give slopes of 10^-3 next to bins a thousand times as steep."""
    spline, draws = Spline(8, 3.0), torch.Generator().manual_seed(0)
    given = size * torch.randn(spline.size, 20_000, generator=draws, dtype=torch.float64)
    u = 6.2 * torch.rand(20_000, generator=draws, dtype=torch.float64) - 3.1
    given, u = given.to(dtype).requires_grad_(), u.to(dtype).requires_grad_()
    for way in (spline.forward, spline.inverse):
        value, log_slope = way(u, given)
        assert value.isfinite().all() and log_slope.isfinite().all()
        assert (value.abs() <= 3.0).logical_or(value == u).all()
        gradients = torch.autograd.grad(value.sum() + log_slope.sum(), (u, given))
        assert all(gradient.isfinite().all() for gradient in gradients)


def exact_inverse(x: float, given: list[float], bins: int, bound: float) -> tuple[float, float]:
    """The root of eq. 6 to 8 of Durkan et al. (2019) with 60 digits, and log du/dx."""

    def places(raw: list[float]) -> list:
        total = sum(mp.exp(v) for v in raw)
        shares = [LEAST + (1 - LEAST * bins) * mp.exp(v) / total for v in raw]
        ends = [2 * sum(shares[:k]) - 1 for k in range(bins)]
        return [bound * end for end in ends] + [mp.mpf(bound)]

    across, up = places(given[:bins]), places(given[bins : 2 * bins])
    slopes = [1, *(LEAST + mp.log1p(mp.exp(v + ONE)) for v in given[2 * bins :]), 1]
    k = max(i for i in range(bins) if up[i] <= x)
    w, h, low, high = across[k + 1] - across[k], up[k + 1] - up[k], slopes[k], slopes[k + 1]
    s, y = h / w, x - up[k]
    a = h * (s - low) + y * (high + low - 2 * s)
    b = h * low - y * (high + low - 2 * s)
    t = 2 * s * y / (b + mp.sqrt(b * b + 4 * a * s * y))
    above = high * t * t + 2 * s * t * (1 - t) + low * (1 - t) ** 2
    below = s + (high + low - 2 * s) * t * (1 - t)
    return across[k] + t * w, -(2 * mp.log(s) + mp.log(above) - 2 * mp.log(below))


@pytest.mark.parametrize("size", [1.0, 10.0])
def test_the_inverse_of_a_spline_is_the_exact_root(size: float) -> None:
    """In float64, within the rounding errors of the knots of a narrow or a flat bin."""
    bins, bound, count = 5, 3.0, 60
    spline, draws = Spline(bins, bound), torch.Generator().manual_seed(1)
    given = size * torch.randn(spline.size, count, generator=draws, dtype=torch.float64)
    x = 6 * torch.rand(count, generator=draws, dtype=torch.float64) - 3
    u, log_slope = spline.inverse(x, given)
    with mp.workdps(60):
        for i in range(count):
            place, slope = exact_inverse(x[i].item(), given[:, i].tolist(), bins, bound)
            allowed = 1e-13 * max(1, float(mp.exp(slope))) ** 2
            assert abs(u[i].item() - float(place)) <= allowed
            assert abs(log_slope[i].item() - float(slope)) <= 1e4 * allowed


def test_a_sum_of_nothing_has_no_gradient() -> None:
    """log sum exp of a row of -inf is -inf; other rows have their usual gradients."""
    x = torch.tensor([[-torch.inf, -torch.inf], [0.0, -torch.inf]], requires_grad=True)
    total = logsumexp(x, dims=1)
    assert total.tolist() == [-torch.inf, 0.0]
    (gradient,) = torch.autograd.grad(torch.where(total > -torch.inf, total, 0.0).sum(), x)
    assert gradient.tolist() == [[0.0, 0.0], [1.0, 0.0]]
