"""The windows of the warm-up.

    | window 1 | window 2, twice as long | ... | step size alone |

The step size adapts after every transition, and the metric at the end of each window, from the
draws of that window. So early draws, far from the typical set, are forgotten (Stan 2024, section
15.2, whose first window comes later).
"""

from __future__ import annotations

FIRST = 10
"""The number of transitions in the first window."""

LAST = 50
"""The number of transitions at the end in which the step size alone adapts."""


def window_ends(warmup: int) -> tuple[int, ...]:
    """The numbers of transitions after which a window ends, ascending.

    The last window takes the rest if none of double length fits after it. The step size alone has
    the last 50 transitions; of a warm-up of less than 500 a tenth, and at least 10 if these are
    at most half of it.
    """
    stop = warmup - min(LAST, max(warmup // 10, min(10, warmup // 2)))
    ends: list[int] = []
    at, length = 0, FIRST
    while at + length <= stop:
        following = 2 * length
        at = stop if at + length + following > stop else at + length
        ends.append(at)
        length = following
    return tuple(ends)
