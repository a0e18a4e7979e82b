"""Functions of a number that may be a Python float or a tensor.

A parameter that the spec gives as a literal reaches the densities as a float, so that its
logarithm is computed by `math` and costs no tensor operation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional

Number = Tensor | float

FAR = 40.0
"""Above this x, log(1 + e^x) is x in every dtype; the default of torch, 20, fits float32."""

# |B_2k| / 2k, k = 1, 2, ...: the series of digamma, whose signs alternate.
_DIGAMMA = (1 / 12, 1 / 120, 1 / 252, 1 / 240, 1 / 132, 691 / 32760, 1 / 12)


def shape(*numbers: Number) -> torch.Size:
    """The shape that the numbers broadcast to; a float has none."""
    shapes = [x.shape for x in numbers if isinstance(x, Tensor)]
    size: torch.Size = torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]
    return size


def full_shape(requested: Sequence[int] | None, *numbers: Number) -> Sequence[int]:
    """The shape of a draw: the requested one, by default that of the parameters."""
    return shape(*numbers) if requested is None else requested


def tensor(x: Number) -> Tensor:
    """The number as a tensor; a float becomes a tensor without dimensions."""
    return x if isinstance(x, Tensor) else torch.tensor(float(x))


def tensors(*numbers: Number) -> tuple[Tensor, ...]:
    """The numbers as tensors; floats get the dtype of the first floating-point tensor."""
    for like in numbers:
        if isinstance(like, Tensor) and like.is_floating_point():
            return tuple(x if isinstance(x, Tensor) else like.new_tensor(x) for x in numbers)
    return tuple(map(tensor, numbers))


def reals(*numbers: Number) -> tuple[Tensor, ...]:
    """The numbers as tensors of one floating-point dtype, that of the tensors among them."""
    made = [x for x in numbers if isinstance(x, Tensor)]
    kind = torch.get_default_dtype()
    types = [x.dtype for x in made if x.is_floating_point()]
    if types:
        kind = reduce(torch.promote_types, types)
    device = made[0].device if made else None
    return tuple(
        x.to(kind) if isinstance(x, Tensor) else torch.tensor(float(x), dtype=kind, device=device)
        for x in numbers
    )


def broadcast(x: Number, *numbers: Number) -> Tensor:
    """`x` in the shape that it and the other numbers broadcast to."""
    size = shape(x, *numbers)
    if isinstance(x, Tensor):
        return x.expand(size)
    return tensors(x, *numbers)[0].expand(size)


def minus(x: Number, y: Number) -> Number:
    """The difference x - y, without an operation if y is the float 0 and x is not an integer."""
    is_integer = isinstance(x, Tensor) and not x.is_floating_point()
    return x if not is_integer and not isinstance(y, Tensor) and y == 0.0 else x - y


def distance(x: Number, y: Number) -> Number:
    """|x - y|."""
    d = minus(x, y)
    return d.abs() if isinstance(d, Tensor) else abs(d)


def over(x: Number, y: Number) -> Number:
    """The quotient x / y, without an operation if y is the float 1.

    A tensor is inverted first: y is often smaller than x (it lacks the particle axis), and the
    gradient of a product costs less than that of a quotient.
    """
    if isinstance(y, Tensor):
        return x * y.reciprocal()
    return x if y == 1.0 else x / y


def log(x: Number) -> Number:
    """The logarithm; of the float 0, -inf."""
    if isinstance(x, Tensor):
        return x.log()
    return math.log(x) if x > 0 else -math.inf


def log_ratio(x: Tensor, y: Tensor) -> Tensor:
    """log(x / y) of positive numbers, also where the quotient is outside the range of its type."""
    kind = torch.finfo(x.dtype)
    quotient = (x / y).detach()
    near = (quotient >= kind.tiny) & (quotient <= kind.max)
    ratio = torch.where(near, x, 1.0) / torch.where(near, y, 1.0)
    return torch.where(near, ratio.log(), x.log() - y.log())


def exp(x: Number) -> Number:
    """The exponential, e^x."""
    return x.exp() if isinstance(x, Tensor) else math.exp(x)


def positive_exp(x: Tensor, room: float = 1.0) -> Tensor:
    """e^x, clamped between the smallest normal number and the largest divided by `room`.

    The gradient is 0 where it is clamped.
    """
    kind = torch.finfo(x.dtype)
    inwards = 1 - 4 * kind.eps
    low, high = math.log(kind.tiny) * inwards, math.log(kind.max / room) * inwards
    return x.clamp(low, high).exp()


def log1p(x: Number) -> Number:
    """log(1 + x)."""
    return x.log1p() if isinstance(x, Tensor) else math.log1p(x)


def log1p_square(x: Number, scale: Number) -> Number:
    """log(1 + (x / scale)^2), also where the square overflows."""
    if not isinstance(x, Tensor) and not isinstance(scale, Tensor):
        return 2 * math.log(math.hypot(1.0, x / scale))
    y, width = reals(x, scale)
    z = y / width
    far = ~(z.abs() < 1e9)
    inside = torch.where(far, 0.0, z)
    outside = 2 * (torch.where(far, y, 1.0).abs().log() - torch.where(far, width, 1.0).log())
    return torch.where(far, outside, torch.log1p(inside * inside))


def log1m_exp(x: Tensor) -> Tensor:
    """log(1 - e^x), x <= 0, without cancellation at either end (Maechler 2012, Rmpfr)."""
    near = x > -math.log(2)
    close = (-torch.where(near, x, -1.0).expm1()).log()
    return torch.where(near, close, (-torch.where(near, -1.0, x).exp()).log1p())


def sqrt(x: Number) -> Number:
    """The square root."""
    return x.sqrt() if isinstance(x, Tensor) else math.sqrt(x)


def sigmoid(x: Number) -> Number:
    """1 / (1 + e^-x)."""
    if isinstance(x, Tensor):
        return x.sigmoid()
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def sigmoid_pair(logits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """sigmoid(l), sigmoid(-l) and their logarithms."""
    return (
        logits.sigmoid(),
        (-logits).sigmoid(),
        functional.logsigmoid(logits),
        functional.logsigmoid(-logits),
    )


def softplus(x: Number) -> Number:
    """log(1 + e^x)."""
    if isinstance(x, Tensor):
        return functional.softplus(x, threshold=FAR)
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def lgamma(x: Number) -> Number:
    """The logarithm of Gamma(x)."""
    return x.lgamma() if isinstance(x, Tensor) else math.lgamma(x)


def digamma(x: Number) -> Number:
    """The derivative of log Gamma(x), x > 0.

    Of a float: psi(x) = psi(x + 1) - 1 / x up to x >= 10, then the asymptotic series
    (Abramowitz and Stegun 1964, 6.3.18), to 1e-15.
    """
    if isinstance(x, Tensor):
        return x.digamma()
    below = 0.0
    while x < 10.0:
        below += 1.0 / x
        x += 1.0
    series = 0.0
    for coefficient in reversed(_DIGAMMA):
        series = (coefficient - series) / (x * x)
    return math.log(x) - 0.5 / x - series - below


def log_power(x: Tensor, exponent: Number) -> Tensor:
    """The logarithm of x^exponent, with its limits at x = 0, and -inf where x < 0.

    It is a factor of densities with x^(a - 1). The gradient is finite everywhere, and 0 for x <= 0.
    """
    positive = x > 0
    inside = exponent * torch.where(positive, x, 1.0).log()
    sign = exponent.detach() if isinstance(exponent, Tensor) else inside.new_tensor(exponent)
    limit = torch.xlogy(sign, sign.new_zeros(()))
    return torch.where(positive, inside, torch.where(x == 0, limit, -torch.inf))
