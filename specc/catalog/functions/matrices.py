"""Functions of matrices: factors, solutions of linear systems, determinants, diagonals."""

from __future__ import annotations

from specc.catalog.arithmetic import arithmetic_support, numbers, show
from specc.catalog.entry import Function, Reference, Shape, ShapeMismatch
from specc.catalog.interval import hull
from specc.catalog.rules import Shapes, Supports, always, same
from specc.catalog.supports import (
    CHOLESKY,
    NONNEGATIVE,
    POSITIVE,
    POSITIVE_DEFINITE,
    POSITIVE_DIAGONAL,
    POSITIVE_SEMIDEFINITE,
    REAL,
    PositiveDefinite,
    PositiveDiagonal,
    Support,
    bounds,
    contains,
    point,
)

GOLUB = Reference("Golub and Van Loan, Matrix Computations, 2013", "sections 3.1 and 4.2")


def _matrix(shapes: Shapes) -> Shape:
    """The shape of the argument; raises `ShapeMismatch` unless it is a matrix."""
    (shape,) = shapes
    if len(shape) != 2:
        raise ShapeMismatch(f"it takes a matrix, not {show(shape)}")
    return shape


def _square(shapes: Shapes) -> Shape:
    """The shape of the argument; raises `ShapeMismatch` unless it is a square matrix."""
    shape = _matrix(shapes)
    if shape[0] != shape[1]:
        raise ShapeMismatch(f"it takes a square matrix, not {show(shape)}")
    return shape


def _transposed(shapes: Shapes) -> Shape:
    """The shape with rows and columns interchanged."""
    rows, columns = _matrix(shapes)
    return columns, rows


def _diagonal_shape(shapes: Shapes) -> Shape:
    """The shape of the diagonal of a square matrix."""
    return _square(shapes)[:1]


def _diag_shape(shapes: Shapes) -> Shape:
    """The shape (n, n) for a vector of n entries."""
    (shape,) = shapes
    if len(shape) != 1:
        raise ShapeMismatch(f"it takes the vector of the diagonal, not {show(shape)}")
    return shape * 2


def _outer_shape(shapes: Shapes) -> Shape:
    """The shape (n, m) for vectors of n and of m entries."""
    left, right = shapes
    if len(left) != 1 or len(right) != 1:
        raise ShapeMismatch(f"it takes two vectors, not {show(left)} and {show(right)}")
    return left + right


def _solution_shape(shapes: Shapes) -> Shape:
    """The shape of the right side; raises `ShapeMismatch` unless its first size is that of A."""
    matrix, right = shapes
    rows, _ = _square((matrix,))
    if len(right) not in (1, 2) or right[0] != rows:
        raise ShapeMismatch(f"{show(matrix)} and the right side {show(right)} do not fit")
    return right


def _determinant_shape(shapes: Shapes) -> Shape:
    """The shape of a number."""
    _square(shapes)
    return ()


def _diag_support(supports: Supports) -> Support:
    """A positive diagonal, or nonnegative eigenvalues, if the entries are; else real numbers."""
    (given,) = supports
    if contains(POSITIVE, given):
        return POSITIVE_DIAGONAL
    if contains(NONNEGATIVE, given):
        return POSITIVE_SEMIDEFINITE
    return numbers(hull(bounds(given), bounds(point(0))), given.discrete)


def _diagonal_support(supports: Supports) -> Support:
    """The diagonal of a positive definite matrix is positive."""
    (given,) = supports
    if contains(POSITIVE_DEFINITE, given) or contains(CHOLESKY, given):
        return POSITIVE
    return NONNEGATIVE if given == POSITIVE_SEMIDEFINITE else same(supports)


def _transpose_support(supports: Supports) -> Support:
    """Symmetric matrices stay what they are."""
    (given,) = supports
    if isinstance(given, (PositiveDefinite, PositiveDiagonal)):
        return given
    return same(supports)


def _outer_support(supports: Supports) -> Support:
    """The support of products."""
    return arithmetic_support("*", *supports)


MATRICES = "specc.runtime.functions.matrices"

