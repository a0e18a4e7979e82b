"""The fixed point of mean-field updates."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from specc.runtime.control_flow import data_dependent

MOST = 1000
"""The largest number of updates."""


def fixed_point(
    update: Callable[..., tuple[Tensor, ...]], *means: Tensor, tolerance: float
) -> tuple[Tensor, ...]:
    """The means after as many updates as it takes until none changes by more than `tolerance`.

    Each update sets the mean of one factor of q given the others, which never raises
    KL(q || p) (Jordan et al. 1999, section 4); at most 1,000 updates of all factors are made.

    Args:
        update: A function from the means to their new values, in the same shapes.
        means: The means at the start.
        tolerance: The largest change of a mean at the end.

    """
    data_dependent("mean-field updates go on until the means stop changing")
    for _ in range(MOST):
        before, means = means, update(*means)
        pairs = zip(before, means, strict=True)
        if all(float((new - old).abs().max()) <= tolerance for old, new in pairs):
            break
    return means
