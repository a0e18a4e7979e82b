"""Sums over the rows of elements of a plate, and values beside all values of other latents."""

from __future__ import annotations

import torch
from torch import Tensor


def sum_by_element(values: Tensor, index: Tensor, size: int) -> Tensor:
    """sum over i with k(i) = k of values[..., i], for each of `size` elements k: [..., size].

    `values` is [..., rows], and `index` has the element k(i) of each row, [rows].
    """
    index = index.long()
    rows = values.expand(*values.shape[:-1], len(index))
    return values.new_zeros(*values.shape[:-1], size).index_add(-1, index, rows)


def share_among_rows(values: Tensor, index: Tensor) -> Tensor:
    """values[..., k(i)] / n_k(i) for each row i, with n_k the number of rows of an element k.

    `values` is [..., size], and `index` has the element k(i) of each row, [rows]. All rows share
    the values of elements without rows, so that the sum over rows is that over elements:
    [..., rows].
    """
    index = index.long()
    counts = values.new_zeros(values.shape[-1]).index_add(0, index, values.new_ones(len(index)))
    shares = (values / counts.clamp(min=1.0)).index_select(-1, index)
    rest = (values * (counts == 0)).sum(-1, keepdim=True)
    return shares + rest / len(index)


def sum_over_rows(values: Tensor, data: Tensor) -> Tensor:
    """The sum over all rows of values[..., rows], [..., 1]; `data` is [rows, ...].

    A value that rows share counts for each of them.
    """
    return values.expand(*values.shape[:-1], len(data)).sum(-1, keepdim=True)


def share_among_all_rows(values: Tensor, data: Tensor) -> Tensor:
    """values[..., 0] / n for each of n rows, [..., n]; `data` is [n, ...]."""
    return (values / len(data)).expand(*values.shape[:-1], len(data))


def make_room(value: Tensor, count: int, *, dims: int) -> Tensor:
    """[particles, *rest] with `count` axes of size 1 after the particles, [..., *rest].

    `rest` has `dims` axes; a value without particles is returned as it is.
    """
    if value.dim() <= dims:
        return value
    return value.reshape(*value.shape[:-dims], *(1,) * count, *value.shape[-dims:])


def pair_weights(log_q: Tensor, i: Tensor, j: Tensor, *, axes: tuple[int, int, int]) -> Tensor:
    """q(z_i = a) q(z_j = b) of each row, or q(z_i = a) if a = b and else 0 where i = j.

    `log_q` is [..., states, ..., size], with the states at the last of `axes`, and i and j are the
    elements of each row, [rows]. In the result a is at the first of `axes`, b at the second one,
    and rows are last.
    """
    first, second, own = axes
    q, count = log_q.exp(), log_q.shape[own]
    left, right = q.index_select(-1, i.long()), q.index_select(-1, j.long())
    for _ in range(own - first):
        left = left.unsqueeze(own)
    for _ in range(own - second):
        right = right.unsqueeze(own)
    same = torch.eye(count, dtype=q.dtype, device=q.device)
    same = same.reshape(count, *(1,) * (second - first - 1), count, *(1,) * (-second - 1))
    return left * torch.where(i == j, same, right)
