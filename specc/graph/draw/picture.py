"""The layout of a picture of a spec: nodes, arrows and plates of each program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from specc.graph.blocks import interactions, layers, of_units
from specc.graph.graph import MODEL, ROWS, Graph, Program, TypedGraph
from specc.graph.nodes import Derived, EnergyNode, Node
from specc.graph.queries import is_data, name_in_model
from specc.language.expressions.walk import calls, names


class Dot(Struct, frozen=True):
    """A node with its column and layer, counted from 0; `through` names its bijections."""

    node: Node
    label: str
    shape: str
    through: str
    x: float
    y: float

    @property
    def key(self) -> str:
        """A unique name in the picture."""
        return _key(self.node)


class Arrow(Struct, frozen=True):
    """An edge from a node to its user, with the links between them.

    An edge between two nodes of an energy that interact is not `directed`.
    """

    start: str
    end: str
    label: str
    dashed: bool
    directed: bool = True


class Plate(Struct, frozen=True):
    """A plate around the nodes that it repeats."""

    label: str
    program: str
    keys: tuple[str, ...]


class Picture(Struct, frozen=True):
    """The nodes, arrows and plates of a picture."""

    title: str
    dots: tuple[Dot, ...]
    arrows: tuple[Arrow, ...]
    plates: tuple[Plate, ...]
    width: float
    height: float


def picture(typed: TypedGraph) -> Picture:
    """The layout, with the model at the left and other programs, with dashed arrows, next to it."""
    graph = typed.graph
    dots: list[Dot] = []
    arrows: list[Arrow] = []
    plates: list[Plate] = []
    offset = 0.0
    for program in graph.declared.values():
        placed = _layout(typed, program, offset)
        dots += placed
        arrows += _arrows(graph, program)
        plates += _plates(typed, program)
        offset = max((dot.x for dot in placed), default=offset) + 2.0
    height = max((dot.y for dot in dots), default=0.0)
    return Picture(
        graph.spec.document.name, tuple(dots), tuple(arrows), tuple(plates), offset - 2.0, height
    )


def shown_nodes(graph: Graph, program: Program) -> list[Node]:
    """The nodes that a program declares, after the nodes of other programs that they use."""
    own = [program.nodes[name] for name in program.declared if not _is_on_edges(program, name)]
    used = [_referent(graph, program, name) for node in own for name in _names(node)]
    used += [_base(graph, program, name) for node in own for name in _names(node)]
    foreign = {_key(n): n for n in used if n is not None and n.program != program.name}
    return [*foreign.values(), *own]


def _is_on_edges(program: Program, name: str) -> bool:
    """Whether edges between the units of an energy stand for a node.

    It is the energy, or a parameter of it that no other node of the picture uses.
    """
    if program.energy is None:
        return False
    if program.nodes[name].role != "parameter":
        return name in _energies(program)
    users = set(program.digraph.successors(name)) - _energies(program)
    return users <= set(program.units)


def _energies(program: Program) -> set[str]:
    """The energy, and the nodes that the compiler derives from it."""
    return {n for n, node in program.nodes.items() if isinstance(node, (EnergyNode, Derived))}


def _between(program: Program, first: str, second: str) -> str:
    """The parameters that the conditional distributions of both units use."""
    used = [
        {n.id for e in program.nodes[u].expressions() for n in names(e)} for u in (first, second)
    ]
    both = used[0] & used[1]
    found = (n for n in program.order if n in both and program.nodes[n].role == "parameter")
    return ", ".join(found)


def _key(node: Node) -> str:
    """A key of the node that is unique in the picture."""
    return f"{node.program}_{node.name}"


def _names(node: Node) -> list[str]:
    return sorted({n.id for e in node.expressions() for n in names(e)} | _initial_names(node))


def _is_context(node: Node) -> bool:
    """Whether a node is given to an energy, or computed from what is given."""
    return node.role in ("given", "let")


def _referent(graph: Graph, program: Program, name: str) -> Node | None:
    """The declared node that a name refers to; None for a lagged node."""
    node = program.nodes.get(name)
    if node is None:
        node = graph.model.nodes.get(name) or _of_other(graph, name)
    if node is not None and name_in_model(node):
        node = graph.model.nodes.get(name_in_model(node))
    return None if node is None or node.shift is not None else node


def _of_other(graph: Graph, name: str) -> Node | None:
    """The node of another program that a name such as `model.x` refers to, or None."""
    owner, _, inside = name.partition(".")
    return graph.declared[owner].nodes.get(inside) if owner in graph.declared else None


def _base(graph: Graph, program: Program, name: str) -> Node | None:
    """The declared node whose previous value a lagged name refers to; None for other names."""
    node = program.nodes.get(name) or graph.model.nodes.get(name) or _of_other(graph, name)
    shift = None if node is None else node.shift
    return None if shift is None else _referent(graph, program, shift.base)


def _layout(typed: TypedGraph, program: Program, offset: float) -> list[Dot]:
    """The dots of a program: layers by the longest path from a root, columns near their parents."""
    nodes = shown_nodes(typed.graph, program)
    parents = {_key(node): _parents(typed.graph, node, program) for node in nodes}
    below = set(of_units(program, program.nodes))
    depth: dict[str, int] = {}
    _deepen(depth, [node for node in nodes if node.name not in below], parents)
    start = max(depth.values(), default=-1) + 1
    for layer, units in enumerate(layers(program), start):
        depth |= {_key(program.nodes[name]): layer for name in units}
    _deepen(depth, [node for node in nodes if _key(node) not in depth], parents)
    depth = _lower_roots(nodes, parents, depth)
    x: dict[str, float] = {}
    left = offset
    for local in (False, True):
        part = [n for n in nodes if _is_local(typed, n) == local]
        if part:
            left = _columns(part, parents, depth, x, left)
    return [_dot(typed, program, node, x[_key(node)], depth[_key(node)]) for node in nodes]


def _deepen(depth: dict[str, int], nodes: Iterable[Node], parents: Mapping[str, list[str]]) -> None:
    """Add the layers of nodes, each below its parents."""
    for node in nodes:
        above = [depth[p] + 1 for p in parents[_key(node)] if p in depth]
        depth[_key(node)] = max(above, default=0)


def _is_local(typed: TypedGraph, node: Node) -> bool:
    return node.id in typed.types and typed.types[node.id].is_local


def _columns(
    block: list[Node],
    parents: Mapping[str, list[str]],
    depth: Mapping[str, int],
    x: dict[str, float],
    start: float,
) -> float:
    """Sets the columns of a block of nodes; returns the start of the next block."""
    layers: dict[int, list[Node]] = {}
    for node in block:
        layers.setdefault(depth[_key(node)], []).append(node)
    widest = max(len(layer) for layer in layers.values())
    for layer in sorted(layers):
        wanted = {_key(n): _mean([x[p] for p in parents[_key(n)] if p in x]) for n in layers[layer]}
        ordered = sorted(layers[layer], key=lambda n: (n.plate or "", wanted[_key(n)]))
        left = start + (widest - len(ordered)) / 2
        for place, node in enumerate(ordered):
            x[_key(node)] = left + place
    return start + widest


def _lower_roots(
    nodes: list[Node], parents: Mapping[str, list[str]], depth: dict[str, int]
) -> dict[str, int]:
    """The layers with each root directly above its first user, so that no arrow crosses a node."""
    users: dict[str, list[str]] = {}
    for node in nodes:
        for parent in parents[_key(node)]:
            users.setdefault(parent, []).append(_key(node))
    return {
        name: min(depth[u] for u in users[name]) - 1
        if not parents[name] and name in users
        else layer
        for name, layer in depth.items()
    }


def _parents(graph: Graph, node: Node, program: Program) -> list[str]:
    """The keys of the nodes that `node` uses at the same step, or of its joint node."""
    if program.nodes.get(node.name) is not node or node.name in program.units:
        return []
    if node.joint is not None:
        return [_key(program.nodes[node.joint])]
    used = (_referent(graph, program, name) for name in _names(node))
    return sorted({_key(each) for each in used if each is not None})


def _initial_names(node: Node) -> set[str]:
    """The names in the value before the first step of a sequence."""
    return {n.id for n in names(node.initial)} if node.initial is not None else set()


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _dot(typed: TypedGraph, program: Program, node: Node, x: float, y: float) -> Dot:
    is_named = node.program == program.name or is_data(node)
    label = node.name if is_named else f"{node.program}.{node.name}"
    shape = typed.types[node.id].shape if node.id in typed.types else ()
    sizes = f"[{', '.join(map(str, shape))}]" if shape else ""
    through = f"through {', '.join(step.function for step in node.through)}" if node.through else ""
    return Dot(node, label, sizes, through, x, y)


def _arrows(graph: Graph, program: Program) -> list[Arrow]:
    found: dict[tuple[str, str, bool], Arrow] = {}
    order = [name for units in layers(program) for name in units]
    for pair in interactions(program):
        first, second = sorted(pair, key=order.index)
        ends = (_key(program.nodes[first]), _key(program.nodes[second]))
        words = _between(program, first, second)
        found[first, second, False] = Arrow(*ends, words, program.name != MODEL, directed=False)
    for name in program.declared:
        node = program.nodes[name]
        if _is_on_edges(program, name):
            continue
        if node.joint is not None:
            (joint,) = _parents(graph, node, program)
            found[joint, name, False] = Arrow(joint, _key(node), "", program.name != MODEL)
            continue
        for used in _names(node):
            at = _referent(graph, program, used)
            if at is not None and (name not in program.units or _is_context(at)):
                links = _links(graph, node, used) or ["initial"] * (used in _initial_names(node))
                label, dashed = ", ".join(links), program.name != MODEL
                arrow = Arrow(_key(at), _key(node), label, dashed)
                found.setdefault((arrow.start, name, False), arrow)
        for used in _names(node):
            before = _base(graph, program, used)
            if before is not None:
                label = f"{node.scan}{'+' if before.reverse else '-'}1"
                arrow = Arrow(_key(before), _key(node), label, dashed=True)
                found.setdefault((arrow.start, name, True), arrow)
    return list(found.values())


def _links(graph: Graph, node: Node, parent: str) -> list[str]:
    return [
        call.function
        for expression in node.expressions()
        for call in calls(expression)
        if call.function in graph.links and any(n.id == parent for n in names(call))
    ]


def _plates(typed: TypedGraph, program: Program) -> list[Plate]:
    groups: dict[str, list[str]] = {}
    for node in shown_nodes(typed.graph, program):
        for plate in typed.types[node.id].plates if node.id in typed.types else ():
            groups.setdefault(plate, []).append(_key(node))
    return [
        Plate(
            "rows" if plate == ROWS else f"{plate}: {typed.graph.size_of(plate)}",
            program.name,
            tuple(keys),
        )
        for plate, keys in groups.items()
    ]
