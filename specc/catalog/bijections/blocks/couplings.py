"""Couplings as layers with alternating halves; the last layer does not change the first half."""

from __future__ import annotations

from specc.catalog.bijections.blocks.options import Networks
from specc.catalog.bijections.blocks.steps import network, step
from specc.catalog.entry import Layer


def coupling(
    kind: str,
    size: int,
    number: int,
    options: Networks,
    context: int,
    each: int,
    **more: object,
) -> Layer:
    """The coupling of a class at position `number`, with `each` parameters per changed entry."""
    smaller = size // 2
    keeps, kept = ("last", smaller) if number % 2 else ("first", size - smaller)
    own = network(kept, each * (size - kept), options.hidden, context)
    return step(
        kind,
        size,
        own=own,
        context=context,
        options={"keeps": keeps, **_networks(options), **more},
    )


def autoregressive(
    kind: str, size: int, options: Networks, context: int, each: int, **more: object
) -> Layer:
    """The autoregressive map of the class `kind`, with `each` parameters per entry."""
    return step(
        kind,
        size,
        own=network(size, each * size, options.hidden, context),
        context=context,
        options={**_networks(options), **more},
    )


def _networks(options: Networks) -> dict[str, object]:
    return {"hidden": options.hidden, "activation": options.activation}


def reversing(layers: list[Layer]) -> tuple[Layer, ...]:
    """The layers, with the order of the entries reversed between two layers."""
    between = step("permutation.Reverse")
    return tuple(part for layer in layers for part in (between, layer))[1:]
