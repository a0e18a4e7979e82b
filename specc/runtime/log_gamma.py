"""Logarithms of gamma functions in forms without cancellation, and the deviances of densities.

With Binet's function mu, which tends to 0 as 1 / (12 x),

    log Gamma(x) = (x - 1/2) log x - x + log(2 pi) / 2 + mu(x)

(Whittaker and Watson 1927, section 12.31), the log-density of counts or of gamma variates is a
deviance, which is 0 if the value is the mean, plus small terms. The logarithms of gamma functions
at 10^6 are 10^7, so in float32 their differences lose every digit; a deviance loses none (Loader
2000, Fast and accurate computation of binomial probabilities; Didonato and Morris 1992, Algorithm
708).

Each function is an `autograd.Function` whose backward pass has no cancellation, either. It has the
form that the transforms of `torch.func` need: chains take gradients of densities by them. The
backward pass is itself differentiable, so that second derivatives are right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)

# B_2k / (2k (2k - 1)), k = 1, 2, ...: the series of Binet's function in 1 / x.
_BINET = (
    1 / 12,
    -1 / 360,
    1 / 1260,
    -1 / 1680,
    1 / 1188,
    -691 / 360360,
    1 / 156,
    -3617 / 122400,
)

# The least x at which the series is exact up to rounding, and the number of its terms.
_SINGLE, _DOUBLE = (3.0, 5), (10.0, 8)

NEAR = 0.25
"""The largest |u| for which log(1 + u) - u is computed by a series."""


def binet(x: Tensor) -> Tensor:
    """mu(x) = log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2, x > 0."""
    found: Tensor = _Binet.apply(x, 0)  # type: ignore[no-untyped-call]
    return found


def binet_slope(x: Tensor) -> Tensor:
    """mu'(x) = psi(x) - log x + 1 / (2 x), x > 0, psi the derivative of log Gamma."""
    found: Tensor = _Binet.apply(x, 1)  # type: ignore[no-untyped-call]
    return found


def stirling(x: Tensor) -> Tensor:
    """log x! - x log x + x = log(2 pi x) / 2 + mu(x), and 0 at x = 0."""
    found: Tensor = _Stirling.apply(x)  # type: ignore[no-untyped-call]
    return found


def log1p_less(u: Tensor) -> Tensor:
    """log(1 + u) - u, u > -1, which is -u^2 / 2 near 0."""
    found: Tensor = _Log1pLess.apply(u)  # type: ignore[no-untyped-call]
    return found


def deviance(x: Tensor, mean: Tensor, log_mean: Tensor | None = None) -> Tensor:
    """x log(x / mean) - x + mean, x >= 0, mean > 0: 0 if x = mean, and mean at x = 0.

    `log_mean` is the logarithm of a mean that may be too small or too large for its type. Without
    it a mean of 0 is replaced by the smallest normal number.
    """
    found: Tensor = _Deviance.apply(x, mean, log_mean)  # type: ignore[no-untyped-call]
    return found


def binomial_deviance(
    x: Tensor, rest: Tensor, p: Tensor, q: Tensor, log_p: Tensor, log_q: Tensor
) -> Tensor:
    """x log(x / (n p)) + rest log(rest / (n q)), n = x + rest, p + q = 1, both x and rest >= 0.

    It is 0 if x = n p. Gradients are computed for x, rest, and that of log p and log q whose
    probability is smaller; p and q have none, since q = 1 - p.
    """
    found: Tensor = _BinomialDeviance.apply(  # type: ignore[no-untyped-call]
        x, rest, p, q, log_p, log_q
    )
    return found


def log1p_ratio(x: Tensor, a: Tensor) -> Tensor:
    """log(1 + x / a), x >= 0, a > 0, also where the quotient or its derivative overflows."""
    few = x < a
    near = torch.log1p(torch.where(few, x, 0.0) / torch.where(few, a, 1.0))
    return torch.where(few, near, (x + a).log() - a.log())


