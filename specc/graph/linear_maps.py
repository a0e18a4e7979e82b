"""The affine maps among the calls of an expression: functions of the catalog, and links.

An affine map is f(x) = W x + b. Its adjoint is the linear map with sum(y * (W x)) = sum(f'(y) * x),
an expression of the same language: another function, or the transpose of a link, `f.T(y)`. The
adjoint of `f.T` is f without its constant, f(y) - f(0).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from specc.catalog.registry import FUNCTIONS
from specc.graph.graph import LinkNode
from specc.graph.queries import is_affine
from specc.language.expressions.tree import Binary, Call, Expression, Number


class LinearMaps(Struct, frozen=True):
    """The links of a spec, next to the functions of the catalog."""

    links: Mapping[str, LinkNode]

    def is_link(self, call: Call) -> bool:
        """Whether a call applies a link."""
        return call.function in self.links

    def is_affine(self, call: Call) -> bool:
        """Whether a call is affine in its first argument, and has no other one but sizes."""
        count = len(call.arguments)
        if self.is_link(call):
            return count == 1 and is_affine(self.links[call.function])
        if call.function not in FUNCTIONS:
            return False
        entry = FUNCTIONS[call.function]
        return entry.linear and count > 0 and all(n in entry.sizes for n in range(1, count))

    def has_offset(self, call: Call) -> bool:
        """Whether the value of an affine map at zero may be another one than zero."""
        link = self.links.get(call.function)
        return link is not None and not call.transposed and link.options.has_bias

    def adjoint(self, call: Call, y: Expression) -> Expression | None:
        """The adjoint of the map of a call at y; None for a function of which none is known."""
        if self.is_link(call):
            found = replace(call, arguments=(y,), transposed=not call.transposed)
            if not self.has_offset(found):
                return found
            offset = replace(found, arguments=(Number(0, call.span),))
            return Binary("-", found, offset, call.span)
        name = FUNCTIONS[call.function].adjoint
        return replace(call, function=name, arguments=(y, *call.arguments[1:])) if name else None

    def why_not(self, call: Call) -> str:
        """Why the call of a link is not affine in a node, as a clause."""
        link = self.links[call.function]
        if len(call.arguments) > 1:
            return f"`{link.name}` has several arguments; use a link for each, and add the results"
        return f"`{link.name}` is not affine"


NO_LINKS = LinearMaps(MappingProxyType({}))
"""The functions of the catalog alone."""
