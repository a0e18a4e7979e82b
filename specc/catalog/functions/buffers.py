"""Functions of rows of previous steps."""

from __future__ import annotations

from specc.catalog.entry import Function, Reference, Shape
from specc.catalog.rules import Shapes, Supports
from specc.catalog.supports import Support


def _of_a_row(shapes: Shapes) -> Shape:
    """The shape of the node."""
    return shapes[0]


def _of_all_rows(supports: Supports) -> Support:
    """The support of the node, because all rows in the buffer were values of it."""
    return supports[0]


ENTRIES: tuple[Function, ...] = (
    Function(
        name="buffer",
        summary="A replay buffer in a loss: for each row a random one of the last n rows of a "
        "node, `buffer(model.x, n)`, including those of the current step. Buffers with the same n "
        "in a loss select the same rows. It has no gradient.",
        formula="buffer(x, n)_i = x_j, j uniform over the last n rows of all steps so far",
        references=(
            Reference(
                "Xu et al. 2020, Understanding and Stabilizing GANs' Training Dynamics Using "
                "Control Theory",
                "section 4, B_r and B_f",
            ),
            Reference("Shrivastava et al. 2017, Learning from simulated images", "section 2.3"),
        ),
        target="specc.runtime.functions.buffers.buffer",
        arity=(2, 2),
        shape=_of_a_row,
        support=_of_all_rows,
        constant=lambda value, rows: None,
        example="buffer(model.x, 1000)",
        elementwise=False,
        sizes=(1,),
        over_rows=True,
        remembers=True,
    ),
)
