"""Functions of the position of a run, which let the weights of a loss change while it trains."""

from __future__ import annotations

from specc.catalog.entry import Function, Reference, Shape
from specc.catalog.rules import Shapes, Supports
from specc.catalog.supports import UNIT_INTERVAL, Support


def _a_number(shapes: Shapes) -> Shape:
    """A scalar."""
    del shapes
    return ()


def _a_fraction(supports: Supports) -> Support:
    """From 0 to 1."""
    del supports
    return UNIT_INTERVAL


ENTRIES: tuple[Function, ...] = (
    Function(
        name="progress",
        summary="The fraction of the run that is done, in a loss: `progress() * e` gives `e` a "
        "weight that rises from 0 to 1. Validation uses 1, the value at the end.",
        formula="progress() = t / n at step t of n, t = 0, ..., n - 1",
        references=(
            Reference(
                "Laine and Aila 2017, Temporal ensembling for semi-supervised learning",
                "section 2.1: the weight exp(-5 (1 - t / n)^2)",
            ),
        ),
        target="torch.as_tensor",
        arity=(0, 0),
        shape=_a_number,
        support=_a_fraction,
        constant=lambda: None,
        example="progress()",
        scalar="progress",
    ),
)
