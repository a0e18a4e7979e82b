"""Squared maximum mean discrepancies between two values, over the rows of a batch.

Each function has the name of its kernel in the catalog.
"""

from __future__ import annotations

from specc.catalog.arithmetic import show
from specc.catalog.entry import Function, Reference, Shape, ShapeMismatch
from specc.catalog.rules import Shapes, always
from specc.catalog.supports import REAL

FORMULA = (
    "mmd_i = 1/(n - 1) sum over j != i of k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)\n"
)
GRETTON = Reference("Gretton et al. 2012, A kernel two-sample test", "equation 4")


def _shape(shapes: Shapes) -> Shape:
    """The shape of a number; raises `ShapeMismatch` unless both values have the same shape."""
    x, y, *_ = shapes
    if x != y:
        raise ShapeMismatch(f"it compares values of one shape, not {show(x)} and {show(y)}")
    return ()


def _none(*values: object) -> None:
    """None: a discrepancy of constants is undefined."""


def _discrepancy(
    name: str,
    summary: str,
    kernel: str,
    arity: tuple[int, int | None],
    example: str,
    references: tuple[Reference, ...] = (),
) -> Function:
    """The function for a kernel; the arguments after the two values are constant numbers."""
    return Function(
        name=name,
        summary=summary,
        formula=f"{FORMULA}{kernel}",
        references=(GRETTON, *references),
        target=f"specc.runtime.functions.discrepancies.{name}",
        arity=arity,
        shape=_shape,
        support=always(REAL),
        constant=_none,
        example=example,
        elementwise=False,
        event_dims=True,
        over_rows=True,
        numbers_from=None if arity == (2, 2) else 2,
    )


ENTRIES: tuple[Function, ...] = (
    _discrepancy(
        name="energy_mmd",
        summary="The energy distance of two values over the rows, the discrepancy of the distance "
        "kernel: `energy_mmd(x, y, b)`, b the exponent. Its mean over rows is unbiased.",
        kernel="k(x, y) = |x|^b + |y|^b - |x - y|^b",
        references=(Reference("Szekely and Rizzo 2013, Energy statistics", "section 2"),),
        arity=(3, 3),
        example="energy_mmd(model.x, data.x, 1)",
    ),
    _discrepancy(
        name="linear_mmd",
        summary="The squared distance of the means of two values over the rows. Its mean over rows "
        "is unbiased.",
        kernel="k(x, y) = x . y",
        arity=(2, 2),
        example="linear_mmd(model.x, data.x)",
    ),
    _discrepancy(
        name="rational_quadratic_mmd",
        summary="The discrepancy of two values over the rows under a mixture of rational quadratic "
        "kernels: `rational_quadratic_mmd(x, y, h, a, ...)`, h the bandwidth and a the exponents. "
        "Its mean over rows is unbiased.",
        kernel="k(x, y) = mean over a of (1 + |x - y|^2 / (2 a h^2))^-a",
        references=(Reference("Binkowski et al. 2018, Demystifying MMD GANs", "eq. 5"),),
        arity=(4, None),
        example="rational_quadratic_mmd(model.x, data.x, 1, 0.5, 2)",
    ),
    _discrepancy(
        name="rbf_mmd",
        summary="The discrepancy of two values over the rows under a mixture of Gaussian kernels: "
        "`rbf_mmd(x, y, h, w, ...)`, h the bandwidth and w the widths in units of it. Its mean "
        "over rows is unbiased.",
        kernel="k(x, y) = mean over w of exp(-|x - y|^2 / (2 w^2 h^2))",
        references=(
            Reference("Li, Swersky and Zemel 2015, Generative moment matching networks", "eq. 3"),
        ),
        arity=(4, None),
        example="rbf_mmd(model.x, data.x, 1, 0.5, 2)",
    ),
)
