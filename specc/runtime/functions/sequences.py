"""Values over the steps of a sequence: lagged values, initial values, masks, stacks of steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def lag(x: Tensor, initial: Tensor | float, dims: int) -> Tensor:
    """x one step earlier: `initial` at the first step, and then all steps but the last.

    x is [..., steps, *event] with `dims` axes in an event; `initial` is a number, or [..., *event]
    with leading axes that broadcast to those of x.
    """
    axis = -1 - dims
    if not isinstance(initial, Tensor):
        first = torch.full_like(x.narrow(axis, 0, 1), initial)
        return torch.cat([first, x.narrow(axis, 0, x.shape[axis] - 1)], axis)
    event, first = x.shape[x.ndim - dims :], _one_step(x, initial, dims)
    # `initial` may have axes of particles or rows that x lacks.
    leads = (v.shape[: v.ndim + axis] for v in (x, first))
    lead = torch.broadcast_shapes(*leads)  # type: ignore[no-untyped-call]
    rest = x.narrow(axis, 0, x.shape[axis] - 1)
    return torch.cat([part.expand(*lead, -1, *event) for part in (first, rest)], axis)


def lead(x: Tensor, initial: Tensor | float, dims: int, mask: Tensor | None = None) -> Tensor:
    """x one step later: all steps but the first, and then `initial` at the last step.

    x is [..., steps, *event] with `dims` axes in an event; `initial` is an event, or a number.
    Where `mask` [..., steps] is 0 a row has no step, so its last step is the last one with mask 1.
    """
    axis = -1 - dims
    if mask is not None:
        start = _one_step(x, initial, dims) if isinstance(initial, Tensor) else initial
        x = torch.where(mask[(..., *(None,) * dims)] > 0, x, torch.as_tensor(start).to(x))
    return lag(x.flip(axis), initial, dims).flip(axis)


def _one_step(x: Tensor, initial: Tensor, dims: int) -> Tensor:
    """`initial` with an axis for one step, [..., 1, *event], of the type of x."""
    missing = dims - initial.ndim  # a number is the same for every entry
    initial = initial[(None,) * missing] if missing > 0 else initial
    return initial.to(x.dtype).unsqueeze(-1 - dims)


def initial_value(
    value: Tensor | float, shape: Sequence[int], like: Tensor, integer: bool = False
) -> Tensor:
    """`value` in the given shape, on the device of `like`, of its type or of `integer` type.

    `value` is a number, or a tensor that broadcasts; further leading axes remain. If `like` has an
    integer dtype the result has torch's default floating-point dtype.
    """
    kind = like.dtype if like.is_floating_point() else torch.get_default_dtype()
    kind = torch.long if integer else kind
    if not isinstance(value, Tensor):
        return torch.full(tuple(shape), value, dtype=kind, device=like.device)
    full = torch.broadcast_shapes(value.shape, tuple(shape))  # type: ignore[no-untyped-call]
    return value.to(kind).expand(full)


def expand_steps(x: Tensor, steps: int, dims: int) -> Tensor:
    """The same value at each step: [..., steps, *event].

    x is [*event] with `dims` axes in an event, or [..., 1, *event].
    """
    axis = -1 - dims
    x = x.unsqueeze(axis) if x.ndim == dims else x
    return x.expand((*x.shape[:axis], steps, *x.shape[x.ndim - dims :]))


def at_step(x: Tensor, step: Tensor, dims: int) -> Tensor:
    """The value at one step for each entry of `step` [...]: [..., *event].

    x is [..., steps, *event] with `dims` axes in an event, and leading axes that broadcast to those
    of `step`.
    """
    event = x.shape[x.ndim - dims :]
    every = x.movedim(-1 - dims, 0).expand(-1, *step.shape, *event)
    places = step.view(1, *step.shape, *(1,) * dims).expand(1, *step.shape, *event)
    return every.gather(0, places).squeeze(0)


def sequence_mask(lengths: Tensor, steps: int) -> Tensor:
    """1 for the first `lengths` of the steps and 0 for the rest: [..., steps] from [...]."""
    every = torch.arange(steps, device=lengths.device)
    return (every < lengths.unsqueeze(-1)).to(torch.get_default_dtype())


def masked_update(value: Tensor, previous: Tensor, mask: Tensor, dims: int) -> Tensor:
    """`value` [..., *event] where `mask` [...] is 1, else `previous`.

    `previous` broadcasts to the shape of `value`, whose event has `dims` axes.
    """
    return torch.where(mask[(..., *(None,) * dims)] > 0, value, previous)


def stack_steps(steps: Sequence[tuple[Tensor, ...]], dims: Sequence[int]) -> tuple[Tensor, ...]:
    """The values of all steps, each [..., steps, *event]; `dims` counts the axes of each event.

    A value of the first step may have fewer axes than later ones, to which it is broadcast. A
    number for all entries of an event has axes of size 1 in their place.
    """
    values = map(_broadcast, zip(*steps, strict=True))
    return tuple(_stacked(v, rank) for v, rank in zip(values, dims, strict=True))


def _stacked(values: Sequence[Tensor], dims: int) -> Tensor:
    missing = (None,) * (dims - values[0].ndim)
    return torch.stack([value[missing] for value in values] if missing else [*values], -1 - dims)


def _broadcast(values: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The values, broadcast to one shape."""
    if all(value.shape == values[0].shape for value in values):
        return values
    return tuple(torch.broadcast_tensors(*values))  # type: ignore[no-untyped-call]
