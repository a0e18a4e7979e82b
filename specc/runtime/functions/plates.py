"""Values on the elements of a plate: the first, the last or a chosen one, sums, means, extremes.

In the functions of plates x is [..., elements, *event] with `dims` axes in an event. `lengths` is
[...], the number of elements of each row: elements from there on are padding, which does not count.
A row without elements has the sum and the mean 0, and otherwise the value on the first one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.functions.sequences import sequence_mask


def first_entry(x: Tensor, *, dims: int) -> Tensor:
    """The first entry along the first of the last `dims` axes."""
    return x.select(-dims, 0)


def last_entry(x: Tensor, *, dims: int) -> Tensor:
    """The last entry along the first of the last `dims` axes."""
    return x.select(-dims, -1)


def element_of_plate(x: Tensor, index: Tensor, *, dims: int) -> Tensor:
    """The value on the element with the number `index`, an integer for each row: [..., *event]."""
    axis = -1 - dims
    lead = torch.broadcast_shapes(index.shape, x.shape[:axis])  # type: ignore[no-untyped-call]
    event = x.shape[x.ndim - dims :]
    place = index.long().expand(lead)[(..., None, *(None,) * dims)].expand(*lead, 1, *event)
    return x.expand(*lead, -1, *event).gather(axis, place).squeeze(axis)


def first_over_plate(x: Tensor, lengths: Tensor, *, dims: int) -> Tensor:
    """The value on the first element: [..., *event]."""
    del lengths
    return x.select(-1 - dims, 0)


def last_over_plate(x: Tensor, lengths: Tensor, *, dims: int) -> Tensor:
    """The value on the last element of each row: [..., *event]."""
    return element_of_plate(x, (lengths - 1).clamp(min=0), dims=dims)


def sum_over_plate(x: Tensor, lengths: Tensor, *, dims: int) -> Tensor:
    """The sum over the elements of each row: [..., *event]."""
    return torch.where(_there(x, lengths, dims), x, 0.0).sum(-1 - dims)


def mean_over_plate(x: Tensor, lengths: Tensor, *, dims: int) -> Tensor:
    """The mean over the elements of each row: [..., *event]."""
    count = lengths.clamp(min=1)[(..., *(None,) * dims)]
    return sum_over_plate(x, lengths, dims=dims) / count


def max_over_plate(x: Tensor, lengths: Tensor, *, dims: int) -> Tensor:
    """The largest value over the elements of each row: [..., *event]."""
    return torch.where(_there(x, lengths.clamp(min=1), dims), x, -torch.inf).amax(-1 - dims)


def min_over_plate(x: Tensor, lengths: Tensor, *, dims: int) -> Tensor:
    """The smallest value over the elements of each row: [..., *event]."""
    return torch.where(_there(x, lengths.clamp(min=1), dims), x, torch.inf).amin(-1 - dims)


def flatten_over_plate(x: Tensor, lengths: Tensor, *, dims: int) -> Tensor:
    """The values on all elements as one vector: [..., elements * entries]; padding is 0."""
    return torch.where(_there(x, lengths, dims), x, 0.0).flatten(-1 - dims)


def _there(x: Tensor, lengths: Tensor, dims: int) -> Tensor:
    """Whether each element is one of its row, with axes of size 1 for the event."""
    mask = sequence_mask(lengths, x.shape[-1 - dims]) > 0
    return mask[(..., *(None,) * dims)]
