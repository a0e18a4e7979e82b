"""Squared distances of conditional mean embeddings of two values, over the rows of a batch.

Each function has the name of its kernel in the catalog.
"""

from __future__ import annotations

from specc.catalog.arithmetic import show
from specc.catalog.entry import Function, Reference, Shape, ShapeMismatch
from specc.catalog.rules import Shapes, always
from specc.catalog.supports import NONNEGATIVE

FORMULA = (
    "cmmd_i = n sum_j W_ij (k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)),\n"
    "W = (K + r I)^-1 K (K + r I)^-1,  K_ij = exp(-|c_i - c_j|^2 / (2 b^2)),\n"
)
REN = Reference("Ren et al. 2016, Conditional generative moment-matching networks", "section 3.1")
SONG = Reference("Song et al. 2009, Hilbert space embeddings of conditional distributions", "eq. 6")


def _shape(shapes: Shapes) -> Shape:
    """The shape of a number; raises `ShapeMismatch` for values of two shapes, or a matrix c."""
    x, y, condition, *_ = shapes
    if x != y:
        raise ShapeMismatch(f"it compares values of one shape, not {show(x)} and {show(y)}")
    if len(condition) > 1:
        raise ShapeMismatch(f"it is given a vector, not {show(condition)}; flatten it first")
    return ()


def _none(*values: object) -> None:
    """None: a discrepancy of constants is undefined."""


def _discrepancy(
    name: str, summary: str, kernel: str, arity: tuple[int, int | None], example: str
) -> Function:
    """The function for a kernel; the arguments after the three values are constant numbers."""
    return Function(
        name=name,
        summary=summary,
        formula=f"{FORMULA}{kernel}",
        references=(REN, SONG),
        target=f"specc.runtime.functions.conditional_discrepancies.{name}",
        arity=arity,
        shape=_shape,
        support=always(NONNEGATIVE),
        constant=_none,
        example=example,
        elementwise=False,
        event_dims=True,
        least_rank=1,
        over_rows=True,
        numbers_from=3,
    )


ENTRIES: tuple[Function, ...] = (
    _discrepancy(
        name="energy_conditional_mmd",
        summary="The discrepancy of the conditional distributions of two values given c under the "
        "distance kernel: `energy_conditional_mmd(x, y, c, r, b, e)`, r the regularization, b the "
        "bandwidth of c and e the exponent.",
        kernel="k(x, y) = |x|^e + |y|^e - |x - y|^e",
        arity=(6, 6),
        example="energy_conditional_mmd(model.x, data.x, data.y, 1, 0.1, 1)",
    ),
    _discrepancy(
        name="linear_conditional_mmd",
        summary="The discrepancy of the conditional means of two values given c: "
        "`linear_conditional_mmd(x, y, c, r, b)`, r the regularization and b the bandwidth of c.",
        kernel="k(x, y) = x . y",
        arity=(5, 5),
        example="linear_conditional_mmd(model.x, data.x, data.y, 1, 0.1)",
    ),
    _discrepancy(
        name="rational_quadratic_conditional_mmd",
        summary="The discrepancy of the conditional distributions of two values given c under a "
        "mixture of rational quadratic kernels: "
        "`rational_quadratic_conditional_mmd(x, y, c, r, b, h, a, ...)`, r the regularization, b "
        "the bandwidth of c, h that of the values and a the exponents.",
        kernel="k(x, y) = mean over a of (1 + |x - y|^2 / (2 a h^2))^-a",
        arity=(7, None),
        example="rational_quadratic_conditional_mmd(model.x, data.x, data.y, 1, 0.1, 1, 0.5, 2)",
    ),
    _discrepancy(
        name="rbf_conditional_mmd",
        summary="The discrepancy of the conditional distributions of two values given c under a "
        "mixture of Gaussian kernels: `rbf_conditional_mmd(x, y, c, r, b, h, w, ...)`, r the "
        "regularization, b the bandwidth of c, h that of the values and w the widths in units of "
        "it.",
        kernel="k(x, y) = mean over w of exp(-|x - y|^2 / (2 w^2 h^2))",
        arity=(7, None),
        example="rbf_conditional_mmd(model.x, data.x, data.y, 1, 0.1, 1, 0.5, 2)",
    ),
)