def pooled_deviance(x: Tensor, a: Tensor) -> Tensor:
    """sum_i x_i log(x_i / (N p_i)) + a_i log(a_i / (A p_i)), p_i = (x_i + a_i) / (N + A).

    N and A are the sums of x >= 0 and a > 0 over the last axis. It is half of the likelihood ratio
    of independence in the table of the rows x and a, and 0 if they are proportional.
    """
    found: Tensor = _PooledDeviance.apply(x, a)  # type: ignore[no-untyped-call]
    return found


def log_kernel(a: Tensor, mean: Tensor, log_mean: Tensor) -> Tensor:
    """a log m - m - log Gamma(a) = log(a / 2 pi) / 2 - mu(a) - (a log(a / m) - a + m)."""
    return 0.5 * a.log() - HALF_LOG_2PI - binet(a) - deviance(a, mean, log_mean)


def kl_rest(a: Tensor, b: Tensor) -> Tensor:
    """(a - b) psi(a) - log Gamma(a) + log Gamma(b) minus the deviance b log(b / a) - b + a.

    It is (a log(a / b) - a + b) / 2 a + (a - b) mu'(a) + mu(b) - mu(a).
    """
    return 0.5 * deviance(a, b) / a + (a - b) * binet_slope(a) + (binet(b) - binet(a))


class _Binet(torch.autograd.Function):
    """mu, or its derivative of order 1."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, order: int) -> Tensor:
        return _derivative(x, order)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:  # noqa: ANN401
        x, ctx.order = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        """The next derivative."""
        (x,) = ctx.saved_tensors
        return grad * _Binet.apply(x, ctx.order + 1), None  # type: ignore[no-untyped-call]


class _Stirling(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """By the series of mu, or for small x by its definition."""
        least, terms = _switch(x)
        log_x = _log(x)
        far = _series(x, 0, terms).add_(0.5 * log_x).add_(HALF_LOG_2PI)
        near = torch.lgamma(x + 1).sub_(x * log_x).add_(x)
        return torch.where(x >= least, far, near)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # noqa: ANN401
        """1 / (2 x) + mu'(x); 0 at x = 0, where the derivative is infinite."""
        (x,) = ctx.saved_tensors
        inside = torch.where(x > 0, x, 1.0)
        slope = _StirlingSlope.apply(inside)  # type: ignore[no-untyped-call]
        return torch.where(x > 0, grad * slope, 0.0)


