"""Sequences: `z[t-1]` becomes a lagged node, the value of z at the previous step.

`z[t-2]` is the value of `z[t-1]` at the previous step, so that it becomes two of them.

Its edge from z runs through time, so it is not part of the graph that orders the nodes of a step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, Scan
from specc.graph.nodes import Lagged, Latent, Node, with_expressions
from specc.graph.queries import is_data
from specc.graph.shift import Shift
from specc.language.expressions.tree import (
    Binary,
    Expression,
    Index,
    Name,
    Number,
    Sequence,
)
from specc.language.expressions.walk import rewrite, walk
from specc.language.schema.spec import Unread

Nodes = Mapping[str, Node]


def unroll_names(
    programs: Mapping[str, Nodes],
    scans: Mapping[str, Scan],
    unread: Unread,
    constants: Collection[str],
    findings: Findings,
) -> dict[str, dict[str, Node]]:
    """The nodes with every `z[t-1]` replaced by the name of a lagged node, and the lagged nodes."""
    inherited = {
        name: {n: _inherited(node, programs[MODEL]) for n, node in nodes.items()}
        for name, nodes in programs.items()
    }
    reach = _reach(inherited, scans)
    return {
        name: _Program(name, inherited, scans, unread, constants, reach, findings).nodes()
        for name in programs
    }


def _reach(programs: Mapping[str, Nodes], scans: Mapping[str, Scan]) -> dict[str, int]:
    """The number of steps that any program looks back to for each node: 2 for `y[t-2]`."""
    found: dict[str, int] = {}
    every = (
        e for nodes in programs.values() for node in nodes.values() for e in node.expressions()
    )
    for part in (part for expression in every for part in walk(expression)):
        if isinstance(part, Index) and isinstance(part.base, Name):
            far = [abs(offset) for offset, plate in map(_step, part.indices) if plate in scans]
            found[part.base.id] = max(found.get(part.base.id, 1), *far, 1)
    return found


def _inherited(node: Node, model: Nodes) -> Node:
    """The node on the sequence of the model node of the same name."""
    in_model = model.get(node.name)
    if node.program == MODEL or in_model is None or in_model.scan is None or node.plate is not None:
        return node
    if not isinstance(node, Latent):
        return node
    reverse = _direction(node, in_model)
    inherited = in_model.initial if reverse == in_model.reverse else None
    initial = node.initial if node.initial is not None else inherited
    return replace(node, scan=in_model.scan, initial=initial, reverse=reverse)


def _direction(node: Node, in_model: Node) -> bool:
    """Whether a node of the guide runs backward: as it looks back, else as the model's node does.

    The guide may run forward through a sequence that the model draws backward.
    """
    own = (part for e in node.expressions() for part in walk(e) if isinstance(part, Index))
    indices = (each.indices for each in own if _is_named(each.base, node.name))
    offsets = [_step(index)[0] for found in indices for index in found]
    looks = [offset > 0 for offset in offsets if offset]
    return looks[0] if looks and not node.reverse else node.reverse or in_model.reverse


def _is_named(base: Expression, name: str) -> bool:
    return isinstance(base, Name) and base.id == name


class _Program:
    """The nodes of one program; `lagged` collects the lagged nodes that they use."""

    def __init__(
        self,
        name: str,
        programs: Mapping[str, Nodes],
        scans: Mapping[str, Scan],
        unread: Unread,
        constants: Collection[str],
        reach: Mapping[str, int],
        findings: Findings,
    ) -> None:
        self.unread, self.constants, self.reach = unread, constants, reach
        self.name, self.own, self.model = name, programs[name], programs[MODEL]
        self.scans, self.findings = scans, findings
        self.lagged: dict[str, Lagged] = {}

    def nodes(self) -> dict[str, Node]:
        found = {name: self._node(node) for name, node in self.own.items()}
        return {**self.lagged, **found}

    def _node(self, node: Node) -> Node:
        self._check_options(node)
        if not self.scans:
            return node

        def replaced(expression: Expression) -> Expression | None:
            return self._lagged_name(node, expression)

        return with_expressions(node, lambda expression: rewrite(expression, replaced))

    def _check_options(self, node: Node) -> None:
        """Checks that only nodes of sequences have `initial` and `reverse`, and none is global."""
        if node.plate is not None and self.unread.holds("plates", node.plate):
            return
        if node.is_global and node.scan is not None:
            self._tell(node, "E0246", node, plate=node.scan)
        elif is_data(node) and (node.is_global or node.plate is not None):
            option = "global: true" if node.is_global else f"plate: {node.plate}"
            self._tell(node, "E0255", node, role=node.role, option=option)
        for option, given in (("initial", node.initial is not None), ("reverse", node.reverse)):
            if given and (node.scan is None or not self.scans[node.scan].is_ordered):
                hint = self._sequence_hint(node, option)
                self._tell(node, "E0240", node, option=option, hint=hint)

    def _sequence_hint(self, node: Node, option: str) -> str:
        """The hint for a node that has an option of sequences and no ordered steps."""
        ordered = [f"`plate: {n}`" for n, scan in self.scans.items() if scan.is_ordered]
        if node.scan is not None:
            sequence = f"`plates: {{{node.scan}: {{scan: {self.scans[node.scan].steps}}}}}`"
            return f"declare a sequence, {sequence}, or delete `{option}:`"
        if ordered:
            return f"write {', '.join(ordered)} on it"
        return "declare one: `plates: {t: {scan: 100}}`"

    def _lagged_name(self, node: Node, expression: Expression) -> Expression | None:
        """The name of the lagged node `z[t-1]`, or None for any other expression."""
        if not isinstance(expression, Index) or not isinstance(expression.base, Name):
            return None
        step = next(((i, p) for i, p in map(_step, expression.indices) if p in self.scans), None)
        if step is None:
            return None
        offset, plate = step
        base = self.own.get(expression.base.id) or self.model.get(expression.base.id)
        if base is None:
            # The next pass reports an unknown name; a constant has no steps, so `t` is undefined.
            return None if expression.base.id in self.constants else expression.base
        if not self._is_legal(node, base, expression, offset, plate):
            self.findings.broken.add(node.id)
            return Number(0, expression.span)
        starts = self._starts(base, expression, abs(offset))
        if starts is None:
            self.findings.broken.add(node.id)
            return Number(0, expression.span)
        name = ""
        for far, start in enumerate(starts[: abs(offset)], 1):
            sign, nearer = "-" if offset < 0 else "+", name
            name = f"{base.name}[{plate}{sign}{far}]"
            self.lagged[name] = Lagged(
                program=self.name,
                name=name,
                span=base.span,
                scan=plate,
                initial=start,
                shift=Shift(base.name, -far if offset < 0 else far, nearer),
            )
        return Name(name, expression.span)

    def _starts(self, base: Node, index: Index, far: int) -> tuple[Expression, ...] | None:
        """The values before the first step, that of the nearest step first; None after an error.

        If a node is used more than one step back, `initial` has a value for each of these steps, in
        their order.
        """
        count, initial = self.reach.get(base.name, 1), base.initial
        assert initial is not None
        if count == 1:
            return (initial,)
        listed = initial.items if isinstance(initial, Sequence) else None
        if isinstance(initial, Number) or (listed is not None and len(listed) != count):
            found = "one" if listed is None else str(len(listed))
            words = {"text": index.span.text, "count": str(count), "found": found}
            texts = [each.span.text for each in listed or (initial,)]
            example = [*texts[:1] * (count - len(texts)), *texts[-count:]]
            words["example"] = f"[{', '.join(example)}]"
            if far == count:
                self._tell(index, "E0260", base, **words)
            return None
        places = [Number(place, initial.span) for place in range(count)]
        ordered = listed or tuple(Index(initial, (place,), initial.span) for place in places)
        return ordered if base.reverse else ordered[::-1]

    def _is_legal(self, node: Node, base: Node, index: Index, offset: int, plate: str) -> bool:
        is_ahead = offset > 0 if base.reverse else offset < 0
        text = index.span.text
        if not self.scans[plate].is_ordered:
            self._tell(index, "E0262", base, text=text, plate=plate)
        elif node.scan != plate:
            self._tell(index, "E0241", node, text=text, plate=plate)
        elif base.scan != plate:
            self._tell(index, "E0242", base, text=text, plate=plate)
        elif len(index.indices) > 1 or not is_ahead:
            right = f"{base.name}[{plate}{'+' if base.reverse else '-'}1]"
            order = "from the last step to the first" if base.reverse else "from the first step on"
            self._tell(index, "E0243", base, text=text, order=order, right=right)
        elif base.initial is None:
            self._tell(index, "E0244", base, text=text)
        else:
            return True
        return False

    def _tell(self, place: Node | Index, code: str, about: Node, **evidence: str) -> None:
        labels = (Label(about.span, "declared here"),) if place is not about else ()
        self.findings.add(
            diagnose(code, place.span, labels=labels, name=about.name, **evidence), about.id
        )


def _step(index: Expression) -> tuple[int, str]:
    """The offset of `t-1` from t and the name of t; 0 and "" for any other index."""
    match index:
        case Binary(operator="-", left=Name(id=name), right=Number(value=int(count))):
            return -count, name
        case Binary(operator="+", left=Name(id=name), right=Number(value=int(count))):
            return count, name
        case Name(id=name):
            return 0, name
    return 0, ""
