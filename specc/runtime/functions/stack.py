"""Several events side by side on a new axis."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.functions.alike import alike


def stack(*parts: Tensor | float, dim: int) -> Tensor:
    """The parts on a new axis `dim`, counted from the end of the result; their axes broadcast."""
    spread = torch.broadcast_tensors(*alike(*parts))  # type: ignore[no-untyped-call]
    return torch.stack(spread, dim)
