"""Functions of rows of earlier steps."""

from __future__ import annotations

from specc.catalog.entry import Function, Reference, Shape
from specc.catalog.rules import Shapes, Supports
from specc.catalog.supports import Support


def _of_a_row(shapes: Shapes) -> Shape:
    """That of the node whose rows are held."""
    return shapes[0]


def _of_all_rows(supports: Supports) -> Support:
    """That of the node; every row in use has been a value of it."""
    return supports[0]


ENTRIES: tuple[Function, ...] = (
    Function(
        name="buffer",
        summary="A replay buffer in a loss: for each row one of the last n rows of a node, chosen "
        "at random: `buffer(model.x, n)`. The rows of this step are among them. Buffers of one n "
        "in one loss choose the same rows. No gradient passes through it.",
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
