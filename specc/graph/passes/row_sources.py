"""The source of data whose rows the values of each node are, where there are several.

The rows of two sources are not paired: their numbers and their order have nothing to do with each
other. A local node therefore has a value for each row of one source: that of its field, the one
that its `plate:` names, or the one of the nodes that it uses. A node that says none of these, such
as the noise of a generator, has a value for each row of the first source.
"""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, NETWORKS, Program, TypedGraph
from specc.graph.nodes import Deterministic, Lagged, Latent, Node, NodeId
from specc.language.expressions.tree import Expression, Name
from specc.language.expressions.walk import fold

Used = dict[str, Name]
"""The sources of an expression, each with the first name that brings it in."""


def infer_row_sources(typed: TypedGraph, findings: Findings) -> TypedGraph:
    """The graph with the source of every local node; reports nodes that mix sources."""
    if len(typed.graph.sources) < 2:
        return typed
    sources = _Sources(typed, findings)
    programs = typed.graph.programs.values()
    for program in sorted(programs, key=lambda each: bool(each.copy_of)):
        for name in program.nodes if program.copy_of else program.order:
            sources.add(program, program.nodes[name])
    sources.add_lagged()
    found = sources.found
    types = {
        node: replace(kind, source=found.get(node) or typed.graph.sources[0])
        if kind.is_local
        else kind
        for node, kind in typed.types.items()
    }
    return replace(typed, types=MappingProxyType(types))


class _Sources:
    """The sources that are known so far; None is that of a value of the step before."""

    def __init__(self, typed: TypedGraph, findings: Findings) -> None:
        self.typed, self.graph, self.findings = typed, typed.graph, findings
        self.found: dict[NodeId, str | None] = {}
        self.drawn = {
            (copy.name, copy.names[name]): (copy.copy_of, name)
            for copy in self.graph.programs.values()
            if copy.is_draw
            for name in copy.names
        }

    def add(self, program: Program, node: Node) -> None:
        """Finds the source of a node whose ancestors have theirs."""
        kind = self.typed.types.get(node.id)
        if kind is None or not kind.is_local:
            return
        if isinstance(node, Lagged):
            base = self.graph.lookup(node.program, node.shift.base)
            self.found[node.id] = None if base is None else self._stated(program, base)
            return
        if program.is_draw:
            self.found[node.id] = self._known(node)
            return
        stated, used = self._stated(program, node), self._used(node)
        known = list(dict.fromkeys([*([stated] if stated else []), *used]))
        self.found[node.id] = known[0] if known else self.graph.sources[0]
        if len(known) > 1 and not self._follows(node):
            self._report(node, stated, used)

    def _known(self, node: Node) -> str | None:
        """The source of a node that has one; a draw has that of the node that it is of."""
        return self.found.get(self.drawn.get(node.id, node.id))

    def add_lagged(self) -> None:
        """Gives the values of the step before the source of the node that they are of."""
        for node_id, source in self.found.items():
            node = self.graph.node(node_id)
            if source is None and isinstance(node, Lagged):
                base = self.graph.lookup(node.program, node.shift.base)
                self.found[node_id] = None if base is None else self._known(base)

    def _stated(self, program: Program, node: Node) -> str | None:
        """The source that follows from the field, from `plate:`, or from the node of the model."""
        fields = [node.field, *(self.graph.node((node.program, n)).field for n in node.parts)]
        known = (self.graph.fields[n].source for n in fields if n and n in self.graph.fields)
        stated = next(known, None) or node.rows or None
        if stated is not None or node.program == MODEL:
            return stated
        if program.is_evaluated:
            return self._of_value(node.name)
        twin = self.graph.model.nodes.get(node.name)
        is_twin = twin is not None and not isinstance(node, Deterministic)
        return self.found.get((MODEL, node.name)) if is_twin else None

    def _of_value(self, name: str) -> str | None:
        """The source of the value at which a density is evaluated."""
        owner, dot, inside = name.partition(".")
        if dot and owner in self.graph.declared:
            return self.found.get((owner, inside))
        return self.found.get((MODEL, name))

    def _used(self, node: Node) -> Used:
        """The sources of the nodes that a node uses."""
        found: Used = {}
        for expression in node.expressions():
            for source, name in self._of(node.program, expression).items():
                found.setdefault(source, name)
        return found

    def _of(self, program: str, expression: Expression) -> Used:
        def combine(part: Expression, inside: tuple[Used, ...]) -> Used:
            if isinstance(part, Name):
                node = self.graph.lookup(program, part.id)
                source = None if node is None else self._known(node)
                return {} if source is None else {source: part}
            joined: Used = {}
            for used in inside:
                for source, name in used.items():
                    joined.setdefault(source, name)
            return joined

        return fold(expression, combine)

    def _follows(self, node: Node) -> bool:
        """Whether the latent of a guide is wrong because that of the model is, and is reported."""
        twin = self.graph.model.nodes.get(node.name)
        users = self.graph.model.digraph.successors(node.name) if twin is not None else ()
        broken = any((MODEL, name) in self.findings.broken for name in users)
        return node.program == GUIDE and broken

    def _report(self, node: Node, stated: str | None, used: Used) -> None:
        """Reports the first use of a value of another source."""
        places = [(source, name.span) for source, name in used.items()]
        first, span = (stated, node.span) if stated else places[0]
        second, place = next((own, at) for own, at in places if own != first)
        name = node.name if node.program != NETWORKS else _written(node.span, node.name)
        word = f"of `{first}`"
        finding = diagnose(
            "E0354",
            place,
            labels=(Label(span, word),) if span != place else (),
            name=name,
            used=_written(place, used[second].id),
            first=first,
            second=second,
            hint=self._hint(node, used[second], first),
        )
        self.findings.add(finding, node.id)

    def _hint(self, node: Node, used: Name, wanted: str) -> str:
        """What to change: a node that no data bind may be of the other source."""
        found = self.graph.lookup(node.program, used.id)
        is_free = isinstance(found, Latent) and not found.rows and not self._used(found)
        if found is not None and is_free:
            return (
                f"write `plate: {wanted}` on `{found.name}`, to have a value for each of its rows"
            )
        return "use values of one source in a row; a loss may sum terms of several"


def _written(span: Span, name: str) -> str:
    """The text at a span; a name, if the span is a whole block of several lines."""
    return name if "\n" in span.text else span.text
