"""The categorical distribution over one-hot vectors of n classes.

    log p(x) = sum_i x_i log p_i,  p = softmax(logits)

x [..., n] has a single 1; logits [..., n]; leading axes broadcast, and the result has no class
axis. Bishop (2006), equation 2.26.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime.distributions import categorical
from specc.runtime.noise import Noise


def log_prob(value: Tensor, logits: Tensor) -> Tensor:
    """The log-probability; classes of probability 0 count only where value is not 0."""
    log_p = torch.where(value != 0, logits.log_softmax(-1), 0.0)
    return (value * log_p).sum(-1)


@torch.no_grad()
def sample(noise: Noise, logits: Tensor, *, shape: Sequence[int] | None = None) -> Tensor:
    """One-hot vectors as floating-point numbers, of the given shape or that of the logits."""
    classes = noise.categorical(logits, None if shape is None else tuple(shape)[:-1])
    return torch.nn.functional.one_hot(classes, logits.shape[-1]).to(logits.dtype)


def relaxed_sample(
    noise: Noise, logits: Tensor, temperature: float, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Vectors that sum to one, softmax((logits + g) / temperature), g standard Gumbel.

    Differentiable in the logits; the largest entry has the class of the distribution. Jang, Gu and
    Poole (2017), equation 2.
    """
    race = noise.exponential(logits.shape if shape is None else tuple(shape)).log()
    return ((logits - race) / temperature).softmax(-1)


def harden(value: Tensor) -> Tensor:
    """The one-hot vector with a 1 at the largest entry."""
    classes = value.argmax(-1)
    return torch.nn.functional.one_hot(classes, value.shape[-1]).to(value.dtype)


def relaxed_log_prob(value: Tensor, logits: Tensor) -> Tensor:
    """The log-probability, linear in vectors that sum to one."""
    return log_prob(value, logits)


def mean(logits: Tensor) -> Tensor:
    """The mean, softmax(logits)."""
    return logits.softmax(-1)


def entropy(logits: Tensor) -> Tensor:
    """The entropy, -sum_i p_i log p_i."""
    return categorical.entropy(logits)


def kl_one_hot_categorical(logits: Tensor, other_logits: Tensor) -> Tensor:
    """KL(p || q) = sum_i p_i (log p_i - log q_i)."""
    return categorical.kl_categorical(logits, other_logits)


def enumerate_values(
    *, classes: int | None, dtype: torch.dtype, device: torch.device | str
) -> Tensor:
    """The one-hot vectors of all classes, [classes, classes].

    Raises ValueError if `classes` is None.
    """
    if classes is None:
        raise ValueError("the number of classes is not known")
    return torch.eye(classes, dtype=dtype, device=device)
