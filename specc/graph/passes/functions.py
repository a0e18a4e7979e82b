"""The functions that a spec calls; later stages do not look up names in the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from specc.catalog.entry import Function
from specc.catalog.registry import FUNCTIONS
from specc.graph.nodes import EnergyNode, Node
from specc.language.expressions.walk import calls
from specc.language.schema.document import Document


def find_functions(document: Document, nodes: Iterable[Node]) -> Mapping[str, Function]:
    """The catalog entry of each function that the spec calls, by name.

    This includes functions of alternative parameters, such as `logit` for `probs`. A link with the
    name of a function hides the function.
    """
    found = tuple(nodes)
    named = sorted({*_called(document), *_of_parameters(found), *_derived(found)})
    entries = {n: FUNCTIONS[n] for n in named if n in FUNCTIONS and n not in document.links}
    return MappingProxyType(entries)


def _called(document: Document) -> Iterator[str]:
    """The names of all functions and links that expressions call."""
    for expression in document.expressions():
        yield from (call.function for call in calls(expression))


def _derived(nodes: Iterable[Node]) -> Iterator[str]:
    """The functions in expressions that the compiler derives from the energy of a program."""
    nodes = tuple(nodes)
    for program in {node.program for node in nodes if isinstance(node, EnergyNode)}:
        own = (node for node in nodes if node.program == program)
        yield from (c.function for node in own for e in node.expressions() for c in calls(e))


def _of_parameters(nodes: Iterable[Node]) -> Iterator[str]:
    """The functions from alternative parameters to the parameters: `logit` if `probs` is given."""
    for node in nodes:
        if node.entry is not None:
            known = node.entry.alternatives
            yield from (each.function for each in known if each.name in node.arguments)
