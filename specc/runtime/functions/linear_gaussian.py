"""Linear Gaussian models: marginal likelihood with one latent vector, and the Kalman filter.

With z = m + S e, e standard normal, and an observation x = A z + c + noise of deviations s, let
G = A S / s and y = (x - A m - c) / s, row by row. The QR factors of I above G give R, with
R'R = I + G'G, and

    e* = (I + G'G)^-1 G'y,   z given x has the mean m + S e* and the root S R^-1
    log p(x) = -(|y - G e*|^2 + |e*|^2) / 2 - log det R - sum log s - n/2 log 2 pi

(Bishop 2006, equations 2.113 to 2.117, in the square-root form of Kaminski, Bryson and Schmidt
1971). No covariance is formed and nothing large is subtracted, so noise that is a million times
smaller than the signal costs no more digits than its square root would.

A chain adds the prediction of each step (Kalman 1960),

    z_t = A_t z_{t-1} + a_t + N(0, Q_t),   x_t = C_t z_t + c_t + N(0, R_t)
    log p(x) = sum over t of log p(x_t | x_1 ... x_{t-1})

where the root of A P A' + Q is the triangle of a QR factorization, so the covariance remains
positive semidefinite under rounding. Time and memory are linear in the steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from specc.runtime.noise import Noise
from specc.runtime.number import Number


class Normal(NamedTuple):
    """A normal distribution: mean [..., n], and square root S [..., n, n] of its covariance."""

    mean: Tensor
    root: Tensor


class Affine(NamedTuple):
    """x = weight z + offset + noise of deviations `scale`: [..., m, n], [..., m] and [..., m]."""

    weight: Tensor
    offset: Tensor
    scale: Tensor


def probe_points(size: int, like: Tensor) -> Tensor:
    """0 and the `size` unit vectors, [1 + size, size], of the type and on the device of `like`.

    An affine function is determined by its values at these points.
    """
    one = torch.eye(size, dtype=like.dtype, device=like.device)
    return torch.cat([torch.zeros_like(one[:1]), one])


def affine(loc: Number, scale: Number, probes: Tensor, axis: int, event: Sequence[int]) -> Affine:
    """The affine map z -> loc, recovered from the values of `loc` at the probe points.

    `loc` [..., 1 + n, ..., *event] has the axis of the points at `axis`, counted without the event,
    or does not have it, if it does not depend on z; `probes` [1 + n, ...] gives n and the dtype. In
    the result that axis has size 1.
    """
    mean, deviation = (_flat(torch.as_tensor(x).to(probes), event) for x in (loc, scale))
    count, place = probes.shape[0] - 1, axis - 1
    if mean.ndim < -place or mean.shape[place] == 1:
        return Affine(mean.new_zeros(mean.shape[-1], count), mean, deviation)
    first = mean.narrow(place, 0, 1)
    weight = (mean.narrow(place, 1, count) - first).unsqueeze(-1).transpose(place - 1, -1)
    return Affine(weight, first, deviation)


def _flat(x: Tensor, event: Sequence[int]) -> Tensor:
    """x [..., *event] with the event flattened to a vector: [..., m]."""
    x = x[(None,) * (len(event) - x.ndim)]
    outer = x.shape[: x.ndim - len(event)]
    return x.expand((*outer, *event)).reshape((*outer, math.prod(event)))


def counted(x: Tensor, leading: int, mask: Tensor | None = None) -> Tensor | None:
    """The mask in the shape of x, flattened after the `leading` axes, as 0 or 1: [..., m].

    None without a mask.
    """
    if mask is None:
        return None
    wide = mask[(..., *(None,) * (x.ndim - mask.ndim))].expand_as(x)
    return wide.reshape(*x.shape[:leading], -1).to(x)


def condition(
    prior: Normal, observed: Sequence[tuple[Tensor, Affine, Tensor | None]]
) -> tuple[Tensor, Normal]:
    """log p(x) of the observed values, [...], and the posterior p(z | x).

    `observed` has for each x [..., m] its map and its mask [..., m], or None. A masked entry is a
    row of zeros in G and y, so it does not affect z, and it has no term in log p(x).

    With z = mean + root e and residuals y = G e + noise, e minimizes |e|^2 + |y - G e|^2: by the QR
    factors of (1; G), which are a norm if e is a number.
    """
    mean, root = prior
    residuals, maps, constant = [], [], torch.zeros_like(mean[..., 0])
    for x, (weight, offset, scale), counts in observed:
        expected = _applied(weight, mean) + offset
        residual, gained = (x - expected) / scale, _product(weight, root) / scale.unsqueeze(-1)
        each = scale.log() + math.log(2 * math.pi) / 2
        if counts is not None:
            residual, gained = residual * counts, gained * counts.unsqueeze(-1)
            each = each * counts
        residuals.append(residual)
        maps.append(gained)
        constant = constant - each.sum(-1)
    gain, y = joined(maps, -2), joined(residuals, -1)
    if root.shape[-1] == 1:
        column = gain.squeeze(-1)
        square = 1.0 + column.square().sum(-1, keepdim=True)
        found = (column * y).sum(-1, keepdim=True) / square
        rest, log_det = y - column * found, square.log().squeeze(-1) / 2
        narrowed = root / square.sqrt().unsqueeze(-1)
        moved = mean + root.squeeze(-1) * found
    else:
        one = torch.eye(root.shape[-1], dtype=root.dtype, device=root.device)
        q, r = torch.linalg.qr(torch.cat([one.expand(*gain.shape[:-2], -1, -1), gain], -2))
        projected = q[..., one.shape[0] :, :].mT @ y.unsqueeze(-1)
        solved = torch.linalg.solve_triangular(r, projected, upper=True)
        rest, found = y - (gain @ solved).squeeze(-1), solved.squeeze(-1)
        log_det = r.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)
        narrowed = torch.linalg.solve_triangular(r, root.expand_as(r), upper=True, left=False)
        moved = mean + (root @ solved).squeeze(-1)
    log_p = constant - (rest.square().sum(-1) + found.square().sum(-1)) / 2 - log_det
    return log_p, Normal(moved, narrowed)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """The matrix product a b, entry by entry if the axis of its sums has size 1."""
    return a * b if a.shape[-1] == 1 else a @ b


def _applied(weight: Tensor, x: Tensor) -> Tensor:
    """The vector W x, entry by entry if x has one entry."""
    if x.shape[-1] == 1:
        return weight.squeeze(-1) * x
    return (weight @ x.unsqueeze(-1)).squeeze(-1)


def joined(parts: Sequence[Tensor], axis: int) -> Tensor:
    """The concatenation of the parts along `axis` < 0, with the axes before it broadcast."""
    if len(parts) == 1:
        return parts[0]
    rank = max(p.ndim for p in parts)
    full = [p[(None,) * (rank - p.ndim)] for p in parts]
    sizes = [max(p.shape[i] for p in full) for i in range(rank + axis)]
    return torch.cat([p.expand(*sizes, *p.shape[axis:]) for p in full], axis)


Observation = tuple[Tensor, Number, Number] | tuple[Tensor, Number, Number, Tensor]
"""A value, its mean, its standard deviation, and a mask if entries of it may be missing."""


def gaussian_marginal(
    probes: Tensor, prior: tuple[Number, Number], observed: Sequence[Observation], axis: int
) -> Tensor:
    """log p(x), the integral over z of N(z; *prior) times N(x; loc, scale) of all observed x.

    `probes` [1 + n, ..., *event] has 0 and the unit vectors of z at `axis`, counted without the
    event, and each loc [..., 1 + n, ..., *event of x] is computed from it. A loc must be affine in
    z, and no scale may depend on z. Each x is [rows, *event of x]; entries with a false mask have
    no term. In the result the axis of the points has size 1 (probabilistic PCA: Tipping and Bishop
    1999, equations 3 to 6).
    """
    return condition(*_given(probes, prior, observed, axis))[0]


def _given(
    probes: Tensor, prior: tuple[Number, Number], observed: Sequence[Observation], axis: int
) -> tuple[Normal, list[tuple[Tensor, Affine, Tensor | None]]]:
    """The prior as a normal distribution, and the observed values with their maps."""
    start = affine(*prior, probes, axis, probes.shape[-axis:])
    found = [
        (x.reshape(len(x), -1), affine(loc, scale, probes, axis, x.shape[1:]), counted(x, 1, *mask))
        for x, loc, scale, *mask in observed
    ]
    return Normal(start.offset, start.scale.diag_embed()), found


def sample_normal(
    noise: Noise,
    probes: Tensor,
    prior: tuple[Number, Number],
    observed: Sequence[Observation],
    axis: int,
) -> Tensor:
    """A draw of z given all observed x, [rows, *event]; the arguments of `gaussian_marginal`."""
    posterior = condition(*_given(probes, prior, observed, axis))[1]
    return _drawn(noise, posterior).reshape(len(observed[0][0]), *probes.shape[-axis:])


def _drawn(noise: Noise, state: Normal) -> Tensor:
    """A draw of each row: mean + root e, e standard normal."""
    mean, root = state
    shape = torch.broadcast_shapes(mean.shape, root.shape[:-1])  # type: ignore[no-untyped-call]
    return mean + (root @ noise.normal(shape).unsqueeze(-1)).squeeze(-1)


def kalman_filter(
    probes: Tensor,
    transition: tuple[Number, Number],
    observed: Sequence[Observation],
    axis: int,
    start: tuple[Number, Number] | None = None,
    mask: Tensor | None = None,
    reverse: bool = False,
) -> Tensor:
    """log p(x), the integral over z_1 ... z_T of N(z_t; *transition) times N(x_t; loc, scale).

    `probes` [1 + n, ..., *event] has 0 and the unit vectors of z at `axis`, counted without the
    event. Each loc [..., 1 + n, ..., rows, steps, *event of x] is computed from it, and that of
    `transition` from the same vectors as z_{t-1}, with their axis left of `axis`. Both must be
    affine, and no scale may depend on z. Each x is [rows, steps, *event of x]; entries with a false
    mask have no term. Before the first step z_0 has the mean and standard deviation `start`, [...,
    rows, *event]. Without it the transition of the first step does not depend on z. Where `mask`
    [rows, steps] is 0 a row has no step. Both axes remain, of size 1.
    """
    total = probes.new_zeros(())
    for t, log_p, *_ in _filtered(probes, transition, observed, axis, start, mask, reverse):
        total = total + (log_p if mask is None else log_p * mask[:, t])
    return total


def _filtered(
    probes: Tensor,
    transition: tuple[Number, Number],
    observed: Sequence[Observation],
    axis: int,
    start: tuple[Number, Number] | None,
    mask: Tensor | None,
    reverse: bool,
) -> Iterator[tuple[int, Tensor, Normal, Affine, Normal]]:
    """Each step t in order, log p(x_t) given all before it, and the states before and after it.

    Between these is the map from the state before the step. The arguments are those of
    `kalman_filter`.
    """
    event = probes.shape[-axis:]
    count = observed[0][0].shape[1]
    transitions = _steps(affine(*transition, probes, axis - 1, event), count)
    found = []
    for x, loc, scale, *known in observed:
        maps = _steps(affine(loc, scale, probes, axis, x.shape[2:]), count)
        mask_of_x = counted(x, 2, *known)
        masks = [None] * count if mask_of_x is None else mask_of_x.unbind(1)
        found.append(list(zip(x.reshape(*x.shape[:2], -1).unbind(1), maps, masks, strict=True)))
    size = probes.shape[0] - 1
    state = Normal(probes.new_zeros(size), probes.new_zeros(size, size))
    if start is not None:
        mean, scale = (_flat(torch.as_tensor(v).to(probes), event) for v in start)
        state = Normal(mean, scale.diag_embed())
    for t in reversed(range(count)) if reverse else range(count):
        before, by = state, transitions[t]
        log_p, state = condition(_predict(before, by), [each[t] for each in found])
        if start is not None and mask is not None and reverse:  # padding comes before the start
            state = _where(mask[:, t], state, before)
        yield t, log_p, before, by, state


def sample_sequence(
    noise: Noise,
    probes: Tensor,
    transition: tuple[Number, Number],
    observed: Sequence[Observation],
    axis: int,
    start: tuple[Number, Number] | None = None,
    mask: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """A draw of the states of all steps given all observed x, alone in a tuple or with the start.

    The arguments are those of `kalman_filter`. The states are [rows, steps, *event]; with `start`
    the state before the first step follows, [rows, *event]. Backwards from the last step each state
    is drawn given the next one, an observation of it with the noise of the transition (forward
    filtering, backward sampling; Carter and Kohn 1994, section 2).
    """
    steps = list(_filtered(probes, transition, observed, axis, start, mask, reverse))
    rows, event = len(observed[0][0]), probes.shape[-axis:]
    after = _drawn(noise, steps[-1][-1])
    drawn = {steps[-1][0]: after}
    for place in reversed(range(len(steps))):
        t, _, before, by, _ = steps[place]
        if place == 0 and start is None:
            break
        state = condition(before, [(after, by, None)])[1]
        if mask is not None and not reverse:  # a step that a row does not have says nothing
            state = _where(mask[:, t], state, before)
        earlier = _drawn(noise, state)
        if mask is not None and reverse:
            earlier = torch.where(mask[:, t, None] > 0, earlier, after)
        after = drawn[steps[place - 1][0] if place else -1] = earlier
    found = [drawn[t].reshape(rows, 1, *event) for t in range(len(steps))]
    states = torch.cat([each.expand(rows, 1, *event) for each in found], 1)
    return (states,) if start is None else (states, drawn[-1].reshape(rows, *event))


def _where(mask: Tensor, new: Normal, old: Normal) -> Normal:
    """The new state in rows with mask 1, else the old one."""
    mean = torch.where(mask.unsqueeze(-1) > 0, new.mean, old.mean)
    return Normal(mean, torch.where(mask[:, None, None] > 0, new.root, old.root))


def _predict(state: Normal, transition: Affine) -> Normal:
    """The state at the next step: a root of A P A' + Q by the QR factors of both roots."""
    mean = _applied(transition.weight, state.mean) + transition.offset
    moved = _product(transition.weight, state.root)
    if state.root.shape[-1] == 1:
        square = moved.square() + transition.scale.unsqueeze(-1).square()
        return Normal(mean, square.sqrt())
    moved, noise = moved.mT, transition.scale.diag_embed()
    return Normal(mean, torch.linalg.qr(joined((moved, noise), -2))[1].mT)


def _steps(x: Affine, count: int) -> list[Affine]:
    """The map at each step.

    The gradient of `unbind` is one concatenation, that of an index for each step a sum over them.
    """
    weight = x.weight.unbind(-3) if x.weight.ndim > 2 else (x.weight,)
    offset, scale = (v.unbind(-2) if v.ndim > 1 else (v,) for v in (x.offset, x.scale))
    each = (own if len(own) == count else own * count for own in (weight, offset, scale))
    return [Affine(*parts) for parts in zip(*each, strict=True)]
