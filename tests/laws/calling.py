"""Calls of catalog functions as in generated code, and random values of a support."""

from __future__ import annotations

import math
from importlib import import_module

import numpy as np
import torch

from specc.catalog.entry import Function
from specc.catalog.supports import (
    CHOLESKY,
    Integers,
    OneHot,
    Ordered,
    PositiveDefinite,
    PositiveDiagonal,
    Simplex,
    Support,
    bounds,
    contains,
)


def target(entry: Function):
    module, _, name = entry.target.rpartition(".")
    return getattr(import_module(module), name)


def call(entry: Function, *arguments: tuple[object, int]) -> torch.Tensor:
    """Calls a function with the rank of the event of each argument; a size has rank 0."""
    ranks = [rank for _, rank in arguments]
    wanted = max(ranks) if entry.elementwise else entry.least_rank
    values = [_aligned(value, rank, wanted) for value, rank in arguments]
    if entry.method is not None:
        axes = tuple(range(-ranks[0], 0))
        return getattr(values[0], entry.method)(axes) if axes else values[0]
    options = {"dims": ranks[entry.rank_of]} if entry.event_dims else {}
    return target(entry)(*values, **options)


def _aligned(value: object, rank: int, wanted: int) -> object:
    if not isinstance(value, torch.Tensor) or rank >= wanted:
        return value
    shape = value.shape[: value.dim() - rank]
    return value.reshape(*shape, *(1,) * (wanted - rank), *value.shape[value.dim() - rank :])


def draw(support: Support, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Values in the support, including its closed ends."""
    if isinstance(support, Simplex):
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    if isinstance(support, OneHot):
        return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    if contains(CHOLESKY, support) or isinstance(support, PositiveDefinite):
        return _matrices(support, shape, rng)
    if isinstance(support, Ordered):
        rising = np.sort(draw(support.inside, shape, rng), -1)
        return rising[..., ::-1].copy() if support.falling else rising
    inside = bounds(support)
    low = inside.low if math.isfinite(inside.low) else min(-6.0, inside.high - 9.0)
    high = inside.high if math.isfinite(inside.high) else max(6.0, inside.low + 9.0)
    if isinstance(support, Integers):
        return rng.integers(int(low), int(high) + 1, shape).astype(float)
    share = rng.uniform(0.001, 0.999, shape)
    if not inside.low_open:
        share[rng.uniform(size=shape) < 0.15] = 0.0
    if not inside.high_open:
        share[rng.uniform(size=shape) < 0.15] = 1.0
    return low + share * (high - low)


def _matrices(support: Support, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Cholesky factors, or products of them with their transposes."""
    size = shape[-1]
    if isinstance(support, PositiveDiagonal):
        return np.eye(size) * rng.uniform(0.3, 2.0, shape)
    factors = np.tril(rng.normal(size=shape), -1) + np.eye(size) * rng.uniform(0.3, 2.0, shape)
    if isinstance(support, PositiveDefinite):
        return factors @ np.swapaxes(factors, -2, -1)
    return factors


def lies_in(support: Support, values: np.ndarray, slack: float = 1e-9) -> bool:
    """Whether every value is in the support, up to rounding."""
    if isinstance(support, (Simplex, OneHot)):
        sums = np.allclose(values.sum(-1), 1.0)
        entries = (values >= 0).all() if isinstance(support, Simplex) else _is_binary(values)
        return bool(sums and entries)
    if contains(CHOLESKY, support) or isinstance(support, PositiveDefinite):
        return _is_matrix(support, values)
    if isinstance(support, Ordered):
        return _is_ordered(support, values, slack)
    if isinstance(support, Integers) and not np.array_equal(values, np.round(values)):
        return False
    inside = bounds(support)
    room = slack * np.maximum(1.0, np.abs(values))
    # An open bound at 0 is checked strictly; rounding may reach other open bounds.
    above = values > 0 if inside.low_open and inside.low == 0 else values >= inside.low - room
    below = values < 0 if inside.high_open and inside.high == 0 else values <= inside.high + room
    return bool(above.all() and below.all())


def _is_ordered(support: Ordered, values: np.ndarray, slack: float) -> bool:
    """Whether the entries rise or fall, and go from bound to bound if the support says so."""
    steps = np.diff(values, axis=-1) * (-1 if support.falling else 1)
    rises = (steps > 0) if support.strict else (steps >= -slack)
    ends = values.min(-1) - support.inside.low, values.max(-1) - support.inside.high
    reached = not support.ends or all(np.abs(end).max() < slack for end in ends)
    return bool(rises.all()) and reached and lies_in(support.inside, values, slack)


def _is_binary(values: np.ndarray) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _is_matrix(support: Support, values: np.ndarray) -> bool:
    """Whether matrices are triangular with a positive diagonal, or have such eigenvalues."""
    if isinstance(support, PositiveDefinite):
        least = np.linalg.eigvalsh(values).min()
        return bool(np.allclose(values, np.swapaxes(values, -2, -1)) and least > -1e-9)
    diagonal = np.diagonal(values, axis1=-2, axis2=-1)
    zero = np.tril(values, -1) if isinstance(support, PositiveDiagonal) else 0.0
    return bool((diagonal > 0).all() and np.array_equal(values - zero, np.tril(values)))
