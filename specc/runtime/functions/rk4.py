"""Solutions of ordinary differential equations inside an expression."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from specc.runtime.number import Number


def rk4(
    rate: Callable[[Tensor], Tensor], state: Tensor, duration: Number, steps: int, *, dims: int
) -> Tensor:
    """The state after a duration: the solution of dv/dt = rate(v), by steps of one size.

        h = duration / steps, v <- v + h/6 (k_1 + 2 k_2 + 2 k_3 + k_4)
        k_1 = f(v), k_2 = f(v + h/2 k_1), k_3 = f(v + h/2 k_2), k_4 = f(v + h k_3)

    The error is of order h^4 (Kutta 1901; Hairer, Norsett and Wanner 1993, table II.1.2). The
    gradient is that of the steps, so it is exact for the computed solution.

    Args:
        rate: f, from states [..., *event] to their derivatives by time.
        state: The state v at the beginning, [..., *event].
        duration: The time from the beginning to the end, a number or [...].
        steps: The number of steps, each of which computes four rates.
        dims: The rank of the event of a state.

    """
    if isinstance(duration, Tensor) and duration.dim():
        duration = duration.reshape(*duration.shape, *(1,) * dims)
    h = duration / steps
    for _ in range(steps):
        k1 = rate(state)
        k2 = rate(state + h / 2 * k1)
        k3 = rate(state + h / 2 * k2)
        k4 = rate(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state
