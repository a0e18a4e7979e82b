"""Functions that make, join or multiply vectors and matrices."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.bijections import cholesky
from specc.runtime.functions.dtypes import promote_dtypes, to_float


def append_zero(value: Tensor) -> Tensor:
    """The vectors with a zero after their entries: [..., n + 1]."""
    return torch.nn.functional.pad(value, (0, 1))


def cholesky_factor(free: Tensor) -> Tensor:
    """The lower triangle of `free` [..., n, n], with exp of its diagonal on the diagonal."""
    return free.tril(-1) + free.diagonal(dim1=-2, dim2=-1).exp().diag_embed()


def vector_matmul(x: Tensor, w: Tensor) -> Tensor:
    """x @ w of vectors x [..., n] and matrices w [..., n, m]: [..., m].

    The leading axes broadcast. A matrix that all vectors of an axis share is applied to them in one
    product.
    """
    if w.dim() == 2:
        return x @ w
    if w.shape[-3] == 1 and x.dim() > 1:
        return x @ w.squeeze(-3)
    return (x.unsqueeze(-2) @ w).squeeze(-2)


def concat(*parts: Tensor | float) -> Tensor:
    """The concatenation along the last axis: [..., n + m] from [..., n] and [..., m].

    The axes before it broadcast. A number, or a tensor without axes, counts as one entry.
    """
    vectors = [part if part.dim() else part[None] for part in promote_dtypes(*parts)]
    shapes = [vector.shape[:-1] for vector in vectors]
    if shapes.count(shapes[0]) == len(shapes):
        return torch.cat(vectors, -1)
    leading = torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]
    return torch.cat([vector.expand(*leading, vector.shape[-1]) for vector in vectors], -1)


def corr_cholesky_factor(free: Tensor) -> Tensor:
    """The factor of a correlation matrix [..., n, n] of the entries of `free` below the diagonal.

    0 gives the identity; see `specc.runtime.bijections.cholesky.CorrCholesky`.
    """
    return cholesky.corr_cholesky_factor(free)[0]


def dot(left: Tensor, right: Tensor) -> Tensor:
    """sum_i x_i y_i over the last axis; the axes before it broadcast."""
    return (left * right).sum(-1)


def drop_last(value: Tensor) -> Tensor:
    """The vectors without their last entries: [..., n - 1]."""
    return value[..., :-1]


def flatten(value: Tensor, *, dims: int) -> Tensor:
    """The last `dims` axes as one; a number as a vector of one entry."""
    return value.flatten(-dims) if dims else value.unsqueeze(-1)


def linspace(first: Tensor | float, last: Tensor | float, count: int) -> Tensor:
    """`count` >= 2 numbers at equal distances, both ends included: [..., count] from [...] each.

    Each is (1 - w) first + w last, so that the ends are exact.
    """
    if not isinstance(first, Tensor) and not isinstance(last, Tensor):
        first = torch.tensor(float(first))
    one, other = promote_dtypes(first, last)
    weight = torch.linspace(0.0, 1.0, count, dtype=one.dtype, device=one.device)
    return (1.0 - weight) * one.unsqueeze(-1) + weight * other.unsqueeze(-1)


def log_softmax(value: Tensor) -> Tensor:
    """x_i - log sum_j exp(x_j) along the last axis."""
    return to_float(value).log_softmax(-1)


def one_hot(value: Tensor, classes: int) -> Tensor:
    """The vectors [..., classes] with a 1 at position `value` and zeros elsewhere."""
    every = torch.arange(classes, device=value.device)
    return (value.unsqueeze(-1) == every).to(torch.get_default_dtype())


def positive_definite_matrix(free: Tensor) -> Tensor:
    """The matrix L L' of the factor L of `cholesky_factor`: [..., n, n]."""
    factor = cholesky_factor(free)
    return factor @ factor.mT


def softmax(value: Tensor) -> Tensor:
    """exp(x_i) / sum_j exp(x_j) along the last axis."""
    return to_float(value).softmax(-1)


def squared_distances(value: Tensor, points: Tensor) -> Tensor:
    """sum_i (x_i - c_ki)^2: [..., k] from [..., n] and [..., k, n]; the leading axes broadcast."""
    return (value.unsqueeze(-2) - points).square().sum(-1)


def stack(*parts: Tensor | float, dim: int) -> Tensor:
    """The parts on a new axis `dim`, counted from the end of the result; their axes broadcast."""
    expanded = torch.broadcast_tensors(*promote_dtypes(*parts))  # type: ignore[no-untyped-call]
    return torch.stack(expanded, dim)
