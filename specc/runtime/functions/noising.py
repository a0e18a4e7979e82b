"""Noising chains: sequences of normal steps, each affine in the one before, entry by entry.

From the value z_0 before the first step

    q(z_t | z_(t-1)) = N(a_t z_(t-1) + c_t, s_t^2),  so  q(z_t | z_0) = N(A_t z_0 + C_t, V_t),
    A_t = a_t A_(t-1),  C_t = a_t C_(t-1) + c_t,  V_t = a_t^2 V_(t-1) + s_t^2,

and q(z_(t-1) | z_t, z_0) is normal, too (Sohl-Dickstein et al. 2015, section 2; Ho et al. 2020,
equations 4 and 6, with a_t = sqrt(1 - beta_t), c_t = 0 and s_t^2 = beta_t).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from specc.runtime.distributions import normal
from specc.runtime.functions.sequences import at_step
from specc.runtime.noise import Noise

AffineStep = tuple[Tensor, Tensor | float]
"""The means of a step at 0 and 1, and its standard deviation."""


@dataclass(frozen=True, slots=True)
class NoiseLevels:
    """a, c, s and A, C, V of all steps (see above), each [steps, ...]."""

    a: Tensor
    c: Tensor
    s: Tensor
    signal: Tensor
    shift: Tensor
    variance: Tensor

    @classmethod
    def of(cls, a: Tensor, c: Tensor, s: Tensor) -> Self:
        """The levels of the steps with these coefficients."""
        signal, shift = compose(a, c)
        return cls(a, c, s, signal, shift, compose(a**2, s**2)[1])

    @property
    def log_ratio(self) -> Tensor:
        """log(A / sqrt(V)) of all steps, [steps, ...]."""
        return self.signal.abs().log() - 0.5 * self.variance.log()


def compose(a: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """The coefficients of y_t = a_t y_(t-1) + c_t as a function of y_0, each [steps, ...].

    The maps of pairs of steps are composed, those of pairs of pairs and so on, so that log2(steps)
    operations do it (Blelloch 1990, section 1.4).
    """
    span = 1
    while span < len(a):
        c = torch.cat([c[:span], a[span:] * c[:-span] + c[span:]])
        a = torch.cat([a[:span], a[span:] * a[:-span]])
        span *= 2
    return a, c


def zero_and_one(noise: Noise, shape: Sequence[int]) -> Tensor:
    """0 and 1 in the given shape, [2, *shape], at which an affine function has its coefficients."""
    zeros = noise.zeros(shape)
    return torch.stack([zeros, zeros + 1])


def random_step(noise: Noise, steps: int, shape: Sequence[int]) -> Tensor:
    """A step from 0 to steps - 1 for each entry of the shape, uniform.

    They are at equal distances from a random one, so that a sum over them varies less than one over
    independent steps (Kingma et al. 2021, appendix I.1).
    """
    count = torch.Size(shape).numel()
    first = noise.uniform(())
    at = (first + torch.arange(count, device=first.device) / count) % 1
    return (at * steps).long().clamp_max(steps - 1).view(tuple(shape))


class NoisingChain:
    """q(z_t | start) and q(z_t | z_(t+1), start) of the steps t = 0, ..., T - 1 and the end t = T.

    `start` is the value before z_0, [..., *event] with `dims` axes in an event, or a number.
    `steps` and `end` have the means of a step at the values 0 and 1 before it,
    [2, ..., steps, *event] and [2, ..., *event], and its standard deviation.
    """

    def __init__(
        self, start: Tensor | float, steps: AffineStep, end: AffineStep, dims: int
    ) -> None:
        one_more = (end[0].unsqueeze(-1 - dims), _with_step(end[1], dims))
        a, c, s = zip(*(_coefficients(each, dims) for each in (steps, one_more)), strict=True)
        self.start, self.dims = start, dims
        self.levels = NoiseLevels.of(*(_joined(each) for each in (a, c, s)))

    def marginal(self, t: Tensor | int) -> tuple[Tensor, Tensor]:
        """Mean and deviation of q(z_t | start), for one t or one for each row, [...]."""
        levels = self.levels
        mean = self._at(levels.signal, t) * self.start + self._at(levels.shift, t)
        return mean, self._at(levels.variance, t).sqrt()

    def sample(self, noise: Noise, t: Tensor | int, shape: Sequence[int]) -> Tensor:
        """A draw of q(z_t | start) for each entry of the shape, [*shape, *event]."""
        loc, scale = self.marginal(t)
        event = loc.shape[loc.ndim - self.dims :]
        return normal.rsample(noise, loc, scale, shape=(*shape, *event))

    def bridge(self, t: Tensor | int, after: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation of q(z_t | z_(t+1), start) at z_(t+1) = after."""
        levels, (mean, deviation) = self.levels, self.marginal(t)
        a, c, s, variance = (
            self._at(each, t + 1) for each in (levels.a, levels.c, levels.s, levels.variance)
        )
        gain = a * deviation**2 / variance
        return mean + gain * (after - a * mean - c), deviation * s / variance.sqrt()

    def _at(self, levels: Tensor, t: Tensor | int) -> Tensor:
        """The entries of [steps, ..., *event] of one step, or of one for each row."""
        if isinstance(t, int):
            return levels[t]
        event = levels.shape[levels.ndim - self.dims :]
        if levels[0].numel() == event.numel():  # the same for all rows
            return levels.view(-1, *event)[t]
        return at_step(levels.movedim(0, -1 - self.dims), t, self.dims)


def _with_step(scale: Tensor | float, dims: int) -> Tensor | float:
    """A standard deviation [..., *event] with an axis for one step; one number stays one."""
    if not isinstance(scale, Tensor) or scale.ndim < dims:
        return scale
    return scale.unsqueeze(-1 - dims)


def _coefficients(step: AffineStep, dims: int) -> tuple[Tensor, Tensor, Tensor]:
    """a, c and s of steps from their means at 0 and 1, each [steps, ..., *event]."""
    (at_zero, at_one), axis = step[0], -1 - dims
    scale = torch.as_tensor(step[1]).to(at_zero)
    scale = scale[0] if scale.ndim > at_zero.ndim else scale
    both = torch.broadcast_tensors(at_one - at_zero, at_zero, scale)  # type: ignore[no-untyped-call]
    a, c, s = (each.movedim(axis, 0) for each in both)
    return a, c, s


def _joined(parts: tuple[Tensor, ...]) -> Tensor:
    """Coefficients of all steps, with the axes of rows that any of them has."""
    width = max(part.ndim for part in parts)
    wide = [p.view(p.shape[0], *(1,) * (width - p.ndim), *p.shape[1:]) for p in parts]
    inner = torch.broadcast_shapes(*(p.shape[1:] for p in wide))  # type: ignore[no-untyped-call]
    return torch.cat([p.expand(-1, *inner) for p in wide])
