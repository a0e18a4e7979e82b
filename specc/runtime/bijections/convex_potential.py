"""The gradient of a strictly convex network.

    u = dF/dx,  F(x) = c x'x / 2 + w's_L,  s_k = softplus(a_k),  a_k = V_k s_(k-1) + W_k x + b_k

with c, w and V_k > 0, so that F is convex. With d_k = dF/ds_k its Hessian is the sum of c I and of
A_k' diag(d_k softplus''(a_k)) A_k, A_k = da_k/dx, whose terms are positive semidefinite.

Huang, Chen, Tsirigotis and Courville (2021), Convex potential flows, sections 3 and 4; Amos, Xu and
Kolter (2017), Input convex neural networks, equation 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import expand_to_context
from specc.runtime.control_flow import data_dependent
from specc.runtime.solver_failures import solution_or_nan

MOST, HALVINGS = 100, 20
"""Newton's steps of a minimum, and how often one of them is halved."""

DECREASE = 0.1
"""The share of the decrease of a linear function that a step must reach (Armijo's condition).

It is below 1/2, the share of a quadratic function, so that full steps are taken near a minimum.
"""

ROUNDING, NEAR = 1e-6, 1e-4
"""Near a minimum the function may grow by `ROUNDING` of its size: several roundings in float32.

Near are points where the decrease of a linear function is less than `NEAR`: that of the quadratic
model is half of it, which rounding can hide, and there a full step of Newton's method converges.
"""


