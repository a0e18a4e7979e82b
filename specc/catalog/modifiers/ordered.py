"""Order: independent draws of one distribution, sorted."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from specc.catalog.entry import Distribution, Reference
from specc.catalog.modifier import Modifier, derived
from specc.catalog.supports import Ordered, Support, bounds


def _modify(of: Modifier, base: Distribution) -> Distribution:
    def result(known: Mapping[str, float]) -> Support:
        """The increasing vectors of values of the base."""
        return Ordered(bounds(base.result(known)))

    return derived(
        of,
        base,
        result=result,
        result_dims=("n",),
        reparameterized=base.reparameterized,
        mean=False,
        limits=MappingProxyType({}),
        improper=base.improper,
    )


def _refuses(base: Distribution) -> str:
    if not base.continuous or base.result_dims:
        return f"the values of `{base.name}` are not real numbers"
    vector = next((each for each in base.parameters if each.dims), None)
    return f"`{vector.name}` of `{base.name}` is a vector for each number" if vector else ""


ENTRY = Modifier(
    name="ordered",
    summary="Increasing vectors of independent draws of one distribution: the order statistics, "
    "and the density of the draws restricted to increasing vectors.",
    formula="n! prod_i p(x_i), x_1 < x_2 < ... < x_n",
    references=(
        Reference("David and Nagaraja, Order Statistics, 3rd edition, 2003", "equation 2.2.1"),
        Reference("Stan Reference Manual", "Ordered vector; the density there has no n!"),
    ),
    parameters=(),
    example="z: {latent: ordered(normal), loc: 0, scale: 2, shape: [3]}",
    refuses=_refuses,
    modify=_modify,
    improper=True,
)
