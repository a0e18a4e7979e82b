"""Canonical names by alpha-renaming: two specs that differ only in names have the same ones.

A labelled graph represents the spec. It has a vertex for each name (of a node in all programs, of a
link, of a plate) and for each sum and reduction of the objective. The label of a vertex is its
declaration without any names, and an edge connects it to each vertex whose name the declaration
contains; the edge's label is the position. `canonical_order` numbers the vertices, and these
numbers replace the names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import assert_never

from specc.catalog.link import initialization, late_defaults
from specc.codegen.canonical import canonical_order
from specc.codegen.plan import Plan
from specc.graph.graph import DATA, MODEL, NETWORKS
from specc.graph.nodes import Derived, Node, NodeId
from specc.graph.queries import is_data, parameter_of
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Number,
    Over,
    Sequence,
)
from specc.objective.terms import (
    PARTICLE,
    ChainDivergence,
    Density,
    Divergence,
    Energy,
    LogProb,
    Operation,
    Part,
    Reduce,
    Sum,
    Term,
    Value,
    children,
    coefficients,
    fold,
)

Key = tuple[str, str]
"""The kind of a name (`node`, `link` or `plate`), and the name."""

Rename = Callable[[Key], str]


def digest(value: object) -> str:
    """Return the SHA-256 of a JSON value; the order of keys does not matter."""
    return hashlib.sha256(_text(value).encode()).hexdigest()


def _text(value: object) -> str:
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def canonical_names(plan: Plan) -> dict[Key, str]:
    """Return a number for every name, which depends neither on names nor on the order in the spec.

    Names of symmetric nodes are numbered in alphabetical order.
    """
    labels, edges = _structure(plan)
    by_name = {key: labels[key] for key in sorted(labels)}
    order = canonical_order(by_name, edges, lambda key: key[0] == "node")
    named = [key for key in order if key[0] != "term"]
    return {key: f"{key[0]} {number}" for number, key in enumerate(named)}


def _structure(plan: Plan) -> tuple[dict[Key, str], list[tuple[Key, str, Key]]]:
    """Return the labels of the vertices, and the edges (vertex, label, vertex)."""
    labels: dict[Key, str] = {}
    edges: list[tuple[Key, str, Key]] = []
    for name, roles in _roles(plan).items():
        declarations = {}
        for program in sorted(roles):
            holes: list[Key] = []
            declarations[program] = content(plan, (program, name), _digging(holes))
            edges += [(("node", name), f"{program} {i}", hole) for i, hole in enumerate(holes)]
        draw = plan.objective.draws.get(name)
        drawn = [draw.program, draw.kind, draw.option] if draw else []
        labels["node", name] = _text([declarations, drawn])
        if draw is not None and draw.baseline:
            edges.append((("node", name), "baseline", ("node", draw.baseline)))
    for name in plan.graph.sized:
        labels["link", name] = _text(link_content(plan, name))
        average = plan.graph.graph.links[name].average
        if average is not None:
            edges.append((("link", name), "average", ("link", average.of)))
    for name, size in plan.graph.graph.plates.items():
        labels["plate", name] = str(size)
    for name, scan in plan.graph.graph.scans.items():
        labels["plate", name] = f"{scan.steps} {'steps' if scan.is_ordered else 'elements'}"
        if scan.lengths is not None:
            edges.append((("plate", name), "lengths", ("node", scan.lengths)))
    for player in plan.objective.players:
        _term_vertices(plan, player.minimize, labels, edges)
    return labels, edges


def _roles(plan: Plan) -> dict[str, list[str]]:
    """Return the programs that have a node of each name."""
    found: dict[str, list[str]] = {}
    for program in plan.graph.graph.declared.values():
        for name in program.nodes:
            found.setdefault(name, []).append(program.name)
    return found


def _digging(holes: list[Key]) -> Rename:
    def rename(key: Key) -> str:
        holes.append(key)
        return "*"

    return rename


# declarations of nodes and links without names


def content(plan: Plan, node_id: NodeId, rename: Rename) -> dict[str, object]:
    """Return the declaration of a node as a JSON value; `rename` maps other names."""
    graph = plan.graph.graph
    node, kind = graph.node(node_id), plan.graph.types[node_id]

    def plate(name: str) -> str:
        return rename(("plate", name)) if name in (*graph.plates, *graph.scans) else name

    def tree(expression: Expression | None) -> object:
        return None if expression is None else _Tree(plan, node_id[0], rename)(expression)

    field = graph.fields.get(node.field) if node.field is not None else None
    # What the compiler derives from an energy follows from it, however it is written.
    is_unit = node.name in graph.programs[node.program].units
    conditional = node.entry.conditional if node.entry and is_unit else None
    derived = set(conditional.arguments) if conditional else set()
    is_derived = isinstance(node, Derived)
    return {
        "role": node.role,
        "entry": node.entry.name if node.entry else None,
        "arguments": {
            **{key: float(value) for key, value in left_out(node).items()},
            **{key: tree(node.arguments[key]) for key in sorted(set(node.arguments) - derived)},
        },
        "params": tree(node.params),
        "value": None if is_derived else tree(node.value),
        **_in_time(node, rename, tree),
        **({"missing": node.missing.kind} if node.missing else {}),
        **({"through": [tree(step) for step in node.through]} if node.through else {}),
        **({"parts": [rename(("node", part)) for part in node.parts]} if node.parts else {}),
        "shape": list(kind.shape),
        "plates": [plate(name) for name in kind.plates],
        "index of": plate(node.plate_index) if node.plate_index is not None else None,
        "support": repr(kind.support),
        "data": field and {"from": _origin(field.origin), **_given(field.transforms)},
    }


def _origin(origin: str | tuple[str, ...]) -> str | list[str]:
    return origin if isinstance(origin, str) else list(origin)


def left_out(node: Node) -> dict[str, int | float]:
    """Return the parameters of a node that are not given, with their default values."""
    if node.entry is None or node.params is not None:
        return {}
    given = {parameter_of(node.entry, key)[0].name for key in node.arguments}
    return {name: value for name, value in node.entry.defaults.items() if name not in given}


def _in_time(
    node: Node, rename: Rename, tree: Callable[[Expression | None], object]
) -> dict[str, object]:
    """Return the initial value and the shift of a node of a sequence."""
    found: dict[str, object] = {}
    if node.initial is not None:
        found |= {"initial": tree(node.initial), "reverse": node.reverse}
    if node.shift is not None:
        found["shift"] = [rename(("node", node.shift.base)), node.shift.offset]
    return found


def _given(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def link_content(plan: Plan, name: str) -> dict[str, object]:
    """Return the options of a link except initialization, and except later options at defaults.

    The latter are options that were added to specc later, so that old digests remain valid.
    """
    link = plan.graph.graph.links[name]
    left_out = {*initialization(type(link.options)), *late_defaults(link.options)}
    options = link.options.model_dump(mode="json", exclude=left_out)
    average = {} if link.average is None else {"decay": link.average.decay}
    return {"kind": link.entry.name, "options": options, **average}


def starting_options(plan: Plan, name: str) -> dict[str, object]:
    """Return the options of initialization of a link that are not at their defaults."""
    options = plan.graph.graph.links[name].options
    return options.model_dump(
        mode="json", include=set(initialization(type(options))), exclude_defaults=True
    )


class _Tree:
    """Converts an expression to nested lists: the operator or role, followed by the operands."""

    def __init__(self, plan: Plan, program: str, rename: Rename) -> None:
        self.graph, self.program, self.rename = plan.graph.graph, program, rename

    def __call__(self, expression: Expression) -> object:
        match expression:
            case Number(value=value):
                return float(value)
            case Name(id=name):
                return self._name(name)
            case Member(program=program, name=name):
                return self._reference(program, name)
            case Negate(operand=operand):
                return ["-", self(operand)]
            case Binary(operator=operator, left=left, right=right):
                return [operator, self(left), self(right)]
            case Call(function=function, arguments=arguments):
                is_link = function in self.graph.links
                called = self.rename(("link", function)) if is_link else function
                values = [called, *(self(a) for a in arguments)]
                if expression.inverted:
                    return ["inverse", values]
                return ["transpose", values] if expression.transposed else values
            case Index(base=base, indices=indices):
                return ["[]", self(base), *(self(index) for index in indices)]
            case Sequence(items=items):
                return ["list", *(self(item) for item in items)]
            case Over(function=function, plate=plate, index=index):
                inside = [self(expression.operand), self.rename(("plate", plate))]
                return ["over", function, *inside, *([] if index is None else [self(index)])]
        raise AssertionError(expression)

    def _name(self, name: str) -> object:
        """Return the renamed node, or the value of a constant."""
        owner, dot, inside = name.partition(".")
        if dot and owner != DATA:
            return self._reference(owner, inside)
        if self.graph.lookup(self.program, name) is not None:
            return self.rename(("node", name))
        if name in (*self.graph.plates, *self.graph.scans):
            return self.rename(("plate", name))
        return _literal(self.graph.constants.get(name, name))

    def _reference(self, program: str, name: str) -> object:
        """Return a renamed node of another program; data are named by their observed node."""
        if program != DATA:
            return [program, self.rename(("node", name))]
        found = self.graph.lookup(NETWORKS, f"{DATA}.{name}")
        nodes = self.graph.model.nodes.values()
        node = found or next(n for n in nodes if is_data(n) and n.field == name)
        return [program, self.rename(("node", node.name))]


def own_name(name: str) -> str:
    """Return the name of a node in its own program: `x` of `model.draw.x`."""
    return name if name.startswith(f"{DATA}.") else name.rpartition(".")[2]


def _literal(value: object) -> object:
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, (list, tuple)):
        return ["list", *(_literal(item) for item in value)]
    return ["word", str(value)]


# the objective


def term_content(plan: Plan, term: Term, rename: Rename) -> object:
    """Return a term as a JSON value with renamed nodes; the parts of a sum are sorted."""

    def combine(term: Term, inside: tuple[object, ...]) -> object:
        match term:
            case LogProb(program=program, node=node, rows=rows):
                counted = [] if rows == "all" else [rows]
                return ["log prob", program, rename(("node", own_name(node))), *counted]
            case ChainDivergence(node=node):
                return ["divergence given the start", rename(("node", node))]
            case Divergence(node=node):
                return ["divergence", rename(("node", node))]
            case Value(expression=expression):
                return ["value", _Tree(plan, MODEL, rename)(expression)]
            case Energy(program=program):
                return [term.kind, program, *sorted(_axis(unit, rename) for unit in term.bound)]
            case Operation():
                return ["apply", term.function, *inside]
            case Reduce(how=how, axes=axes):
                return [how, sorted(_axis(a, rename) for a in axes), *inside]
            case Sum(parts=parts):
                weighed = zip(parts, inside, strict=True)
                found = [[*_factors(part), content] for part, content in weighed]
                return ["sum", *sorted(found, key=_text)]
            case _:
                assert_never(term)

    return fold(term, combine)


def _factors(part: Part) -> list[object]:
    """Return the coefficient of a part, and its weight and floor if it has any."""
    more: list[object] = [part.weight, part.floor] if part.weight or part.floor else []
    return [part.coefficient, *more]


def _axis(axis: str, rename: Rename) -> str:
    return axis if axis == PARTICLE else rename(("node", own_name(axis)))


def _term_vertices(
    plan: Plan, term: Term, labels: dict[Key, str], edges: list[tuple[Key, str, Key]]
) -> Key:
    """Add vertices for a term and the terms inside it, and return the vertex of the term.

    Densities have no vertex; an edge to the vertex of the node represents them.
    """
    own = ("term", str(len(labels)))
    labels[own] = ""
    match term:
        case Reduce(how=how, axes=axes):
            labels[own] = how
            edges += [(own, "axis", ("node", own_name(a))) for a in axes if a != PARTICLE]
        case Value(expression=expression):
            holes: list[Key] = []
            labels[own] = _text(_Tree(plan, MODEL, _digging(holes))(expression))
            edges += [(own, f"value {i}", hole) for i, hole in enumerate(holes)]
        case Energy(program=program):
            labels[own] = f"{term.kind} {program}"
            edges += [(own, "axis", ("node", own_name(unit))) for unit in term.bound]
        case Operation():
            labels[own] = f"apply {term.function}"
    inside = zip(coefficients(term), children(term), strict=True)
    for position, (coefficient, child) in enumerate(inside):
        place = f"{coefficient!r} {position}" if isinstance(term, Operation) else f"{coefficient!r}"
        if isinstance(child, Density):
            edges.append((own, f"{place} {_density(child)}", ("node", own_name(child.node))))
        else:
            edges.append((own, place, _term_vertices(plan, child, labels, edges)))
    return own


def _density(term: Density) -> str:
    """Return the label of a density of a node: its program and rows, or `divergence`."""
    if isinstance(term, ChainDivergence):
        return "divergence given the start"
    if isinstance(term, Divergence):
        return "divergence"
    return term.program if term.rows == "all" else f"{term.program} {term.rows}"
