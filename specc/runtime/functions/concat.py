"""Several vectors in a row."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.functions.alike import alike


def concat(*parts: Tensor | float) -> Tensor:
    """The vectors one after the other along the last axis: [..., n + m] from [..., n], [..., m].

    The axes before it broadcast. A number, or a tensor without axes, is a vector of one entry.
    """
    vectors = [part if part.dim() else part[None] for part in alike(*parts)]
    shapes = [vector.shape[:-1] for vector in vectors]
    leading = torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]
    return torch.cat([vector.expand(*leading, vector.shape[-1]) for vector in vectors], -1)
