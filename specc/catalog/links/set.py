"""A network of a set, whose result does not depend on the order of the elements."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import Link, LinkOptions, LinkShapeError
from specc.catalog.links.blocks import dense
from specc.catalog.links.blocks.dense import stack
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import Sizes, StackOptions
from specc.catalog.links.blocks.spatial import words


class Options(StackOptions):
    """`{set: [64, 64], pool: mean, hidden: [64]}`."""

    set: Sizes = Field(description="The sizes of phi, the layers for each element.")
    pool: Literal["mean", "sum", "none"] = Field(
        "mean",
        description="How the elements are combined; with `none` each has its own result.",
    )
    hidden: Sizes = Field((), description="The hidden sizes of rho, the layers after that.")


def takes_sets(options: LinkOptions) -> int:
    """The `input_rank`: elements by numbers of each."""
    del options
    return 2


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """The layers for each element, the pooling, and the hidden layers after it.

    Without pooling the features are [elements, size].
    """
    del outputs
    if len(input) != 2:
        raise LinkShapeError(
            f"takes a set [elements, size], and is given {words(input)}",
            "give its input such a shape, or use an `mlp`",
        )
    each = stack(options, input[1], options.set)
    size = (input[1], *options.set)[-1]
    after = stack(options, size, options.hidden)
    features = (size, *options.hidden)[-1:]
    if options.pool == "none":
        return Lowered((*each, *after), (input[0], *features), initializer(options.init))
    pool = Layer("specc.runtime.links.pool.Pool", (options.pool,))
    return Lowered((*each, pool, *after), features, initializer(options.init))


def head(options: Options, features: Shape, output: Shape) -> Lowered:
    """One linear map to an event of shape `output`; without pooling, one for each element."""
    if len(features) == 1:
        return dense.head(options, features, output)
    if len(output) != 2 or output[0] != features[0]:
        raise LinkShapeError(
            f"makes {features[0]} elements, and {words(output)} is wanted",
            f"give what it feeds a shape such as [{features[0]}, 2], or let it pool",
        )
    layers = (dense.linear(features[1], output[1], options.bias),)
    return Lowered(layers, output, initializer(options.init))


ENTRY = Link(
    name="set",
    summary="A network of a set, whose result does not depend on the order of the elements. "
    "Without pooling it maps each element by itself.",
    formula="y = rho(mean_i phi(x_i)), or rho(sum_i phi(x_i)), or y_i = rho(phi(x_i)), with x_i "
    "the rows of x",
    references=(Reference("Zaheer et al. (2017), Deep sets", "theorem 2 and section 3.1"),),
    example="{set: [64, 64], pool: mean, hidden: [64], activation: relu}",
    Options=Options,
    trunk=trunk,
    head=head,
    input_rank=takes_sets,
)
