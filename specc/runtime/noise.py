"""Random numbers from counters: the same seed and counters give the same numbers.

Generated code draws every number from a `Noise`, so a step is a function of its arguments, and a
run resumes without a saved generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime.number import Number
from specc.runtime.seeds import mix

LARGEST = 2.0**30
"""The largest rate for which torch draws the counts: they are int32 on a GPU."""


class Noise:
    """Random numbers of one step, from a generator that is seeded by counters."""

    def __init__(self, generator: torch.Generator, dtype: torch.dtype) -> None:
        self.generator = generator
        self.dtype = dtype

    @classmethod
    def at(
        cls,
        seed: int,
        *counters: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
    ) -> Noise:
        """The noise of `seed` at the given counters, such as (epoch, step)."""
        generator = torch.Generator(device=device)
        generator.manual_seed(mix(seed, *counters))
        return cls(generator, dtype or torch.get_default_dtype())

    def zeros(self, shape: Sequence[int]) -> Tensor:
        """Zeros of the given shape, of the type and on the device of the noise."""
        return torch.zeros(tuple(shape), dtype=self.dtype, device=self.generator.device)

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Standard normal numbers of the given shape."""
        return torch.randn(
            tuple(shape),
            generator=self.generator,
            dtype=self.dtype,
            device=self.generator.device,
        )

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Numbers of the given shape, uniform on [0, 1)."""
        return torch.rand(
            tuple(shape),
            generator=self.generator,
            dtype=self.dtype,
            device=self.generator.device,
        )

    def exponential(self, shape: Sequence[int]) -> Tensor:
        """Standard exponential numbers of the given shape, all positive."""
        empty = torch.empty(tuple(shape), dtype=self.dtype, device=self.generator.device)
        return empty.exponential_(generator=self.generator)

    def gamma(self, concentration: Number, shape: Sequence[int]) -> Tensor:
        """Gamma(concentration, 1) numbers of the given shape, differentiable in the concentration.

        The gradient is the implicit one, -(dF/da) / p (Figurnov, Mohamed and Mnih 2018, section 3).
        """
        return torch._standard_gamma(self._fill(concentration, shape), generator=self.generator)

    def log_gamma(self, concentration: Number, shape: Sequence[int]) -> Tensor:
        """Logarithms of Gamma(concentration, 1) numbers, differentiable in the concentration.

        A gamma variate of a small concentration a often underflows; its logarithm is that of a
        Gamma(a + 1, 1) variate minus e / a, e standard exponential (Marsaglia and Tsang 2000,
        section 6).
        """
        a = self._fill(concentration, shape)
        return torch._standard_gamma(a + 1, generator=self.generator).log() - (
            self.exponential(shape) / a
        )

    def poisson(self, rate: Number, shape: Sequence[int]) -> Tensor:
        """Poisson counts of the given shape, as floating-point numbers.

        The counts of torch are integers, which overflow, and above 10^15 their distribution is
        wrong. For a rate above `LARGEST` the counts of `LARGEST` are shifted and scaled instead:
        both distributions are normal up to a skewness of 3e-5.
        """
        mean = self._fill(rate, shape)
        mean = mean.clamp_max(torch.finfo(mean.dtype).max)
        counts = torch.poisson(mean.clamp_max(LARGEST), generator=self.generator)
        scale = (mean / LARGEST).sqrt()
        return torch.where(mean > LARGEST, (mean + scale * (counts - LARGEST)).round(), counts)

    def binomial(self, total_count: Number, probs: Number, shape: Sequence[int]) -> Tensor:
        """The numbers of successes in `total_count` trials, as floating-point numbers.

        They are drawn in float64: the algorithm of torch compares terms of the size of the counts,
        so in float32 the variance of counts of 10^9 is too large.
        """
        p = self._fill(probs, shape)
        count = self._fill(total_count, shape).double().contiguous()
        return torch.binomial(count, p.double().contiguous(), generator=self.generator).to(p.dtype)

    def categorical(self, logits: Tensor, shape: Sequence[int] | None = None) -> Tensor:
        """Class numbers with probabilities softmax(logits), logits [..., n].

        `shape` is that of the result; without it, the logits' without the last axis. The class is
        argmax(logits - log e), e standard exponential (the Gumbel-max trick; Yellott 1977).
        """
        leading = logits.shape[:-1] if shape is None else tuple(shape)
        race = self.exponential((*leading, logits.shape[-1])).log()
        return (logits - race).argmax(-1)

    def classes(self, probs: Tensor, draws: int) -> Tensor:
        """For each row of probs [..., n], `draws` independent class numbers: [..., draws]."""
        rows = probs.reshape(-1, probs.shape[-1])
        drawn = torch.multinomial(rows, draws, replacement=True, generator=self.generator)
        return drawn.reshape(*probs.shape[:-1], draws)

    def _fill(self, x: Number, shape: Sequence[int]) -> Tensor:
        """The number in the given shape."""
        if isinstance(x, Tensor):
            return x.expand(tuple(shape))
        device = self.generator.device
        return torch.full(tuple(shape), float(x), dtype=self.dtype, device=device)


__all__ = ["Noise", "mix"]
