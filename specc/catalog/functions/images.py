"""Functions of images, the last two axes of a value."""

from __future__ import annotations

from specc.catalog.arithmetic import show
from specc.catalog.entry import Function, Shape, ShapeMismatch
from specc.catalog.rules import Shapes, Supports
from specc.catalog.supports import Support, bounds


def _pooled_shape(shapes: Shapes) -> Shape:
    """The shape with height and width divided by the size; raises `ShapeMismatch` for a rest."""
    image, (size,) = shapes
    if len(image) < 2:
        raise ShapeMismatch(f"it takes an image [..., height, width], not {show(image)}")
    height, width = image[-2:]
    if height % size or width % size:
        raise ShapeMismatch(f"blocks of {size} x {size} do not fill {height} x {width}")
    return (*image[:-2], height // size, width // size)


def _pooled_support(supports: Supports) -> Support:
    """The support of a mean: between the bounds of the entries, and real."""
    return bounds(supports[0])


ENTRIES: tuple[Function, ...] = (
    Function(
        name="average_pool",
        summary="An image with a smaller height and width, the means over blocks of n x n entries.",
        formula="average_pool(x, n)_ij = 1/n^2 sum_{k, l < n} x_{n i + k, n j + l}",
        target="specc.runtime.functions.images.average_pool",
        arity=(2, 2),
        shape=_pooled_shape,
        support=_pooled_support,
        constant=lambda image, size: None,
        example="average_pool(image, 2)",
        elementwise=False,
        linear=True,
        sizes=(1,),
    ),
)