class _StirlingSlope(torch.autograd.Function):
    """1 / (2 x) + mu'(x), x > 0."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        least, terms = _switch(x)
        return torch.where(x >= least, _series(x, 1, terms) + 0.5 / x, _shifted(x))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # noqa: ANN401
        """mu''(x) - 1 / (2 x^2)."""
        (x,) = ctx.saved_tensors
        curvature: Tensor = _Binet.apply(x, 2)  # type: ignore[no-untyped-call]
        found: Tensor = grad * (curvature - 0.5 / x**2)
        return found


class _Log1pLess(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(u: Tensor) -> Tensor:
        return _log1p_less(u)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # noqa: ANN401
        """-u / (1 + u)."""
        (u,) = ctx.saved_tensors
        slope: Tensor = u / (1 + u)
        return -grad * slope


class _Deviance(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, mean: Tensor, log_mean: Tensor | None) -> Tensor:
        if log_mean is None:
            log_mean = _bounded(mean).log()
        return _deviance(x, mean - x, log_mean)

    @staticmethod
    def setup_context(
        ctx: Any,  # noqa: ANN401
        inputs: tuple[Tensor, Tensor, Tensor | None],
        output: Tensor,
    ) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """The gradient, with respect to the mean if it is comparable with x, else to `log_mean`.

        Without `log_mean` it is always with respect to the mean.
        """
        x, mean, log_mean = ctx.saved_tensors
        d, of_mean, of_log = mean - x, None, None
        if log_mean is None:
            mean = _bounded(mean)
            of_mean = (grad * (d / mean)).sum_to_size(mean.shape)
        elif any(ctx.needs_input_grad[1:]):
            near = _comparable(d, x)
            of_mean = (grad * torch.where(near, d / mean, 1.0)).sum_to_size(mean.shape)
            of_log = (grad * torch.where(near, 0.0, -x)).sum_to_size(log_mean.shape)
        if not ctx.needs_input_grad[0]:
            return None, of_mean, of_log
        of_x = _log_ratio(x, d, mean.log() if log_mean is None else log_mean)
        return (grad * of_x).sum_to_size(x.shape), of_mean, of_log


class _BinomialDeviance(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor, rest: Tensor, p: Tensor, q: Tensor, log_p: Tensor, log_q: Tensor
    ) -> Tensor:
        """The sum of -x (log(1 + d / x) - d / x) and the same of rest and -d, d = n p - x."""
        d, log_n = rest * p - x * q, _bounded(x + rest).log()
        return _deviance(x, d, log_n + log_p) + _deviance(rest, -d, log_n + log_q)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """The gradient d / q with respect to log p if p <= q, else -d / p with respect to log q."""
        x, rest, p, q, log_p, log_q = ctx.saved_tensors
        d, small = rest * p - x * q, p <= q
        share = grad * (d / torch.maximum(p, q))
        of_p = (share * small).sum_to_size(log_p.shape)
        of_q = (share * ~small).neg_().sum_to_size(log_q.shape)
        of_x = of_rest = None
        if any(ctx.needs_input_grad[:2]):
            log_n = _bounded(x + rest).log()
            of_x = (grad * _log_ratio(x, d, log_n + log_p)).sum_to_size(x.shape)
            of_rest = (grad * _log_ratio(rest, -d, log_n + log_q)).sum_to_size(rest.shape)
        return of_x, of_rest, None, None, of_p, of_q


class _PooledDeviance(torch.autograd.Function):
    """Its derivative in a_i is log(a_i / (A p_i)) alone: those of p_i, N and A cancel."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, a: Tensor) -> Tensor:
        """The deviations from the means are d_i and -d_i, so that their sums cancel."""
        d, log_x, log_a = _pooled(x, a)
        return (_deviance(x, d, log_x) + _deviance(a, -d, log_a)).sum(-1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:  # noqa: ANN401
        x, a = ctx.saved_tensors
        d, log_x, log_a = _pooled(x, a)
        g = grad.unsqueeze(-1)
        of_x = of_a = None
        if ctx.needs_input_grad[0]:
            of_x = (g * _log_ratio(x, d, log_x)).sum_to_size(x.shape)
        if ctx.needs_input_grad[1]:
            of_a = (g * _log_ratio(a, -d, log_a)).sum_to_size(a.shape)
        return of_x, of_a


def _pooled(x: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """d_i = N p_i - x_i = a_i - A p_i, log(N p_i) and log(A p_i)."""
    n, b = x.sum(-1, keepdim=True), a.sum(-1, keepdim=True)
    total = n + b
    # The d_i sum to 0, so that of a cell with more than half of the total is that of the others.
    most = x + a > 0.5 * total
    d = torch.where(most, 0.0, a * (n / total) - x * (b / total))
    d = torch.where(most, -d.sum(-1, keepdim=True), d)
    log_p = (x + a).log() - total.log()
    return d, _bounded(n).log() + log_p, b.log() + log_p


# Outside of the range of a formula its result may be inf or nan, and `torch.where` does not select
# it. All functions below but `_log_ratio` are called without gradients.


def _switch(x: Tensor) -> tuple[float, int]:
    return _SINGLE if torch.finfo(x.dtype).bits <= 32 else _DOUBLE


def _derivative(x: Tensor, order: int) -> Tensor:
    """The derivative of mu: by its series, or for small x by its definition."""
    least, terms = _switch(x)
    return torch.where(x >= least, _series(x, order, terms), _definition(x, order))


def _series(x: Tensor, order: int, terms: int) -> Tensor:
    """The sum of c_k (-1)^order (2k - 1) ... (2k + order - 2) / x^(2k - 1 + order)."""
    factors = [
        _BINET[k - 1] * math.prod(range(2 * k - 1, 2 * k - 1 + order)) * (-1) ** order
        for k in range(1, terms + 1)
    ]
    inverse = x.reciprocal()
    total = _horner(inverse * inverse, factors)
    for _ in range(order + 1):
        total = total.mul_(inverse)
    return total


def _horner(y: Tensor, coefficients: Sequence[float]) -> Tensor:
    """c_0 + c_1 y + c_2 y^2 + ..."""
    *first, last = coefficients
    total = y * last
    for coefficient in reversed(first[1:]):
        total = total.add_(coefficient).mul_(y)
    return total.add_(first[0])


def _definition(x: Tensor, order: int) -> Tensor:
    if order == 0:
        return x.lgamma() - (x - 0.5) * x.log() + x - HALF_LOG_2PI
    if order == 1:
        return _shifted(x) - 0.5 / x
    if order > 2:
        sign, factorial = (-1) ** order, math.factorial(order - 2)
        rest = sign * factorial * (x ** (1 - order) + 0.5 * (order - 1) * x**-order)
        high: Tensor = torch.polygamma(order - 1, x) - rest
        return high
    least, terms = _switch(x)
    last = x + least
    total = 0.5 * x**-2 + 0.5 * last**-2 - least / (x * last)
    for k in range(1, int(least)):
        total = total + (x + k) ** -2
    return total + _series(last, 2, terms)


def _shifted(x: Tensor) -> Tensor:
    """mu'(x) + 1 / (2 x), by Gamma(x + 1) = x Gamma(x) up to an x for which the series is exact."""
    least, terms = _switch(x)
    last = x + least
    total = torch.log1p(least / x) - 0.5 / last
    for k in range(1, int(least)):
        total = total - (x + k).reciprocal_()
    return total + _series(last, 1, terms)


def _log1p_less(u: Tensor) -> Tensor:
    """log(1 + u) - u.

    Near 0, with r = u / (2 + u), log(1 + u) = 2 (r + r^3 / 3 + r^5 / 5 + ...) and 2 r - u = -r u.
    """
    r = u / (u + 2)
    y = r * r
    terms = 4 if torch.finfo(u.dtype).bits <= 32 else 10
    total = _horner(y, [2 / (2 * k + 3) for k in range(terms)])
    return torch.where(u.abs() < NEAR, total.mul_(y).sub_(u).mul_(r), u.log1p().sub_(u))


def _bounded(mean: Tensor) -> Tensor:
    """The mean, clamped between the smallest and the largest normal number."""
    kind = torch.finfo(mean.dtype)
    return mean.clamp(kind.tiny, kind.max)


def _comparable(d: Tensor, x: Tensor) -> Tensor:
    """Whether x and x + d are of similar size, so that log(1 + d / x) is precise."""
    return (d > -0.75 * x) & (d < 10 * x)


def _log(x: Tensor) -> Tensor:
    """The logarithm, with a finite value at 0, so that 0 log 0 is 0."""
    return x.clamp_min(torch.finfo(x.dtype).tiny).log_()


def _deviance(x: Tensor, d: Tensor, log_mean: Tensor) -> Tensor:
    """x log(x / mean) + d, with d = mean - x."""
    near = _log1p_less(d / x).mul_(-x)
    far = (_log(x) - log_mean).mul_(x).add_(d)
    return torch.where(_comparable(d, x), near, far)


def _log_ratio(x: Tensor, d: Tensor, log_mean: Tensor) -> Tensor:
    """log(x / mean), with d = mean - x; differentiable, so what is not selected is finite."""
    near = _comparable(d, x)
    ratio = torch.where(near, d, 0.0) / torch.where(near, x, 1.0)
    log_x = x.clamp_min(torch.finfo(x.dtype).tiny).log()
    return torch.where(near, -ratio.log1p(), log_x - log_mean)