class ConvexPotential(Bijection):
    """u = dF/dx for vectors of `size` entries, whose network may have a context.

    `inverse` is one pass, with the Hessian [..., size, size]. `forward` minimizes F(x) - u'x.
    """

    def __init__(self, size: int, hidden: Sequence[int], context: int = 0) -> None:
        super().__init__()
        self.hidden = tuple(hidden)
        self.log_curvature = nn.Parameter(torch.zeros(()))
        self.log_last = nn.Parameter(_positive(1, self.hidden[-1])[0])
        self.linear = nn.ModuleList(nn.Linear(size, units) for units in self.hidden)
        self.log_hidden = nn.ParameterList(
            nn.Parameter(_positive(after, before)) for before, after in pairwise(self.hidden)
        )
        self.context = nn.Linear(context, sum(self.hidden), bias=False) if context else None

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        u, hessian = self._slopes(expand_to_context(x, context, 1), self._shifts(context))
        return u, log_det(hessian)

    def inverse_value(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """u alone, without the log-determinant."""
        return self._gradient(expand_to_context(x, context, 1), self._shifts(context))

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        x = self.forward_value(u, context)
        return x, -self.inverse(x, context)[1]

    def forward_value(self, u: Tensor, context: Tensor | None = None) -> Tensor:
        """The minimum x of F(x) - u'x, with the derivative of the implicit function theorem.

        The gradient is that of a further step x - H^-1 (dF/dx - u) in which x and H are constants.
        """
        u, shifts = expand_to_context(u, context, 1), self._shifts(context)
        x, hessian = self._minimum(u.detach(), [each.detach() for each in shifts])
        residual = self._gradient(x, shifts) - u
        return x - torch.cholesky_solve(residual[..., None], hessian)[..., 0]

    @torch.no_grad()
    def _minimum(self, u: Tensor, shifts: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The minimum x, and the Cholesky factor of the Hessian there.

        A Newton step is halved until F(x) - u'x decreases sufficiently. The iteration stops at a
        step within the tolerance, a few roundings of x.
        """
        data_dependent("a minimum takes as many steps as its numbers need")
        # A row with a NaN has no Hessian with a Cholesky factor: others are solved in its place.
        possible = _finite([u, *shifts])
        u, *shifts = (torch.where(possible, each, 0.0) for each in (u, *shifts))
        x, allowed = torch.zeros_like(u), 8 * torch.finfo(u.dtype).eps
        for _ in range(MOST):
            slope, hessian = self._slopes(x, shifts)
            factor = torch.linalg.cholesky(hessian)
            residual = slope - u
            step = torch.cholesky_solve(residual[..., None], factor)[..., 0]
            small = step.norm(dim=-1, keepdim=True) <= allowed * (1 + x.norm(dim=-1, keepdim=True))
            if small.all():
                break
            x = self._searched(x, step, (residual * step).sum(-1), u, shifts)
        wide = step.norm(dim=-1, keepdim=True) <= allowed**0.5 * (1 + x.norm(dim=-1, keepdim=True))
        problem = f"the minimum of a convex function was not found in {MOST} steps"
        return solution_or_nan(wide & possible, x, possible, problem), factor

    def _searched(
        self, x: Tensor, step: Tensor, slope: Tensor, u: Tensor, shifts: list[Tensor]
    ) -> Tensor:
        """x - t step, with the largest t = 1, 1/2, 1/4, ... of a sufficient decrease of F(x) - u'x.

        `slope` is the derivative of the decrease in t at 0, and a decrease by a share of t `slope`
        is sufficient (Nocedal and Wright 2006, equation 3.4).
        """
        before = self._excess(x, u, shifts)
        rounding = torch.where(slope < NEAR, ROUNDING * (1 + before.abs()), 0.0)
        t = torch.ones_like(before)
        for _ in range(HALVINGS):
            after = self._excess(x - t[..., None] * step, u, shifts)
            fine = after <= before - DECREASE * t * slope + rounding
            if fine.all():
                break
            t = torch.where(fine, t, t / 2)
        return x - t[..., None] * step

    def _excess(self, x: Tensor, u: Tensor, shifts: list[Tensor]) -> Tensor:
        """F(x) - u'x."""
        top = functional.softplus(self._activations(x, shifts)[-1])
        return (
            0.5 * self.log_curvature.exp() * (x * x).sum(-1)
            + top @ self.log_last.exp()
            - (u * x).sum(-1)
        )

    def _activations(self, x: Tensor, shifts: list[Tensor]) -> list[Tensor]:
        """The a_k."""
        found: list[Tensor] = []
        for k, linear in enumerate(self.linear):
            a = linear(x) + shifts[k] if shifts else linear(x)
            if k:
                a = a + functional.softplus(found[-1]) @ self.log_hidden[k - 1].exp().mT
            found.append(a)
        return found

    def _gradient(self, x: Tensor, shifts: list[Tensor]) -> Tensor:
        """The gradient of F."""
        shares = [each.sigmoid() for each in self._activations(x, shifts)]
        return self._gradient_from(x, self._backward(shares))

    def _slopes(self, x: Tensor, shifts: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The gradient and the Hessian of F."""
        shares = [each.sigmoid() for each in self._activations(x, shifts)]
        slopes = self._backward(shares)
        hessian = self.log_curvature.exp() * torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
        jacobians: list[Tensor] = []
        for k, own in enumerate(self._weights()):
            jacobian = own.expand(*x.shape[:-1], *own.shape)
            if k:
                inner = shares[k - 1][..., None] * jacobians[-1]
                jacobian = jacobian + self.log_hidden[k - 1].exp() @ inner
            bend = slopes[k] * (1 - shares[k])
            hessian = hessian + jacobian.mT @ (bend[..., None] * jacobian)
            jacobians.append(jacobian)
        return self._gradient_from(x, slopes), hessian

    def _backward(self, shares: list[Tensor]) -> list[Tensor]:
        """The dF/da_k, from the softplus'(a_k)."""
        found = [self.log_last.exp() * shares[-1]]
        for log_weights, share in zip(
            reversed(self.log_hidden), reversed(shares[:-1]), strict=True
        ):
            found.append((found[-1] @ log_weights.exp()) * share)
        return found[::-1]

    def _gradient_from(self, x: Tensor, slopes: list[Tensor]) -> Tensor:
        """The gradient of F from the dF/da_k."""
        found = self.log_curvature.exp() * x
        for slope, weight in zip(slopes, self._weights(), strict=True):
            found = found + slope @ weight
        return found

    def _weights(self) -> list[Tensor]:
        """The W_k."""
        return [each.weight for each in self.linear if isinstance(each, nn.Linear)]

    def _shifts(self, context: Tensor | None) -> list[Tensor]:
        """What the context adds to each layer."""
        if self.context is None or context is None:
            return []
        return list(self.context(context).split(self.hidden, -1))


def _positive(after: int, before: int) -> Tensor:
    """Logarithms of the initial weights of a layer, whose sum is about one."""
    return 0.5 * torch.randn(after, before) - torch.tensor(float(before)).log()


def _finite(vectors: Sequence[Tensor]) -> Tensor:
    """Whether all entries of a row of all vectors are finite, [..., 1]."""
    first, *rest = (each.isfinite().all(-1, keepdim=True) for each in vectors)
    for each in rest:
        first = first & each
    return first


def log_det(hessian: Tensor) -> Tensor:
    """The logarithm of the determinant of positive definite matrices, NaN of any others."""
    factor, failed = torch.linalg.cholesky_ex(hessian)
    found: Tensor = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return torch.where(failed == 0, found, torch.nan)
