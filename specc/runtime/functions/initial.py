"""The value of a node before the first step of a sequence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def initial(
    value: Tensor | float, shape: Sequence[int], like: Tensor, whole: bool = False
) -> Tensor:
    """`value` in the given shape, of the type of `like` and on its device; `whole` numbers apart.

    `value` is a number, or a tensor that broadcasts; it keeps what axes it has beyond the shape.
    Beside whole numbers the type is torch's own.
    """
    kind = like.dtype if like.is_floating_point() else torch.get_default_dtype()
    kind = torch.long if whole else kind
    if not isinstance(value, Tensor):
        return torch.full(tuple(shape), value, dtype=kind, device=like.device)
    full = torch.broadcast_shapes(value.shape, tuple(shape))  # type: ignore[no-untyped-call]
    return value.to(kind).expand(full)
