"""Values on plates in other nodes: reductions `mean(h, t)`, elements `h[3]`, numbers `index(t)`.

Each of them becomes the value of a deterministic node, named by its text, and the expression refers
to that node. So the operand of a reduction, an expression on the plate, is a node of the plate, and
the result is a node outside, wherever it is used: in a loop over the steps, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial

from msgspec.structs import replace

from specc.catalog.functions.plates import ELEMENT
from specc.catalog.registry import FUNCTIONS
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.counter import Counter
from specc.graph.element import Element
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, NETWORKS, Scan
from specc.graph.nodes import Deterministic, Latent, Node, Observed, with_expressions
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Number,
    Over,
)
from specc.language.expressions.walk import calls, names, rewrite, walk

Nodes = Mapping[str, Node]
Change = Callable[[Expression], Expression | None]


class PlateValues:
    """Finds the values on plates in expressions; `sizes` are those of all plates."""

    def __init__(
        self,
        sizes: Mapping[str, int],
        scans: Mapping[str, Scan],
        links: Collection[str],
        constants: Collection[str],
        findings: Findings,
    ) -> None:
        self.sizes, self.scans = sizes, scans
        self.links, self.constants, self.findings = links, constants, findings

    def of_programs(self, programs: Mapping[str, Nodes]) -> dict[str, Nodes]:
        """The programs, in which the values on plates have nodes of their own."""
        if not self.sizes:
            return dict(programs)
        return {name: self.in_program(nodes, programs[MODEL]) for name, nodes in programs.items()}

    def in_program(self, nodes: Nodes, model: Nodes) -> Nodes:
        """The nodes of a program, with those that they need before them."""
        found = _Program(self, nodes, model)
        changed = {name: found.node(node) for name, node in nodes.items()}
        return {**found.made, **changed}

    def is_reduction(self, call: Call) -> bool:
        """Whether a call reduces its first argument over a plate, its second one."""
        if call.function in self.links or call.function not in FUNCTIONS:
            return False
        return FUNCTIONS[call.function].over_plate is not None and len(call.arguments) == 2

    def counts(self, call: Call) -> bool:
        """Whether a call gives the number of each element of a plate."""
        known = call.function not in self.links and call.function in FUNCTIONS
        return known and FUNCTIONS[call.function].counts and len(call.arguments) == 1


class _Program:
    """The nodes of one program; `made` collects the nodes of values on plates."""

    def __init__(self, every: PlateValues, own: Nodes, model: Nodes) -> None:
        self.every, self.own, self.model = every, own, model
        self.made: dict[str, Node] = {}

    def node(self, node: Node) -> Node:
        """The node, which refers to the nodes of values on plates."""
        plate = self._plate(node)
        value = node.value
        if isinstance(node, Deterministic) and not plate:
            over = self._whole(node, value)
            if over is not None:
                return replace(node, value=over)
        change: Change = partial(self._changed, node, plate)
        changed = with_expressions(node, lambda expression: rewrite(expression, change))
        if isinstance(changed, (Deterministic, Latent, Observed)) and changed.initial is not None:
            outside: Change = partial(self._changed, node, "")
            return replace(changed, initial=rewrite(changed.initial, outside))
        return changed

    def _plate(self, node: Node) -> str:
        """The plate that a node states, or that of its node in the model; else ""."""
        twin = self.model.get(node.name)
        inherited = twin if isinstance(node, Latent) and twin is not None else node
        return node.scan or node.plate or inherited.scan or inherited.plate or ""

    def _whole(self, node: Node, value: Expression | None) -> Expression | None:
        """The value on a plate that a node outside of it consists of, or None."""
        if isinstance(value, Call):
            return self._over(node, value, node.sizes)
        return self._element(node, "", value) if isinstance(value, Index) else None

    def _changed(self, node: Node, plate: str, expression: Expression) -> Expression | None:
        """The name of the node of a value on a plate, None for another expression.

        The expression is one of `node`, which is on `plate`.
        """
        match expression:
            case Call() if self.every.counts(expression):
                return self._number(node, expression)
            case Call() if self.every.is_reduction(expression):
                return self._named(node, expression, self._over(node, expression, None))
            case Index() if (found := self._one_of_two(node, expression)) is not None:
                return found
            case Index():
                return self._named(node, expression, self._element(node, plate, expression))
        return None

    def _named(self, node: Node, whole: Expression, over: Expression | None) -> Expression | None:
        """The name of a new node with the value, which belongs to no plate by itself."""
        if not isinstance(over, Over):
            return over
        name = _name(node, over)
        self.made[name] = Deterministic(
            program=node.program, name=name, span=whole.span, value=over
        )
        return Name(name, whole.span)

    def _over(
        self, node: Node, call: Call, sizes: tuple[Expression, ...] | None
    ) -> Expression | None:
        """The reduction of a call over a plate, whose value has these sizes, or None."""
        if not self.every.is_reduction(call):
            return None
        operand, plate = call.arguments
        form = FUNCTIONS[call.function].over_plate
        assert form is not None
        if not isinstance(plate, Name) or plate.id not in self.every.sizes:
            return self._misnamed(node, plate, call)
        inside: Change = partial(self._changed, node, plate.id)
        inner = rewrite(operand, inside)
        if not isinstance(inner, (Name, Member)):
            inner = self._operand(node, inner, plate.id, None if form.flattens else sizes)
        return Over(call.function, form, inner, plate.id, call.span, self._lengths(plate))

    def _lengths(self, plate: Name) -> Name | None:
        scan = self.every.scans.get(plate.id)
        return None if scan is None or scan.lengths is None else Name(scan.lengths, plate.span)

    def _misnamed(self, node: Node, plate: Expression, call: Call) -> Expression | None:
        """A number, after reporting that an unknown name is not one of a plate; else None."""
        known = (*self.own, *self.model, *self.every.constants)
        most = FUNCTIONS[call.function].arity[1]
        if not isinstance(plate, Name) or plate.id in known or most != 1:
            return None
        guess = nearest(plate.id, self.every.sizes)
        shown = ", ".join(f"`{name}`" for name in self.every.sizes)
        hint = f"did you mean `{guess}`?" if guess else f"the plates are {shown}"
        words = {"text": call.span.text, "name": plate.id, "hint": hint}
        self.every.findings.add(diagnose("E0258", plate.span, labels=(), **words), node.id)
        return Number(0, call.span)

    def _operand(
        self, node: Node, value: Expression, plate: str, sizes: tuple[Expression, ...] | None
    ) -> Name:
        """The name of a new node on the plate with the value of an expression."""
        if sizes is None and node.program == NETWORKS:
            linked = any(call.function in self.every.links for call in calls(value))
            sizes = () if linked else None
        name = _name(node, value)
        is_scan = plate in self.every.scans
        self.made[name] = Deterministic(
            program=node.program,
            name=name,
            span=value.span,
            value=value,
            sizes=sizes,
            scan=plate if is_scan else None,
            plate=None if is_scan else plate,
        )
        return Name(name, value.span)

    def _number(self, node: Node, call: Call) -> Expression | None:
        """The name of the node with the number of each element of a plate."""
        (plate,) = call.arguments
        if not isinstance(plate, Name) or plate.id not in self.every.sizes:
            return None
        size = Number(self.every.sizes[plate.id], plate.span)
        is_scan = plate.id in self.every.scans
        name = _name(node, call)
        self.made[name] = Counter(
            program=node.program,
            name=name,
            span=call.span,
            value=replace(call, arguments=(size,)),
            scan=plate.id if is_scan else None,
            plate=None if is_scan else plate.id,
        )
        return Name(name, call.span)

    def _one_of_two(self, node: Node, indexed: Index) -> Expression | None:
        """The node of an element of a finite latent, if `node` depends on two of its elements."""
        base, (first, *rest) = indexed.base, indexed.indices
        found = self.own.get(base.id) if isinstance(base, Name) else None
        is_finite = isinstance(found, Latent) and found.entry.finite
        if found is None or not is_finite or found.plate is None or node.program != MODEL:
            return None
        parts = (part for own in node.own_expressions() for part in walk(own))
        alike = (part for part in parts if isinstance(part, Index) and _is_of(part, found.name))
        if len({print_expression(part.indices[0]) for part in alike}) != 2:
            return None
        whole = Index(base, (first,), indexed.span)
        name = _name(node, whole)
        span = indexed.span
        self.made[name] = Element(
            program=node.program, name=name, span=span, value=whole, base=found.name
        )
        named = Name(name, indexed.span)
        return Index(named, tuple(rest), indexed.span) if rest else named

    # elements

    def _element(self, node: Node, plate: str, indexed: Index) -> Expression | None:
        """The value on one step of a sequence, with the further indices; None for other indices."""
        base, (first, *rest) = indexed.base, indexed.indices
        if not isinstance(base, Name) or any(map(self._is_step, indexed.indices)):
            return None
        of = self._of_name(base.id, set())
        if of not in self.every.scans or of == plate:
            return None
        index = rewrite(first, partial(self._changed, node, plate))
        over = Over("", ELEMENT, base, of, indexed.span, None, index)
        if not rest:
            return over
        named = self._named(node, over, over)
        assert named is not None
        return Index(named, tuple(rest), indexed.span)

    def _is_step(self, index: Expression) -> bool:
        """Whether an index is a step, as `t` or `t-1`."""
        first = index.left if isinstance(index, Binary) else index
        return isinstance(first, Name) and first.id in self.every.scans

    def _of_name(self, name: str, seen: set[str]) -> str:
        """The sequence of a node, or that of a node that its value depends on; else ""."""
        node = self.own.get(name) or self.model.get(name)
        if node is None or name in seen:
            return ""
        seen.add(name)
        own = self._plate(node)
        if own or not isinstance(node, Deterministic):
            return own
        inside = (self._of_name(used.id, seen) for used in self._bare(node.value))
        return next((plate for plate in inside if plate in self.every.scans), "")

    def _bare(self, expression: Expression) -> list[Name]:
        """The names in an expression that are neither reduced over a plate nor indexed."""

        def without(part: Expression) -> Expression | None:
            is_gone = isinstance(part, (Index, Over))
            is_gone = is_gone or (isinstance(part, Call) and self.every.is_reduction(part))
            return Number(0, part.span) if is_gone else None

        return list(names(rewrite(expression, without)))


def _is_of(indexed: Index, name: str) -> bool:
    """Whether an index is one of the node `name`."""
    return isinstance(indexed.base, Name) and indexed.base.id == name


def _name(node: Node, expression: Expression) -> str:
    """The name of the node of a value: its text, with a dot only where a program is referred to."""
    text = print_expression(expression)
    return text if node.program == NETWORKS else re.sub(r"(?<=\d)\.", ",", text).replace(".", " ")