ENTRIES: tuple[Function, ...] = (
    Function(
        name="cholesky",
        summary="The Cholesky factor of a positive definite matrix; NaN if it is not one.",
        formula="cholesky(A) = L, lower triangular with a positive diagonal, L L' = A",
        references=(GOLUB,),
        target=f"{MATRICES}.cholesky",
        arity=(1, 1),
        shape=_square,
        support=always(CHOLESKY),
        requires=(POSITIVE_DEFINITE,),
        constant=lambda matrix: None,
        example="cholesky(covariance)",
        elementwise=False,
    ),
    Function(
        name="inverse_cholesky",
        summary="The Cholesky factor of the inverse of a positive definite matrix, such as that "
        "of a covariance from a precision.",
        formula="inverse_cholesky(A) = L, L L' = A^-1",
        references=(GOLUB,),
        target=f"{MATRICES}.inverse_cholesky",
        arity=(1, 1),
        shape=_square,
        support=always(CHOLESKY),
        requires=(POSITIVE_DEFINITE,),
        constant=lambda matrix: None,
        example="inverse_cholesky(precision)",
        elementwise=False,
    ),
    Function(
        name="diag",
        summary="The matrix with a vector on its diagonal.",
        formula="diag(v)_ij = v_i where i = j, else 0",
        target="torch.diag_embed",
        arity=(1, 1),
        shape=_diag_shape,
        support=_diag_support,
        constant=lambda vector: None,
        example="diag(variances)",
        elementwise=False,
        linear=True,
        adjoint="diagonal",
    ),
    Function(
        name="diagonal",
        summary="The diagonal of a square matrix.",
        formula="diagonal(A)_i = A_ii",
        target=f"{MATRICES}.diagonal",
        arity=(1, 1),
        shape=_diagonal_shape,
        support=_diagonal_support,
        constant=lambda matrix: None,
        example="diagonal(covariance)",
        elementwise=False,
        linear=True,
        adjoint="diag",
    ),
    Function(
        name="logdet",
        summary="The logarithm of the determinant of a positive definite matrix; NaN if it is not "
        "one.",
        formula="logdet(A) = 2 sum_i log L_ii, L = cholesky(A)",
        references=(GOLUB,),
        target=f"{MATRICES}.logdet",
        arity=(1, 1),
        shape=_determinant_shape,
        support=always(REAL),
        requires=(POSITIVE_DEFINITE,),
        constant=lambda matrix: None,
        example="logdet(covariance)",
        elementwise=False,
    ),
    Function(
        name="outer",
        summary="The products of the entries of two vectors.",
        formula="outer(x, y)_ij = x_i y_j",
        target=f"{MATRICES}.outer",
        arity=(2, 2),
        shape=_outer_shape,
        support=_outer_support,
        gram=True,
        constant=lambda x, y: None,
        example="outer(u, v)",
        elementwise=False,
    ),
    Function(
        name="solve",
        summary="The solution of a linear system with one right side, or with one in each column.",
        formula="solve(A, b) = A^-1 b",
        references=(GOLUB,),
        target=f"{MATRICES}.solve",
        arity=(2, 2),
        shape=_solution_shape,
        support=always(REAL),
        constant=lambda matrix, right: None,
        example="solve(covariance, y)",
        elementwise=False,
        event_dims=True,
        rank_of=1,
    ),
    Function(
        name="solve_triangular",
        summary="The solution of a lower triangular system, by forward substitution.",
        formula="solve_triangular(L, b) = L^-1 b",
        references=(GOLUB,),
        target=f"{MATRICES}.solve_triangular",
        arity=(2, 2),
        shape=_solution_shape,
        support=always(REAL),
        requires=(CHOLESKY, None),
        constant=lambda factor, right: None,
        example="solve_triangular(factor, y)",
        elementwise=False,
        event_dims=True,
        rank_of=1,
    ),
    Function(
        name="transpose",
        summary="A matrix with its rows and columns interchanged.",
        formula="transpose(A)_ij = A_ji",
        target=f"{MATRICES}.transpose",
        arity=(1, 1),
        shape=_transposed,
        support=_transpose_support,
        constant=lambda matrix: None,
        example="transpose(w)",
        elementwise=False,
        linear=True,
        adjoint="transpose",
    ),
)
