"""Samples of a noising chain in fewer steps than it has.

The guide adds noise to the value z_0 before its first step, with the coefficients a, c, s of its
steps and A, C, V of q(z_t | z_0) (`specc.runtime.functions.noising`). The mean of p(z_(t-1) | z_t)
is that of q(z_(t-1) | z_t, z_0) at an estimate of z_0, which is therefore known from it, whatever
the network of the model predicts:

    mean = G z_t + (1 - G a_t) C_(t-1) - G c_t + (s_t^2 / V_t) A_(t-1) estimate
    G = a_t V_(t-1) / V_t

From z_t and the estimate a sampler goes to any earlier step:

    ddim        z_s = A_s estimate + C_s + sqrt(V_s / V_t) (z_t - A_t estimate - C_t)
                (Song, Meng and Ermon 2021, equation 12 with sigma = 0)
    strided     a draw of q(z_s | z_t, z_0) at the estimate
                (Nichol and Dhariwal 2021, section 4; equation 16 of Song et al. with eta = 1)
    dpm_solver  ddim with the estimate extrapolated from that of the step before, of order 2
                in log(A / sqrt(V)) (Lu et al. 2022, DPM-Solver++, algorithm 2)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from specc.engine.storage.loaded_run import LoadedRun
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.functions.noising import NoiseLevels
from specc.runtime.noise import Noise

START, STEP, FORWARD, MEAN = (
    "model.start_of_chain",
    "model.one_step",
    "guide.one_step",
    "model.conditional_mean",
)
FEW = 20
"""The number of steps by default."""

TOLERANCE = 1e-3
"""The largest relative difference of a step of the guide from an affine function."""


@dataclass(frozen=True, slots=True)
class Denoising:
    """A sampler by its name, and the number of times that it evaluates the model."""

    sampler: str
    steps: int


@dataclass(frozen=True, slots=True)
class Point:
    """A step on the way, with the estimate of z_0 there."""

    t: int
    estimate: Tensor


Rule = Callable[[NoiseLevels, Point, Point | None, int], Tensor]
"""The estimate with which a sampler goes from a point, after another one, to an earlier step."""


def plain(levels: NoiseLevels, here: Point, before: Point | None, to: int) -> Tensor:
    """The estimate as it is."""
    del levels, before, to
    return here.estimate


def extrapolated(levels: NoiseLevels, here: Point, before: Point | None, to: int) -> Tensor:
    """The estimate plus h / (2 h') times its change, for steps h' before and h now."""
    if before is None:
        return here.estimate
    at = levels.log_ratio
    ratio = (at[to] - at[here.t]) / (at[here.t] - at[before.t])
    return here.estimate + 0.5 * ratio * (here.estimate - before.estimate)


@dataclass(frozen=True, slots=True)
class Sampler:
    """The estimate that a sampler uses, and whether it draws fresh noise at each step."""

    rule: Rule
    is_random: bool = False


SAMPLERS: Mapping[str, Sampler] = {
    "ddim": Sampler(plain),
    "dpm_solver": Sampler(extrapolated),
    "strided": Sampler(plain, is_random=True),
}


def denoised(
    loaded: LoadedRun, chosen: Denoising, noise: Noise, rows: int, given: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Rows of the observed nodes: their means given the end of the chain, [rows, *shape].

    The first of the steps is a draw of the last latent of the chain, and the last one the mean of
    the data. Raises RunFailure: E0531, if there is no such chain, or too few steps.
    """
    program, chain = loaded.program, loaded.manifest.chain
    least = 3
    if chain is None or not all(program.can(name) for name in (START, STEP, FORWARD)):
        raise _refused(loaded, "no guide draws a sequence forward that the model draws backward")
    if not program.can(MEAN):
        raise _refused(loaded, "its data are classes, which have no mean")
    if not least <= chosen.steps <= chain.steps + 1:
        span = f"{least} to {chain.steps + 1}"
        problem, hint = f"it takes {span} steps, not {chosen.steps}", f"let `--steps` be {span}"
        raise _refused(loaded, problem, hint)
    start = program.require(START)
    values, value = start(noise, rows, **program.inputs(START, given))
    known = {**given, **values}
    levels = _levels(loaded, chain.steps, value, known)
    one_step = program.require(STEP)
    inputs = program.inputs(STEP, known)
    last = chain.steps - 1
    mean, deviation = one_step(value, last, **inputs)
    value = mean + deviation * noise.normal(value.shape)
    grid = places(levels, chosen.steps - 1)
    sampler = SAMPLERS[chosen.sampler]
    fresh = noise if sampler.is_random else None
    value = descend(
        levels, sampler.rule, grid, value, lambda z, t: one_step(z, t, **inputs)[0], fresh
    )
    # The data depend on the end of the chain alone.
    whole = value.unsqueeze(1).expand(-1, chain.steps, *value.shape[1:])
    known[chain.latent] = whole
    found: dict[str, Tensor] = program.require(MEAN)(**program.inputs(MEAN, known))
    return found


def descend(
    levels: NoiseLevels,
    rule: Rule,
    grid: list[int],
    value: Tensor,
    mean: Callable[[Tensor, int], Tensor],
    fresh: Noise | None = None,
) -> Tensor:
    """z at the last step of the grid, from `value` at its first one.

    `mean(z_t, t - 1)` is the mean of p(z_(t-1) | z_t).
    """
    before = None
    for t, s in pairwise(grid):
        here = Point(t, estimate_of(levels, t, value, mean(value, t - 1)))
        value = jump(levels, t, s, value, rule(levels, here, before, s), fresh)
        before = here
    return value


def estimate_of(levels: NoiseLevels, t: int, value: Tensor, mean: Tensor) -> Tensor:
    """The estimate of z_0 from z_t = `value` and the mean of p(z_(t-1) | z_t)."""
    gain = levels.a[t] * levels.variance[t - 1] / levels.variance[t]
    rest = mean - gain * (value - levels.c[t]) - (1 - gain * levels.a[t]) * levels.shift[t - 1]
    return rest * levels.variance[t] / (levels.s[t] ** 2 * levels.signal[t - 1])


def bridge_variance(levels: NoiseLevels, t: int, s: int) -> Tensor:
    """The variance of q(z_s | z_t, z_0)."""
    kept = (levels.signal[t] / levels.signal[s]) ** 2 * levels.variance[s] / levels.variance[t]
    return levels.variance[s] * (1 - kept)


def jump(
    levels: NoiseLevels, t: int, s: int, value: Tensor, estimate: Tensor, fresh: Noise | None
) -> Tensor:
    """z_s from z_t = `value` and the estimate of z_0, with the same noise, or with `fresh`.

    With fresh noise it is a draw of q(z_s | z_t, z_0).
    """
    noise = (value - levels.signal[t] * estimate - levels.shift[t]) / levels.variance[t].sqrt()
    mean = levels.signal[s] * estimate + levels.shift[s]
    if fresh is None:
        return mean + levels.variance[s].sqrt() * noise
    new = bridge_variance(levels, t, s)
    drawn = fresh.normal(value.shape)
    return mean + (levels.variance[s] - new).sqrt() * noise + new.sqrt() * drawn


def places(levels: NoiseLevels, count: int) -> list[int]:
    """Steps from the last to the first, `count` of them, at equal distances of log(A / sqrt(V))."""
    at = levels.log_ratio.flatten(1).mean(1)
    steps = len(at)
    wanted = torch.linspace(float(at[-1]), float(at[0]), count, dtype=at.dtype, device=at.device)
    found = [int((at - each).abs().argmin()) for each in wanted]
    for k in range(1, count):  # every step once, with enough of them for those that follow
        found[k] = max(min(found[k], found[k - 1] - 1), count - 1 - k)
    return found if found[0] == steps - 1 else [steps - 1, *found[1:]]


def _levels(
    loaded: LoadedRun, steps: int, value: Tensor, known: Mapping[str, Tensor]
) -> NoiseLevels:
    """The noise levels of the guide, from its steps at 0, at 1 and at a point between."""
    program, one_step = loaded.program, loaded.program.require(FORWARD)
    missing = set(program.capabilities[FORWARD]) - set(known)
    if missing:
        raise _refused(loaded, f"a step of the guide depends on {', '.join(sorted(missing))}")
    if program.capabilities[FORWARD]:
        raise _refused(loaded, "the noise that the guide adds differs from row to row")
    shape = value.shape[1:]
    third = torch.linspace(-2, 3, max(1, shape.numel()), device=value.device).reshape(1, *shape)
    at = torch.cat([torch.zeros_like(third), torch.ones_like(third), third]).to(value.dtype)
    coefficients = []
    for t in range(steps):
        mean, deviation = (each.expand(3, *shape).double() for each in one_step(at, t))
        a, c = mean[1] - mean[0], mean[0]
        off = (mean[2] - (a * at[2].double() + c)).abs().max()
        changes = (deviation - deviation[:1]).abs().max()
        if off > TOLERANCE * mean.abs().max() or changes > TOLERANCE * deviation.max():
            raise _refused(loaded, "a step of the guide is not linear in the step before it")
        coefficients.append((a, c, deviation[0]))
    a, c, s = (torch.stack(each).to(value.dtype) for each in zip(*coefficients, strict=True))
    return NoiseLevels.of(a, c, s)


ANCESTRAL = "leave out `--sampler`; ancestral sampling takes all steps"
"""What helps if there is no noising chain."""


def _refused(loaded: LoadedRun, problem: str, hint: str = ANCESTRAL) -> RunFailure:
    message = f"`{loaded.manifest.name}` cannot be sampled in fewer steps: {problem}"
    return RunFailure("E0531", message, hint=hint, exit_code=USAGE)


__all__ = ["SAMPLERS", "Denoising", "denoised", "places"]
