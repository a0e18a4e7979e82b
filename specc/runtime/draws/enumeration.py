"""All states of finite variables, and draws of states by their joint log-densities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from specc.runtime.noise import Noise


def every_state(values: Tensor, shape: Sequence[int]) -> Tensor:
    """All assignments of `values` [n, *event] to an array of `shape`: [n^size, *shape, *event]."""
    size = math.prod(shape)
    index = torch.cartesian_prod(*[torch.arange(len(values), device=values.device)] * size)
    return values[index.view(-1, *shape)]


def selected(values: Tensor, index: Tensor, axis: int) -> Tensor:
    """The values with these numbers: [*index, *event].

    `values` [n, ..., *event] has all of them on its first axis, which is `axis` < 0 counted without
    the event, and axes of size 1 between.
    """
    return values.reshape(values.shape[0], *values.shape[-axis:])[index]


def on_axis(potential: Tensor, after: int) -> Tensor:
    """[..., n] as [n, 1, ..., 1, ...] with `after` axes after that of the n values."""
    first = potential.movedim(-1, 0)
    return first.reshape(len(first), *(1,) * (after + 1 - first.dim()), *first.shape[1:])


def state_probs(
    log_p: Tensor,
    potentials: Mapping[str, Tensor],
    *,
    shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
) -> dict[str, Tensor]:
    """d log_p / d potential, the probability of each value of a variable: [..., n].

    `log_p` is the log of a sum over all values, in which exp(potential) multiplies the terms of a
    value (Darwiche 2003). A variable of `shapes` has independent entries, and its values are those
    of all entries together; then the result is the probability of each value of an entry,
    [..., *shape, n].
    """
    found = torch.autograd.grad(log_p, tuple(potentials.values()))
    probs = dict(zip(potentials, found, strict=True))
    return {name: entry_probs(p, shapes.get(name, ())) for name, p in probs.items()}


def entry_probs(probs: Tensor, shape: Sequence[int]) -> Tensor:
    """The probabilities of each entry, [..., *shape, n], from those of all states [..., n^size]."""
    size = math.prod(shape)
    if not shape:
        return probs
    each = round(probs.shape[-1] ** (1 / size))
    split = probs.reshape(*probs.shape[:-1], *(each,) * size)
    axes = range(-size, 0)
    entries = [split.sum([a for a in axes if a != own]) if size > 1 else split for own in axes]
    return torch.stack(entries, -2).reshape(*probs.shape[:-1], *shape, each)


def sample_values(
    noise: Noise, log_joint: Tensor, values: Sequence[Tensor], axes: Sequence[int]
) -> tuple[Tensor, ...]:
    """A draw of several finite variables for each row, in proportion to exp(log_joint).

    `log_joint` [..., n, ..., rows] has the values of each variable at one of the `axes`, and axes
    of size 1 otherwise; `values` [n, ..., *event] has them at the same axis, counted without the
    event. Each draw is [rows, *event].
    """
    index = sample_index(noise, log_joint, axes)
    return tuple(selected(*each) for each in zip(values, index, axes, strict=True))


def sample_index(noise: Noise, log_joint: Tensor, axes: Sequence[int]) -> tuple[Tensor, ...]:
    """The number of a value on each axis for each row, [rows], in proportion to exp(log_joint)."""
    by_row, shape = _by_row(log_joint, axes)
    index: tuple[Tensor, ...] = torch.unravel_index(noise.categorical(by_row), shape)
    return index


def sample_elements(
    noise: Noise, log_joint: Tensor, values: Sequence[Tensor], axes: Sequence[int], draws: int
) -> tuple[Tensor, ...]:
    """Independent draws for the elements of a plate in place of rows: each [draws, size, *event].

    `values` [n, ..., size, *event] are equal for all elements.
    """
    own = [value.narrow(-axis - 1, 0, 1) for value, axis in zip(values, axes, strict=True)]
    by_element, shape = _by_row(log_joint, axes)
    drawn = noise.classes(by_element.softmax(-1), draws)
    index = torch.unravel_index(drawn.movedim(-1, 0), shape)
    return tuple(selected(*each) for each in zip(own, index, axes, strict=True))


def sample_shared(
    noise: Noise, log_joint: Tensor, values: Sequence[Tensor], axes: Sequence[int], draws: int
) -> tuple[Tensor, ...]:
    """The same for variables that all rows share, `log_joint` [..., n, ..., 1]: [draws, *event]."""
    return tuple(each[:, 0] for each in sample_elements(noise, log_joint, values, axes, draws))


def _by_row(log_joint: Tensor, axes: Sequence[int]) -> tuple[Tensor, list[int]]:
    """The log-densities of all values of several variables, [rows, states], and their numbers."""
    shape = [log_joint.shape[axis] for axis in axes]
    last = log_joint.movedim(tuple(axes), tuple(range(-len(shape), 0)))
    return last.reshape(log_joint.shape[-1], -1), shape
