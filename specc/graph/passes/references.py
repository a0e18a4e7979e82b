"""References from one program to another, `model.x` and `data.x`, and values in losses.

A reference becomes a name with a dot, which `Graph.lookup` resolves. A value that a loss computes
from references is a deterministic node of the program `networks`, named by its expression, so that
it gets a shape, a support and plates, and its links get sizes, like any node. `data.x` refers to
the node of the model with the data field x; if there is none, the model gets a given node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import networkx as nx
from msgspec.structs import replace

from specc.catalog.registry import FUNCTIONS, OBJECTIVES
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import DATA, GUIDE, MODEL, NETWORKS, DataField
from specc.graph.nodes import Deterministic, Given, Node, with_expressions
from specc.graph.queries import is_data
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Member,
    Name,
    Negate,
    Number,
)
from specc.language.expressions.walk import calls, names, rewrite
from specc.language.schema.spec import Spec

Nodes = Mapping[str, Node]

POSTERIOR_MEAN = "posterior_mean"
"""The expectation of a value or a density under the posterior: `posterior_mean(e, 10)`."""

DENSITIES = frozenset(["log_prob", "kl", POSTERIOR_MEAN])
"""The functions of losses that have densities as terms."""


def losses(spec: Spec) -> Iterator[Expression]:
    """The expressions that the objective minimizes; a named objective has none."""
    for loss in spec.document.losses():
        yield from loss.expressions


def values_in(loss: Expression) -> Iterator[Expression]:
    """The parts of a loss that are values of nodes: neither densities nor numbers.

    Sums, products, powers and elementwise functions of values are terms of the objective, so only
    their operands are returned.
    """
    match loss:
        case Number():
            return
        case Negate(operand=operand):
            yield from values_in(operand)
        case Binary(operator=operator, left=left, right=right) if operator != "@":
            yield from values_in(left)
            yield from values_in(right)
        case Call(function=name, arguments=(inner, *_)) if name == POSTERIOR_MEAN:
            yield from values_in(inner)
        case Call(function=name) if name in OBJECTIVES or name in DENSITIES:
            return
        case Call(function=name, arguments=arguments) if is_elementwise(name):
            for argument in arguments:
                yield from values_in(argument)
        case _:
            yield loss


def value_name(expression: Expression) -> str:
    """The name of the node of `networks` with the value of an expression.

    It is the text of the expression, in brackets if it is a reference such as `model.x`.
    """
    text = print_expression(expression)
    return f"({text})" if isinstance(expression, Member) else text


def is_elementwise(function: str) -> bool:
    """Whether a name is that of an elementwise function of the catalog."""
    return function in FUNCTIONS and FUNCTIONS[function].elementwise


def remembers(call: Call) -> bool:
    """Whether a call has a replay buffer of rows of previous steps, which is state of the loss."""
    return call.function in FUNCTIONS and FUNCTIONS[call.function].remembers


def is_held(node: Node) -> bool:
    """Whether the value of a node is a draw from a replay buffer."""
    return node.program == NETWORKS and isinstance(node.value, Call) and remembers(node.value)


def resolve_references(
    spec: Spec,
    programs: Mapping[str, Nodes],
    fields: Mapping[str, DataField],
    findings: Findings,
) -> dict[str, Nodes]:
    """The programs with resolved references, each after the programs that it refers to.

    The program `networks` is included if a loss computes values.
    """
    found = _References(spec, programs, fields, findings)
    resolved: dict[str, Nodes] = {}
    for name, nodes in programs.items():
        resolved[name] = found.in_program(nodes)
    networks = found.networks()
    if networks:
        resolved[NETWORKS] = networks
    resolved[MODEL] = {**resolved[MODEL], **found.given}
    return _ordered(resolved, findings)


class _References:
    """Resolves references.

    `given` has the nodes that the model gets for data fields, and `model_fields` the fields of the
    nodes that it has. `hidden` are the nodes of the program at hand, whose names hide those of the
    model.
    """

    def __init__(
        self,
        spec: Spec,
        programs: Mapping[str, Nodes],
        fields: Mapping[str, DataField],
        findings: Findings,
    ) -> None:
        self.spec, self.programs = spec, programs
        self.fields, self.findings = fields, findings
        self.given: dict[str, Node] = {}
        self.hidden: Nodes = {}
        self.model_fields = {node.field for node in programs[MODEL].values() if is_data(node)}

    def in_program(self, nodes: Nodes) -> dict[str, Node]:
        """The nodes of a program with resolved references; the model is unchanged."""
        return {name: self._node(node) for name, node in nodes.items()}

    def networks(self) -> dict[str, Node]:
        """The nodes of the program `networks`, by the text of their expressions."""
        found: dict[str, Node] = {}
        for value in (each for loss in losses(self.spec) for each in values_in(loss)):
            name = value_name(value)
            if name in found or name in self.spec.document.constants or self._is_unknown(value):
                continue
            for call in filter(remembers, calls(value)):
                found.setdefault(value_name(call), self._held(call))
            if name not in found:
                found[name] = self._value(value)
        return found

    def _value(self, value: Expression) -> Node:
        linked = any(call.function in self.spec.document.links for call in calls(value))
        node = Deterministic(
            program=NETWORKS,
            name=value_name(value),
            span=value.span,
            value=rewrite(value, _name_of_held),
            sizes=() if linked else None,
        )
        return self._node(node)

    def _held(self, call: Call) -> Node:
        """The node of `networks` for a call with a replay buffer, to which values refer."""
        arguments = tuple(rewrite(each, _name_of_held) for each in call.arguments)
        own = replace(call, arguments=arguments)
        node = Deterministic(program=NETWORKS, name=value_name(call), span=call.span, value=own)
        return self._node(node)

    def _is_unknown(self, value: Expression) -> bool:
        """Whether a value contains an unknown name; reports names of nodes without a program.

        Unknown functions are reported by the objective.
        """
        links = self.spec.document.links
        if isinstance(value, Call) and value.function not in (*links, *FUNCTIONS):
            return not self.spec.unread.holds("links", value.function)
        known = True
        for name in names(value):
            if name.id in self.spec.document.constants or name.id in self.spec.document.plates:
                continue
            known = False
            if self.spec.unread.holds("constants", name.id):
                continue
            owners = [p for p, nodes in self.programs.items() if name.id in nodes]
            owners += [DATA] if name.id in self.fields else []
            shown = " or ".join(f"`{owner}.{name.id}`" for owner in owners)
            hint = f"write {shown}" if shown else "declare it as a node, and name its program"
            words = {"name": name.id, "program": "objective", "hint": hint}
            self.findings.add(diagnose("E0201", name.span, labels=(), **words))
        return not known

    def _node(self, node: Node) -> Node:
        if node.program == MODEL:
            return node
        self.hidden = self.programs.get(node.program, {})
        return with_expressions(node, self._in_guide if node.program == GUIDE else self._resolved)

    def _in_guide(self, expression: Expression) -> Expression:
        """An expression of the guide; a data field that is no node of the model gets one."""

        def change(part: Expression) -> Expression | None:
            if not isinstance(part, Member) or part.program != DATA:
                return None
            return None if part.name in self.model_fields else self._name_of(part)

        return rewrite(expression, change)

    def _resolved(self, expression: Expression) -> Expression:
        return rewrite(expression, self._name_of)

    def _name_of(self, expression: Expression) -> Expression | None:
        """The name of the node of a reference; None for an unknown node or another expression."""
        if not isinstance(expression, Member):
            return None
        program, name = expression.program, expression.name
        if program == DATA:
            found = self._of_data(expression)
            return None if found is None else Name(found, expression.span)
        node = self.programs.get(program, {}).get(name)
        if node is None:
            return None
        plain = (program == MODEL and isinstance(node, Given)) or (
            program == GUIDE and node.is_variable
        )
        if name in self.hidden and isinstance(node, Given):
            return self._name_of(replace(expression, program=DATA, name=node.field))
        return Name(name if plain else f"{program}.{name}", expression.span)

    def _of_data(self, member: Member) -> str | None:
        """The name of the model node with this data field, created if necessary, or None.

        If the model computes a value of that name, which is compared with the data, or the program
        at hand has a node of that name, a separate node has the data: at each step of a sequence,
        if that value is on one.
        """
        own = self.programs[MODEL]
        twin = own.get(member.name)
        is_made = isinstance(twin, Deterministic)
        for name, node in own.items():
            is_there = is_data(node) and node.field == member.name and not is_made
            if is_there and name not in self.hidden:
                return name
        if member.name not in self.fields:
            return None
        name = f"{DATA}.{member.name}"
        scan = twin.scan if twin is not None and is_made else None
        self.given.setdefault(
            name, Given(program=MODEL, name=name, span=member.span, field=member.name, scan=scan)
        )
        return name


def _name_of_held(expression: Expression) -> Expression | None:
    """The name of the node of a call with a replay buffer; None for other expressions."""
    is_held = isinstance(expression, Call) and remembers(expression)
    return Name(value_name(expression), expression.span) if is_held else None


def unknown_reference(
    member: Member, programs: Iterable[str], nodes: Nodes | None, spec: Spec
) -> tuple[str, dict[str, str]]:
    """The code and the message arguments of an unknown reference."""
    if member.program == DATA:
        fields = spec.document.fields
        guess = nearest(member.name, fields)
        declare = f"declare it: `data: {{fields: {{{member.name}: {{from: ...}}}}}}`"
        hint = f"did you mean `{guess}`?" if guess else declare
        return "E0451", {"name": member.name, "hint": hint}
    if nodes is None:
        known = [*programs, DATA]
        guess = nearest(member.program, known)
        shown = ", ".join(f"`{name}`" for name in known)
        hint = f"did you mean `{guess}`?" if guess else f"the programs are {shown}"
        return "E0404", {"name": member.program, "hint": hint}
    guess = nearest(member.name, nodes)
    hint = f"did you mean `{guess}`?" if guess else "declare it there"
    return "E0201", {"name": member.name, "program": member.program, "hint": hint}


def _ordered(programs: dict[str, Nodes], findings: Findings) -> dict[str, Nodes]:
    """The programs, each after those that it refers to; reports a cycle of references."""
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(programs)
    places: dict[tuple[str, str], Name] = {}
    for program, nodes in programs.items():
        for node in nodes.values():
            for name in (n for e in node.expressions() for n in names(e) if "." in n.id):
                owner = name.id.split(".")[0]
                if owner in programs and owner != program:
                    digraph.add_edge(owner, program)
                    places.setdefault((owner, program), name)
    order = list(programs)
    if nx.is_directed_acyclic_graph(digraph):
        order = list(nx.lexicographical_topological_sort(digraph, key=order.index))
    else:
        cycle = nx.find_cycle(digraph)
        owner, program = cycle[0][:2]
        shown = " -> ".join([*(a for a, *_ in cycle), cycle[0][0]])
        span = places[owner, program].span
        findings.add(diagnose("E0452", span, cycle=shown, program=program, other=owner))
    return {name: programs[name] for name in order}


__all__ = [
    "DENSITIES",
    "is_elementwise",
    "losses",
    "resolve_references",
    "unknown_reference",
    "value_name",
    "values_in",
]
