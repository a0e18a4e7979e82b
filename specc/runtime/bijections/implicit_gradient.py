"""The solution x of x + g(x) = goal, with its derivative by the implicit function theorem.

Lu, Chen, Li, Wang and Zhu (2021), Implicit normalizing flows, section 4.3, eq. 8 to 10.
"""

from __future__ import annotations

from torch import Tensor

from specc.runtime.bijections.fixed_point import fixed_point
from specc.runtime.bijections.lipschitz_network import NormalizedNetwork


def solve(g: NormalizedNetwork, goal: Tensor) -> Tensor:
    """The solution x to the tolerance of `fixed_point`.

    It is differentiable once with respect to goal, weights and context.

    The graph contains the last step x = goal - g(x) with x inside g held constant. The backward
    pass multiplies the gradient by the inverse of I + J^T, as the fixed point v = gradient - J^T v.
    """
    x = fixed_point(lambda x: goal - g(x), goal).detach()
    last, slopes = g.with_slopes(x)
    solution = goal - last
    if solution.requires_grad:
        fixed = [slope.detach() for slope in slopes]
        solution.register_hook(  # type: ignore[no-untyped-call]
            lambda grad: fixed_point(lambda v: grad - g.transposed(fixed, v), grad)
        )
    return solution
