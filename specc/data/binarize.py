"""Stochastic binarization: each grey value is the probability of a one."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.noise import Noise

LEVELS = 1 << 16


def draw(raw: Tensor, factor: float, noise: Noise, dtype: torch.dtype) -> Tensor:
    """Ones with the probabilities `raw * factor`, else zeros, in the shape of `raw`.

    Bytes are compared with 16 random bits each, four from each word of the generator, which takes a
    third of the time of uniform floats. Probabilities are exact to 2^-17, and exact at 0 and 1.
    """
    if raw.dtype == torch.uint8:
        limit = raw.to(torch.float32).mul_(factor * LEVELS).sub_(LEVELS / 2 + 0.5)
        return _sixteen_bits(raw, noise.generator).lt_(limit).to(dtype)
    return noise.uniform(raw.shape).lt_(raw * factor).to(dtype)


def _sixteen_bits(like: Tensor, generator: torch.Generator) -> Tensor:
    """Integers, uniform on -32768 to 32767, as floats in the shape of `like`."""
    words = torch.empty(-(-like.numel() // 4), dtype=torch.int64, device=like.device)
    words.random_(-(1 << 63), None, generator=generator)
    return words.view(torch.int16)[: like.numel()].view(like.shape).to(torch.float32)
