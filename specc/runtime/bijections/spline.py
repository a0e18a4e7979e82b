"""Monotone rational-quadratic splines (Durkan et al. 2019, Neural spline flows, section 3.1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.scalar import ScalarMap

LEAST = 1e-3
"""The minimum relative width and height of a bin, and the minimum slope at a knot."""

ONE = math.log(math.expm1(1 - LEAST))
"""LEAST + softplus(ONE) = 1."""


class Spline(ScalarMap):
    """A spline of `bins` rational-quadratic pieces on [-bound, bound]; the identity outside.

    In a bin from (x_k, y_k) of width w, height h, mean slope s = h / w and slopes d_k, d_(k+1) at
    its ends, with t = (x - x_k) / w and r = 1 - t (eq. 4 and 5):

        y = y_k + h (s t^2 + d_k t r) / (s (t^2 + r^2) + (d_k + d_(k+1)) t r)

    t and r are computed from the two ends of the bin, so that all terms of sums are positive. The
    parameters are `bins` for the widths, `bins` for the heights and bins - 1 for the slopes at the
    inner knots; at the outer knots the slope is 1.
    """

    def __init__(self, bins: int, bound: float) -> None:
        self.bins, self.bound = bins, float(bound)
        self.size = 3 * bins - 1

    def forward(self, u: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The value x and log dx/du of each entry (eq. 4 and 5)."""
        inside = u.abs() < self.bound
        v = torch.where(inside, u, 0)
        widths, heights, slopes = self._knots(given)
        x_k, x_next, y_k, y_next, low, high = _bin(v, widths, heights, slopes, by=widths)
        w, h = x_next - x_k, y_next - y_k
        s, t, r = h / w, (v - x_k) / w, (x_next - v) / w
        y = y_k + h * t * (s * t + low * r) / _below(s, t, r, low, high)
        return torch.where(inside, y, u), torch.where(inside, _log_slope(s, t, r, low, high), 0)

    def inverse(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """u and log du/dx.

        With a = x - y_k, b = y_(k+1) - x, m = d_k b - d_(k+1) a and R^2 = m^2 + 4 s^2 a b, the root
        of eq. 6 to 8 is t = 2 s a / (2 s a + m + R) if m >= 0, and r = 2 s b / (2 s b - m + R)
        otherwise, without cancellation.
        """
        inside = x.abs() < self.bound
        v = torch.where(inside, x, 0)
        widths, heights, slopes = self._knots(given)
        x_k, x_next, y_k, y_next, low, high = _bin(v, widths, heights, slopes, by=heights)
        w, above, below = x_next - x_k, v - y_k, y_next - v
        s = (y_next - y_k) / w
        m = low * below - high * above
        one, other = 2 * s * above, 2 * s * below
        root = m.abs() + (m.square() + one * other).sqrt()
        rising = m >= 0
        total = root + torch.where(rising, one, other)
        t = torch.where(rising, one, root) / total
        r = torch.where(rising, root, other) / total
        u = torch.where(inside, torch.where(rising, x_k + w * t, x_next - w * r), x)
        return u, torch.where(inside, -_log_slope(s, t, r, low, high), 0)

    def _knots(self, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The coordinates x and y of the knots, [bins + 1, ...], and the slopes at the knots."""
        raw = given.movedim(0, -1)
        wide, high, slope = raw.split_with_sizes([self.bins, self.bins, self.bins - 1], -1)
        slopes = functional.pad(LEAST + functional.softplus(slope + ONE), (1, 1), value=1.0)
        return self._places(wide), self._places(high), slopes

    def _places(self, raw: Tensor) -> Tensor:
        share = LEAST + (1 - LEAST * self.bins) * raw.softmax(-1)
        inner = (2 * share[..., :-1].cumsum(-1) - 1) * self.bound
        ends = functional.pad(inner, (1, 0), value=-self.bound)
        return functional.pad(ends, (0, 1), value=self.bound)


def _bin(
    v: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, by: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The bin of each value: its ends in x, its ends in y, and the slopes at its ends."""
    k = (v[..., None] >= by[..., 1:-1]).sum(-1, keepdim=True)
    pair = torch.cat([k, k + 1], -1)
    x, y, d = (knots.gather(-1, pair) for knots in (widths, heights, slopes))
    (x_k, x_next), (y_k, y_next), (low, high) = x.unbind(-1), y.unbind(-1), d.unbind(-1)
    return x_k, x_next, y_k, y_next, low, high


def _below(s: Tensor, t: Tensor, r: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The denominator of eq. 4: s + (d_(k+1) + d_k - 2 s) t r."""
    return s * (t.square() + r.square()) + (high + low) * t * r


def _log_slope(s: Tensor, t: Tensor, r: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The log-slope log dy/dx (eq. 5)."""
    above = high * t.square() + 2 * s * t * r + low * r.square()
    return 2 * s.log() + above.log() - 2 * _below(s, t, r, low, high).log()
