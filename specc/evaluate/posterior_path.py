"""Log p(x) of single rows by annealed importance sampling over their latents.

Along temperatures 0 = b_0 < ... < b_K = 1, with z the latents of a row and r(z) a normal density,

    f_b(z) = r(z)^(1 - b) p(x, z)^b,      the integral of f_0 is 1, that of f_1 is p(x)

and each f_b is left invariant by a step of Hamiltonian Monte Carlo (Wu, Burda, Salakhutdinov and
Grosse 2017, section 2.2 and 3). The weights of chains from r to the posterior have the mean p(x),
those of chains from a posterior sample to r the mean 1 / p(x) (Grosse, Ghahramani and Adams 2015):

    log mean w    is at most log p(x) on average, forward,
    -log mean w   is at least log p(x) on average, backward from exact samples.

The latents of a row drawn from the model are an exact sample of its posterior, so that the gap of
both directions on simulated rows bounds the error of the forward direction there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.runtime.chains import hmc
from specc.runtime.chains.point import LogDensity, at
from specc.runtime.noise import Noise

WANTED, GAIN = 0.65, 0.1
"""The wanted probability of acceptance, and the change of log step size for each unit of error."""

STEEP = 4.0
"""The range of the sigmoid function of which temperatures are values."""

PILOTS, LEAPFROG = 2, 10
"""The chains of each row in a pilot pass, and the leapfrog steps of a transition."""

Joint = Callable[[Mapping[str, Tensor]], Tensor]
"""Log p(x, z) of the latents by name, [chains, rows, *shape] each: [chains, rows]."""

Advance = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Reference:
    """The normal density r of the latents of a row: their shapes, [D] means and deviations."""

    shapes: Mapping[str, tuple[int, ...]]
    mean: Tensor
    deviation: Tensor

    @staticmethod
    def of(draws: Mapping[str, Tensor]) -> Reference:
        """With the moments of draws from the prior: [draws, *shape] of each latent."""
        flat = torch.cat([value.reshape(len(value), -1) for value in draws.values()], 1)
        deviation = flat.std(0).clamp_min(1e-6) if len(flat) > 1 else torch.ones_like(flat[0])
        shapes = {name: tuple(value.shape[1:]) for name, value in draws.items()}
        return Reference(shapes, flat.mean(0), deviation)

    def flat(self, latents: Mapping[str, Tensor]) -> Tensor:
        """The standardized entries of latents [..., *shape] in one vector: [..., D]."""
        parts = [latents[n].flatten(-len(s)) if s else latents[n][..., None] for n, s in self._all]
        return (torch.cat(parts, -1) - self.mean) / self.deviation

    def latents(self, value: Tensor) -> dict[str, Tensor]:
        """The latents of standardized entries [..., D], by name."""
        sizes = [math.prod(shape) for shape in self.shapes.values()]
        parts = torch.split(value * self.deviation + self.mean, sizes, -1)
        named = zip(self.shapes.items(), parts, strict=True)
        return {n: part.reshape(*value.shape[:-1], *shape) for (n, shape), part in named}

    @property
    def _all(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return tuple(self.shapes.items())


@dataclass(frozen=True, slots=True)
class PosteriorPath:
    """The densities f_b of the standardized latents of some rows, up to the volume of the scale.

    The standardized entries have r = Normal(0, 1); log |dz| is added to log p(x, z).
    """

    joint: Joint
    reference: Reference
    rows: int

    def target(self, value: Tensor) -> Tensor:
        """Log f_1: [chains, rows, D] to [chains, rows]."""
        volume = self.reference.deviation.log().sum()
        return self.joint(self.reference.latents(value)) + volume

    def base(self, value: Tensor) -> Tensor:
        """Log f_0, a normalized density."""
        return -0.5 * (value.square() + math.log(2 * math.pi)).sum(-1)

    def at(self, b: float) -> LogDensity:
        """Log f_b."""
        return lambda value: (1 - b) * self.base(value) + b * self.target(value)

    def start(self, noise: Noise, chains: int) -> Tensor:
        """Draws from the base: [chains, rows, D]."""
        return noise.normal((chains, self.rows, len(self.reference.mean)))


def temperatures(count: int) -> list[float]:
    """0 and `count` further temperatures up to 1, closer together at both ends.

    b_k = (s(4 (2 k / K - 1)) - s(-4)) / (s(4) - s(-4)), with s the sigmoid function (Wu et al.
    2017, section 4).
    """
    values = [1 / (1 + math.exp(-STEEP * (2 * k / count - 1))) for k in range(count + 1)]
    return [(value - values[0]) / (values[-1] - values[0]) for value in values]


def step_sizes(
    path: PosteriorPath, betas: list[float], noise: Noise, first: float = 0.5
) -> list[float]:
    """A step size for each temperature, by a pilot pass whose chains no estimate uses.

    Each transition moves the step size towards an acceptance of 0.65. A size that depended on the
    chains of an estimate would bias it.
    """
    value, size, found = path.start(noise, PILOTS), first, [first]
    for b in betas[1:]:
        density = path.at(b)
        point, accepted = hmc.step(
            noise, density, at(density, value), step_size=size, leapfrog=LEAPFROG
        )
        value = point.value
        found.append(size)
        size *= math.exp(GAIN * (accepted.mean().item() - WANTED))
    return found


def anneal(
    path: PosteriorPath,
    value: Tensor,
    betas: list[float],
    sizes: list[float],
    noise: Noise,
    advance: Advance = lambda done: None,
) -> Tensor:
    """The log-weights of chains through temperatures, backwards if they decrease: [chains, rows].

    `sizes` are the step sizes at the temperatures.
    """
    at_hand = value
    total = torch.zeros(value.shape[:-1], dtype=torch.float64, device=value.device)
    last = len(betas) - 1
    for k in range(1, last + 1):
        slope = path.target(at_hand).double() - path.base(at_hand).double()
        total += (betas[k] - betas[k - 1]) * slope
        if k < last:
            density = path.at(betas[k])
            start = at(density, at_hand)
            point, _ = hmc.step(noise, density, start, step_size=sizes[k], leapfrog=LEAPFROG)
            at_hand = point.value
        advance(k / last)
    return total


def forward(
    path: PosteriorPath,
    chains: int,
    betas: list[float],
    sizes: list[float],
    noise: Noise,
    advance: Advance = lambda done: None,
) -> Tensor:
    """The log-weights of chains from the base to the posterior, of mean p(x): [chains, rows]."""
    return anneal(path, path.start(noise, chains), betas, sizes, noise, advance)


def backward(
    path: PosteriorPath,
    value: Tensor,
    betas: list[float],
    sizes: list[float],
    noise: Noise,
    advance: Advance = lambda done: None,
) -> Tensor:
    """The log-weights of chains from posterior samples to the base, of mean 1 / p(x)."""
    return anneal(path, value, betas[::-1], sizes[::-1], noise, advance)
