"""Sums over the rows of elements of a plate, and values beside all values of other latents."""

from __future__ import annotations

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


def make_room(value: Tensor, count: int, *, dims: int) -> Tensor:
    """[particles, *rest] with `count` axes of size 1 after the particles, [..., *rest].

    `rest` has `dims` axes; a value without particles is returned as it is.
    """
    if value.dim() <= dims:
        return value
    return value.reshape(*value.shape[:-dims], *(1,) * count, *value.shape[-dims:])
