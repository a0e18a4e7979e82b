"""Functions of images, and of grids of values."""

from __future__ import annotations

import math
from collections.abc import Iterator

from specc.catalog.arithmetic import show, total
from specc.catalog.entry import Function, Reference, Shape, ShapeMismatch
from specc.catalog.rules import Shapes, Supports, same
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


def _blocks_shape(shapes: Shapes) -> Shape:
    """The shape of the blocks, with their entries on the last axis."""
    _, (size,) = shapes
    return (*_pooled_shape(shapes), size * size)


def _unblocks_shape(shapes: Shapes) -> Shape:
    """The shape of the image of blocks; raises `ShapeMismatch` for another number of entries."""
    grid, (size,) = shapes
    if len(grid) < 3 or grid[-1] != size * size:
        wanted = f"[..., rows, columns, {size * size}]"
        raise ShapeMismatch(f"it takes blocks {wanted}, not {show(grid)}")
    *outer, rows, columns, _ = grid
    return (*outer, rows * size, columns * size)


def _grid_shape(shapes: Shapes) -> Shape:
    """The shape of a grid; raises `ShapeMismatch` for a value without rows and columns."""
    (grid,) = shapes
    if len(grid) < 2:
        raise ShapeMismatch(f"it takes a grid [rows, columns, ...], not {show(grid)}")
    return grid


def _grid_support(supports: Supports) -> Support:
    """The support of a sum of at most four entries."""
    return total(bounds(supports[0]))


def _grid_pairs(shape: Shape) -> Iterator[tuple[int, int]]:
    """The pairs of neighbors on a grid, for each entry at a place of it."""
    rows, columns, *inner = shape
    size = math.prod(inner)
    for row in range(rows):
        for column in range(columns):
            here = (row * columns + column) * size
            steps = [columns * size] * (row + 1 < rows) + [size] * (column + 1 < columns)
            yield from ((here + i, here + step + i) for step in steps for i in range(size))


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
    Function(
        name="blocks",
        summary="The blocks of n x n entries of an image, each as a vector on a new last axis.",
        formula="blocks(x, n)_ijm = x_{n i + k, n j + l}, m = n k + l",
        target="specc.runtime.functions.images.blocks",
        arity=(2, 2),
        shape=_blocks_shape,
        support=same,
        constant=lambda image, size: None,
        example="blocks(image, 2)",
        elementwise=False,
        linear=True,
        adjoint="unblocks",
        sizes=(1,),
    ),
    Function(
        name="neighbors",
        summary="On a grid, the first two axes of an event, the sum of the neighbors of each "
        "place: above, below, left and right, as far as they are on the grid.",
        formula="neighbors(x)_ij = x_{i-1,j} + x_{i+1,j} + x_{i,j-1} + x_{i,j+1}",
        references=(Reference("Geman and Geman 1984", "section V: neighborhood systems"),),
        target="specc.runtime.functions.images.neighbors",
        arity=(1, 1),
        shape=_grid_shape,
        support=_grid_support,
        constant=lambda grid: None,
        example="neighbors(image)",
        elementwise=False,
        event_dims=True,
        linear=True,
        adjoint="neighbors",
        couples=_grid_pairs,
    ),
    Function(
        name="unblocks",
        summary="The image of blocks of n x n entries, which are on the last axis: the inverse of "
        "`blocks`.",
        formula="unblocks(y, n)_{n i + k, n j + l} = y_ijm, m = n k + l",
        target="specc.runtime.functions.images.unblocks",
        arity=(2, 2),
        shape=_unblocks_shape,
        support=same,
        constant=lambda grid, size: None,
        example="unblocks(blocks(image, 2), 2)",
        elementwise=False,
        linear=True,
        adjoint="blocks",
        sizes=(1,),
    ),
)
