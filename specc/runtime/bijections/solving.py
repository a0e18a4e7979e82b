"""The solution x of x + g(x) = goal, with its derivative by the implicit function theorem.

Lu, Chen, Li, Wang and Zhu (2021), Implicit normalizing flows, section 4.3, eq. 8 to 10.
"""

from __future__ import annotations

from torch import Tensor

from specc.runtime.bijections.contraction import Contracted
from specc.runtime.bijections.fixed_point import fixed_point


def solve(g: Contracted, goal: Tensor) -> Tensor:
    """x, to the tolerance of `fixed_point`; differentiable once in goal, weights and context.

    The last step x = goal - g(x) is recorded with x inside g held fixed. A gradient that arrives
    is multiplied by the inverse of I + J^T, itself a fixed point, v = gradient - J^T v.
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
