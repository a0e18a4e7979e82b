"""The type of modifiers, which make a distribution from another one: `truncated(normal)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from specc.catalog.entry import Alternative, Distribution, Parameter, Reference
from specc.catalog.supports import Integers

COMPONENTS = "components"
"""The axis of the components of a mixture, and the option that states its size."""


class Modifier(Struct, frozen=True):
    """A modifier of distributions.

    The module of its name under `specc.runtime.modifiers` has a class of its name in CamelCase,
    which is called with the module of the distribution, and with the rank of its events unless that
    is 0. It has the functions of a distribution, with the parameters of the modifier first.

    - `refuses`: why a distribution cannot be modified, empty if it can.
    - `modify`: what is modified, made by `derived`.
    - `improper`: a distribution that does not integrate to one can be modified.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    parameters: tuple[Parameter, ...]
    example: str
    refuses: Callable[[Distribution], str]
    modify: Callable[[Modifier, Distribution], Distribution]
    alternatives: tuple[Alternative, ...] = ()
    defaults: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    improper: bool = False

    def problem(self, base: Distribution) -> str:
        """Why this distribution cannot be modified, empty if it can."""
        taken = {name for name in self.keys if name in base.keys or name in base.options}
        if taken:
            return f"both have a parameter `{min(taken)}`"
        if base.improper and not self.improper:
            return f"`{base.name}` does not integrate to one"
        vector = next((p for p in base.parameters if set(p.dims) - {COMPONENTS}), None)
        if vector is not None and not base.result_dims:
            return f"`{vector.name}` of `{base.name}` is a vector for each number"
        return self.refuses(base)

    def __call__(self, base: Distribution) -> Distribution:
        """Return the modified distribution, whose base has no `problem`."""
        return self.modify(self, base)

    @property
    def keys(self) -> frozenset[str]:
        """The names of its parameters and of their alternatives."""
        return frozenset([p.name for p in self.parameters] + [a.name for a in self.alternatives])


def derived(of: Modifier, base: Distribution, **traits: Any) -> Distribution:  # noqa: ANN401
    """Return a distribution with the parameters of both; traits are those of the base or given.

    It has neither a closed form nor draws with a pathwise gradient unless `traits` say so.
    """
    shared: dict[str, Any] = {
        "summary": of.summary,
        "formula": of.formula,
        "references": of.references,
        "parameters": (*of.parameters, *base.parameters),
        "alternatives": (*of.alternatives, *base.alternatives),
        "options": base.options,
        "defaults": MappingProxyType({**of.defaults, **base.defaults}),
        "result": base.result,
        "result_dims": base.result_dims,
        "example": of.example,
        "continuous": base.continuous,
        "finite": base.finite,
        "mean": base.mean,
        "limits": base.limits,
        "modifier": of.name,
        "base": base,
    }
    return Distribution(name=f"{of.name}({base.name})", **{**shared, **traits})


def needs_counts(base: Distribution) -> str:
    """Why the values of a distribution are not counts 0, 1, 2, ...; empty if they are."""
    values = base.result({})
    is_count = isinstance(values, Integers) and values.low == 0
    return "" if is_count else f"the values of `{base.name}` are not counts 0, 1, 2, ..."


def needs_cdf(base: Distribution) -> str:
    """Why the probabilities of intervals are unknown; empty if they are known."""
    return "" if base.cdf else f"the distribution function of `{base.name}` is not known here"


def class_name(modifier: str) -> str:
    """The name in CamelCase, as that of a class: `ZeroInflated` for `zero_inflated`."""
    return "".join(word.capitalize() for word in modifier.split("_"))
