"""Covariance functions of two sets of points, the kernels of Gaussian processes."""

from __future__ import annotations

from specc.catalog.arithmetic import show
from specc.catalog.entry import Function, Reference, Shape, ShapeMismatch
from specc.catalog.rules import Shapes, always
from specc.catalog.supports import POSITIVE, UNIT_INTERVAL

RASMUSSEN = "Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006"


def _kernel_shape(shapes: Shapes) -> Shape:
    """The shape (n, m) for n and m points, or (m,) for a single point of the first argument.

    Raises `ShapeMismatch` unless the last sizes, the numbers of coordinates, are equal, and those
    of the scales are it or 1.
    """
    left, right, *scales = shapes
    size = left[-1] if left else 1
    if len(left) > 2 or len(right) != 2 or size != right[1]:
        shown = f"{show(left)} and {show(right)}"
        raise ShapeMismatch(f"it takes points [n, d] or [d], and points [m, d], not {shown}")
    for scale in scales:
        if scale not in ((), (1,), (size,)):
            problem = f"a scale is a number, or one for each of {size} coordinates"
            raise ShapeMismatch(f"{problem}, not {show(scale)}")
    return (*left[:-1], right[0])


def _kernel(
    name: str, summary: str, formula: str, where: str, example: str, scales: int = 1
) -> Function:
    """A row of the table: a stationary kernel with values in [0, 1], and k(x, x) = 1."""
    return Function(
        name=name,
        summary=summary,
        formula=formula,
        references=(Reference(RASMUSSEN, where),),
        target=f"specc.runtime.functions.kernels.{name}",
        arity=(2 + scales, 2 + scales),
        shape=_kernel_shape,
        support=always(UNIT_INTERVAL),
        requires=(None, None, *[POSITIVE] * scales),
        gram=True,
        constant=lambda *arguments: None,
        example=example,
        elementwise=False,
        event_dims=True,
        least_rank=1,
    )


def _matern(name: str, order: str, factor: str, times: str) -> Function:
    return _kernel(
        name,
        f"The Matern kernel of order {order}; `length_scale` as in `rbf`.",
        f"{name}(x, z, l)_ij = {factor}exp(-{times}r), r^2 = sum_k ((x_ik - z_jk) / l_k)^2",
        "section 4.2.1",
        f"{name}(x, x, length_scale)",
    )


ENTRIES: tuple[Function, ...] = (
    _matern(name="matern12", order="1/2, the exponential kernel", factor="", times=""),
    _matern(name="matern32", order="3/2", factor="(1 + sqrt(3) r) ", times="sqrt(3) "),
    _matern(name="matern52", order="5/2", factor="(1 + sqrt(5) r + 5 r^2 / 3) ", times="sqrt(5) "),
    _kernel(
        name="periodic",
        summary="The periodic kernel, of functions that repeat after `period` in each coordinate.",
        formula="periodic(x, z, l, p)_ij = exp(-2 sum_k (sin(pi (x_ik - z_jk) / p_k) / l_k)^2)",
        where="equation 4.31",
        example="periodic(x, x, length_scale, 12)",
        scales=2,
    ),
    _kernel(
        name="rbf",
        summary="The squared exponential kernel of points, the rows of two matrices; "
        "`length_scale` is a number, or one for each coordinate.",
        formula="rbf(x, z, l)_ij = exp(-sum_k ((x_ik - z_jk) / l_k)^2 / 2)",
        where="equation 4.9",
        example="rbf(x, x, length_scale)",
    ),
)
