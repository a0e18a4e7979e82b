"""The fraction of modes of a known mixture that samples reach, and of samples near a mode.

    modes = fraction of c with #{i: c nearest to y_i, |y_i - c| <= radius} >= least
    near  = fraction of i with min over c of |y_i - c| <= radius

(Srivastava et al. 2017, section 4.1; Lin et al. 2018, section 4.1)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from specc.evaluate.compared import Compared, Value, distances, share


def compute(
    compared: Compared, *, centres: Sequence[Sequence[float]], radius: float, least: int
) -> dict[str, Value]:
    """The fraction of modes, and the fraction of samples with its binomial standard error."""
    modes = torch.tensor(centres, dtype=compared.samples.dtype, device=compared.samples.device)
    distance, nearest = distances(compared.samples, modes).min(-1)
    near = distance <= radius
    counts = nearest[near].bincount(minlength=len(modes))
    return {"modes": Value((counts >= least).double().mean().item()), "near": share(near)}
