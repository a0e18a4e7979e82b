"""The gated recurrent unit: the next state of a sequence from the state and the inputs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import Link, LinkShapeError
from specc.catalog.links.blocks.dense import linear
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import SpectralOptions

TARGET = "specc.runtime.links.gru.Gru"


class Options(SpectralOptions):
    """`gru`, or `{gru: true, init: orthogonal}`."""

    gru: Literal[True] | None = Field(True, description="`true`, or no value.")


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """No layers: the head contains the unit."""
    del outputs
    return Lowered((), input, initializer(options.init))


def head(options: Options, features: Shape, output: Shape) -> Lowered:
    """The unit whose state has the size of the result; raises `LinkShapeError`."""
    (inputs,) = features
    if len(output) != 1:
        raise LinkShapeError("makes the next state, a vector", "give the node `shape: [64]`")
    (size,) = output
    if inputs <= size:
        reason = f"needs an input beside a state of {size} numbers"
        raise LinkShapeError(reason, "write `rnn(h[t-1], x)`, the state first")
    maps = (linear(inputs - size, 3 * size, options.bias), linear(size, 3 * size, options.bias))
    unit = Layer(TARGET, children=maps, names=("of_input", "of_state"))
    return Lowered((unit,), output, initializer(options.init))


ENTRY = Link(
    name="gru",
    summary="The gated recurrent unit: the next state of a sequence from the state and the inputs.",
    formula=(
        "r = sigmoid(W_r x + U_r h),  u = sigmoid(W_u x + U_u h)\n"
        "n = tanh(W_n x + r (U_n h)),  h' = (1 - u) n + u h"
    ),
    references=(
        Reference(
            "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder for"
            " statistical machine translation",
            "eq. 5 to 8",
        ),
    ),
    example="{gru: true, init: orthogonal}",
    Options=Options,
    trunk=trunk,
    head=head,
    recurrent=True,
)
