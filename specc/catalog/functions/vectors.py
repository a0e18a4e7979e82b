"""Functions that create, concatenate or multiply vectors and matrices."""

from __future__ import annotations

import math

from specc.catalog.arithmetic import arithmetic_support, entries, numbers, show
from specc.catalog.entry import Function, Reduction, Reference, Shape, ShapeMismatch
from specc.catalog.interval import hull
from specc.catalog.limits import MAX_CONSTANT_ENTRIES
from specc.catalog.rules import Shapes, Supports, always, pair_of_vectors, same, vector
from specc.catalog.supports import (
    NONNEGATIVE,
    ONE_HOT,
    POSITIVE_DIAGONAL,
    SIMPLEX,
    Interval,
    Support,
    bounds,
    point,
)


def _concat_shape(shapes: Shapes) -> Shape:
    """The shape of the concatenation; raises `ShapeMismatch` for arguments with several axes."""
    for each in shapes:
        if len(each) > 1:
            raise ShapeMismatch(f"it joins vectors, not {show(each)}; flatten it first")
    return (sum(each[0] if each else 1 for each in shapes),)


def _concat_support(supports: Supports) -> Support:
    """The support of the entries of all vectors."""
    discrete = all(entries(each).discrete for each in supports)
    return numbers(hull(*map(bounds, supports)), discrete)


def _appended_shape(shapes: Shapes) -> Shape:
    """The shape with one more entry on the last axis; raises `ShapeMismatch` for a number."""
    shape = vector(shapes)
    return (*shape[:-1], shape[-1] + 1)


def _appended_support(supports: Supports) -> Support:
    """The support of the entries and of zero."""
    (given,) = supports
    return numbers(hull(bounds(given), bounds(point(0))), given.discrete)


def _shortened_shape(shapes: Shapes) -> Shape:
    """The shape with one entry less on the last axis; raises `ShapeMismatch` if none is left."""
    shape = vector(shapes)
    if shape[-1] < 2:
        raise ShapeMismatch(f"it leaves an entry out, and {show(shape)} has one alone")
    return (*shape[:-1], shape[-1] - 1)


def _dot_support(supports: Supports) -> Support:
    """The support of a sum of products."""
    return arithmetic_support("@", *supports)


def _eye_shape(shapes: Shapes) -> Shape:
    """The shape (n, n)."""
    ((size,),) = shapes
    return size, size


def _eye_constant(size: float) -> tuple[tuple[float, ...], ...] | None:
    """The rows of the identity matrix; None if it has more than `MAX_CONSTANT_ENTRIES` entries."""
    if size * size > MAX_CONSTANT_ENTRIES:
        return None
    every = range(int(size))
    return tuple(tuple(float(i == j) for j in every) for i in every)


def _spaced_shape(shapes: Shapes) -> Shape:
    """The shape (n,); raises `ShapeMismatch` if an end is not a number, or n is less than 2."""
    first, last, (size,) = shapes
    if first or last:
        raise ShapeMismatch(f"its ends are numbers, not {show(first or last)}")
    if size < 2:
        raise ShapeMismatch("it has at least 2 numbers, its two ends")
    return (size,)


def _spaced_support(supports: Supports) -> Support:
    """The numbers between both ends."""
    return numbers(hull(*map(bounds, supports[:2])), False)


def _spaced_constant(first: float, last: float, size: float) -> tuple[float, ...] | None:
    """The numbers; None if there are more than `MAX_CONSTANT_ENTRIES`, or less than 2."""
    if not 2 <= size <= MAX_CONSTANT_ENTRIES:
        return None
    weights = (k / (size - 1) for k in range(int(size)))
    return tuple((1 - weight) * first + weight * last for weight in weights)


def _flatten_shape(shapes: Shapes) -> Shape:
    """The shape of the vector of all entries."""
    return (math.prod(shapes[0]),)


def _padded(support: Support) -> Support:
    """The support of the entries of all elements of a plate, with 0 for the padding of rows."""
    return _appended_support((support,))


def _one_hot_shape(shapes: Shapes) -> Shape:
    """The shape of the class numbers with a last axis for the classes."""
    classes, (count,) = shapes
    return (*classes, count)


def _one_hot_constant(value: float, count: float) -> tuple[float, ...] | None:
    """The one-hot vector; None for an invalid class or more than `MAX_CONSTANT_ENTRIES` classes."""
    inside = float(value).is_integer() and 0 <= value < count <= MAX_CONSTANT_ENTRIES
    return tuple(float(i == value) for i in range(int(count))) if inside else None


def _squared_distances_shape(shapes: Shapes) -> Shape:
    """The shape (k,); raises `ShapeMismatch` unless the points are k rows of the vector's size."""
    vector_shape, points = shapes
    if len(vector_shape) != 1 or len(points) != 2 or vector_shape != points[1:]:
        shown = f"{show(vector_shape)} and {show(points)}"
        raise ShapeMismatch(f"it takes a vector [n] and points [k, n], not {shown}")
    return points[:1]


