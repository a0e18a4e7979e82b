"""The categorical distribution over class numbers 0 to n - 1.

    log p(x) = logits[x] - logsumexp(logits)

x [...] has integers of any number type; logits [..., n]; leading axes broadcast. The result has no
class axis. Bishop (2006), equation 2.26.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise


def log_prob(value: Tensor, logits: Tensor) -> Tensor:
    """The log-probability, in the shape of value and of logits without its last axis."""
    leading = number.shape(value, logits[..., 0])
    log_p = logits.log_softmax(-1).expand(*leading, -1)
    return log_p.gather(-1, value.long().expand(leading).unsqueeze(-1)).squeeze(-1)


@torch.no_grad()
def sample(noise: Noise, logits: Tensor, *, shape: Sequence[int] | None = None) -> Tensor:
    """Class numbers (int64), of the given shape or that of the logits without its last axis."""
    return noise.categorical(logits, shape)


def entropy(logits: Tensor) -> Tensor:
    """The entropy, -sum_i p_i log p_i; a class of probability 0 adds 0."""
    log_p = logits.log_softmax(-1)
    return -(log_p.exp() * torch.where(log_p > -torch.inf, log_p, 0.0)).sum(-1)


def kl_categorical(logits: Tensor, other_logits: Tensor) -> Tensor:
    """KL(p || q) = sum_i p_i (log p_i - log q_i); a class of p_i = 0 adds 0."""
    log_p, log_q = logits.log_softmax(-1), other_logits.log_softmax(-1)
    possible = log_p > -torch.inf
    ratio = torch.where(possible, log_p, 0.0) - torch.where(possible, log_q, 0.0)
    return (log_p.exp() * ratio).sum(-1)


def enumerate_values(
    *, classes: int | None, dtype: torch.dtype, device: torch.device | str
) -> Tensor:
    """The class numbers 0 to classes - 1, shape [classes].

    Raises ValueError if `classes` is None.
    """
    if classes is None:
        raise ValueError("the number of classes is not known")
    return torch.arange(classes, dtype=dtype, device=device)
