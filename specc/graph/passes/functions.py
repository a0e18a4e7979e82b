"""Which functions a spec calls: each name is looked up in the catalog here, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from specc.catalog.entry import Function
from specc.catalog.registry import FUNCTIONS
from specc.graph.nodes import Node
from specc.language.expressions.walk import calls
from specc.language.schema.document import Document


def find_functions(document: Document, nodes: Iterable[Node]) -> Mapping[str, Function]:
    """The entry of each function that an expression or a parameter is given by, by its name.

    A link hides a function of its name.
    """
    named = sorted({*_called(document), *_of_parameters(nodes)})
    found = {n: FUNCTIONS[n] for n in named if n in FUNCTIONS and n not in document.links}
    return MappingProxyType(found)


def _called(document: Document) -> Iterator[str]:
    """What expressions call."""
    for expression in document.expressions():
        yield from (call.function for call in calls(expression))


def _of_parameters(nodes: Iterable[Node]) -> Iterator[str]:
    """What takes a parameter that is given in another way to itself: `logit` of `probs`."""
    for node in nodes:
        if node.entry is not None:
            known = node.entry.alternatives
            yield from (each.function for each in known if each.name in node.arguments)