ENTRIES: tuple[Function, ...] = (
    Function(
        name="append_zero",
        summary="The vectors on the last axis with a zero at their end, such as the logit of the "
        "state in which all of several units are off.",
        formula="append_zero(x) = (x_1, ..., x_n, 0)",
        target="specc.runtime.functions.vectors.append_zero",
        arity=(1, 1),
        shape=_appended_shape,
        support=_appended_support,
        constant=lambda x: None,
        example="append_zero(scores)",
        elementwise=False,
        linear=True,
        adjoint="drop_last",
    ),
    Function(
        name="concat",
        summary="The concatenation of vectors; a number counts as a vector of one entry.",
        formula="concat(x, y, ...) = (x_1, ..., x_m, y_1, ..., y_n, ...)",
        target="specc.runtime.functions.vectors.concat",
        arity=(1, None),
        shape=_concat_shape,
        support=_concat_support,
        constant=lambda *parts: parts,
        example="concat(x, y)",
        elementwise=False,
        linear=True,
        least_rank=1,
    ),
    Function(
        name="dot",
        summary="The inner product of two vectors.",
        formula="dot(x, y) = sum_i x_i y_i",
        target="specc.runtime.functions.vectors.dot",
        arity=(2, 2),
        shape=pair_of_vectors,
        support=_dot_support,
        constant=lambda x, y: None,
        example="dot(u[user], v[item])",
        elementwise=False,
    ),
    Function(
        name="drop_last",
        summary="The vectors on the last axis without their last entries.",
        formula="drop_last(x) = (x_1, ..., x_(n-1))",
        target="specc.runtime.functions.vectors.drop_last",
        arity=(1, 1),
        shape=_shortened_shape,
        support=same,
        constant=lambda x: None,
        example="drop_last(scores)",
        elementwise=False,
        linear=True,
        adjoint="append_zero",
    ),
    Function(
        name="eye",
        summary="The identity matrix.",
        formula="eye(n)_ij = 1 where i = j, else 0",
        target="torch.eye",
        arity=(1, 1),
        shape=_eye_shape,
        support=always(POSITIVE_DIAGONAL),
        constant=_eye_constant,
        example="eye(3)",
        elementwise=False,
        sizes=(0,),
    ),
    Function(
        name="flatten",
        summary="An event of any shape as a vector, in row-major order.",
        formula="flatten(x) = (x_1, ..., x_n), the last axis running fastest",
        target="specc.runtime.functions.vectors.flatten",
        arity=(1, 1),
        shape=_flatten_shape,
        support=same,
        constant=lambda x: (x,),
        example="flatten(image)",
        elementwise=False,
        linear=True,
        event_dims=True,
        over_plate=Reduction(
            "specc.runtime.functions.plates.flatten_over_plate", _padded, flattens=True
        ),
    ),
    Function(
        name="linspace",
        summary="Numbers at equal distances from a first to a last one, as a schedule of noise.",
        formula="linspace(a, b, n)_i = a + (b - a) i / (n - 1), i = 0, ..., n - 1",
        target="specc.runtime.functions.vectors.linspace",
        arity=(3, 3),
        shape=_spaced_shape,
        support=_spaced_support,
        constant=_spaced_constant,
        example="linspace(0.001, 0.1, 50)",
        elementwise=False,
        sizes=(2,),
    ),
    Function(
        name="log_softmax",
        summary="The logarithm of softmax, accurate for small probabilities.",
        formula="log_softmax(x)_i = x_i - log sum_j exp(x_j)",
        references=(
            Reference(
                "Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax "
                "functions, 2021"
            ),
        ),
        target="specc.runtime.functions.vectors.log_softmax",
        arity=(1, 1),
        shape=vector,
        support=always(Interval(high=0.0)),
        constant=lambda x: None,
        example="log_softmax(scores)",
        elementwise=False,
    ),
    Function(
        name="one_hot",
        summary="Class numbers as one-hot vectors.",
        formula="one_hot(y, n)_i = 1 where i = y, else 0, i from 0 to n - 1",
        target="specc.runtime.functions.vectors.one_hot",
        arity=(2, 2),
        shape=_one_hot_shape,
        support=always(ONE_HOT),
        constant=_one_hot_constant,
        example="one_hot(y, 10)",
        elementwise=False,
        sizes=(1,),
    ),
    Function(
        name="softmax",
        summary="A vector of positive numbers that sum to one, along the last axis.",
        formula="softmax(x)_i = exp(x_i) / sum_j exp(x_j)",
        references=(
            Reference(
                "Bridle, Probabilistic interpretation of feedforward classification network "
                "outputs, 1990"
            ),
        ),
        target="specc.runtime.functions.vectors.softmax",
        arity=(1, 1),
        shape=vector,
        support=always(SIMPLEX),
        constant=lambda x: None,
        example="softmax(scores)",
        elementwise=False,
    ),
    Function(
        name="squared_distances",
        summary="The squared Euclidean distances of a vector to points, the rows of a matrix.",
        formula="squared_distances(x, c)_k = sum_i (x_i - c_ki)^2",
        target="specc.runtime.functions.vectors.squared_distances",
        arity=(2, 2),
        shape=_squared_distances_shape,
        support=always(NONNEGATIVE),
        constant=lambda x, points: None,
        example="squared_distances(x, centres)",
        elementwise=False,
    ),
)
