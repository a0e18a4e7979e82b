"""What a picture of a spec shows: nodes, arrows and plates, program by program, with places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specc.graph.graph import MODEL, ROWS, Graph, Node, Program, TypedGraph
from specc.language.expressions.walk import calls, names


@dataclass(frozen=True, slots=True)
class Dot:
    """A node with its place: columns and layers count from 0. `through` names its bijections."""

    node: Node
    label: str
    shape: str
    through: str
    x: float
    y: float

    @property
    def key(self) -> str:
        """A name that no other node of the picture has."""
        return f"{self.node.program}_{self.node.name}"


@dataclass(frozen=True, slots=True)
class Arrow:
    """A use: from what is used to its user, with the links on the way."""

    start: str
    end: str
    label: str
    dashed: bool


@dataclass(frozen=True, slots=True)
class Plate:
    """A repetition, around the nodes that it repeats."""

    label: str
    program: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is drawn."""

    title: str
    dots: tuple[Dot, ...]
    arrows: tuple[Arrow, ...]
    plates: tuple[Plate, ...]
    width: float
    height: float


def picture(typed: TypedGraph) -> Picture:
    """The model at the left; beside it every other program, with dashed arrows."""
    graph = typed.graph
    dots: list[Dot] = []
    arrows: list[Arrow] = []
    plates: list[Plate] = []
    offset = 0.0
    for program in graph.programs.values():
        placed = _placed(typed, program, offset)
        dots += placed
        arrows += _arrows(graph, program)
        plates += _plates(typed, program)
        offset = max((dot.x for dot in placed), default=offset) + 2.0
    height = max((dot.y for dot in dots), default=0.0)
    return Picture(
        graph.spec.document.name, tuple(dots), tuple(arrows), tuple(plates), offset - 2.0, height
    )


def _shown(graph: Graph, program: Program) -> list[Node]:
    """A program's nodes, and the data of the model that it uses."""
    own = [program.nodes[name] for name in program.written]
    if program.name == MODEL:
        return own
    return [graph.model.nodes[name] for name in program.inputs] + own


def _placed(typed: TypedGraph, program: Program, offset: float) -> list[Dot]:
    """Layers by the longest way from a root; in a layer, each node near the mean of its parents."""
    nodes = _shown(typed.graph, program)
    parents = {node.name: _parents(node, program) for node in nodes}
    depth: dict[str, int] = {}
    for node in nodes:
        depth[node.name] = max((depth[p] + 1 for p in parents[node.name] if p in depth), default=0)
    depth = _lowered(nodes, parents, depth)
    x: dict[str, float] = {}
    start = offset
    for local in (False, True):
        block = [n for n in nodes if _is_local(typed, n) == local]
        if block:
            start = _columns(block, parents, depth, x, start)
    return [_dot(typed, node, x[node.name], depth[node.name]) for node in nodes]


def _is_local(typed: TypedGraph, node: Node) -> bool:
    return node.id in typed.types and typed.types[node.id].is_local


def _columns(
    block: list[Node],
    parents: Mapping[str, list[str]],
    depth: Mapping[str, int],
    x: dict[str, float],
    start: float,
) -> float:
    """Columns for nodes that one plate repeats, or none; where the next block may start."""
    layers: dict[int, list[Node]] = {}
    for node in block:
        layers.setdefault(depth[node.name], []).append(node)
    widest = max(len(layer) for layer in layers.values())
    for layer in sorted(layers):
        wanted = {n.name: _mean([x[p] for p in parents[n.name] if p in x]) for n in layers[layer]}
        ordered = sorted(layers[layer], key=lambda n: (n.plate or "", wanted[n.name]))
        left = start + (widest - len(ordered)) / 2
        for place, node in enumerate(ordered):
            x[node.name] = left + place
    return start + widest


def _lowered(
    nodes: list[Node], parents: Mapping[str, list[str]], depth: dict[str, int]
) -> dict[str, int]:
    """Move a root down to the layer above its first user, so that no arrow passes a node."""
    users: dict[str, list[str]] = {}
    for node in nodes:
        for parent in parents[node.name]:
            users.setdefault(parent, []).append(node.name)
    return {
        name: min(depth[u] for u in users[name]) - 1
        if not parents[name] and name in users
        else layer
        for name, layer in depth.items()
    }


def _parents(node: Node, program: Program) -> list[str]:
    if node.name not in program.nodes or program.nodes[node.name] is not node:
        return []
    used = {n.id for e in node.expressions() for n in names(e)} | _first(node)
    known = {*program.written, *program.inputs}
    return sorted(used & known) if node.whole is None else [node.whole]


def _first(node: Node) -> set[str]:
    """What the value before the first step of a sequence is made of."""
    return {n.id for n in names(node.initial)} if node.initial is not None else set()


def _before(node: Node, program: Program) -> list[str]:
    """The nodes whose values at the step before a node uses, itself among them."""
    used = {n.id for e in node.expressions() for n in names(e)}
    shifts = (program.nodes[name].shift for name in used if name in program.nodes)
    return sorted(shift.base for shift in shifts if shift is not None)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _dot(typed: TypedGraph, node: Node, x: float, y: float) -> Dot:
    shape = typed.types[node.id].shape if node.id in typed.types else ()
    sizes = f"[{', '.join(map(str, shape))}]" if shape else ""
    through = f"through {', '.join(step.function for step in node.through)}" if node.through else ""
    return Dot(node, node.name, sizes, through, x, y)


def _arrows(graph: Graph, program: Program) -> list[Arrow]:
    found = []
    for name in program.written:
        node = program.nodes[name]
        for parent in _parents(node, program):
            owner = program.name if parent in program.nodes else MODEL
            start = f"{owner}_{parent}" if owner == program.name else f"{MODEL}_{parent}"
            label = ", ".join(_links(graph, node, parent) or ["initial"] * (parent in _first(node)))
            found.append(Arrow(start, f"{program.name}_{name}", label, program.name != MODEL))
        for base in _before(node, program):
            owner = program.name if base in program.nodes else MODEL
            sign = "+" if program.nodes.get(base, node).reverse else "-"
            label = f"{node.scan}{sign}1"
            end = f"{program.name}_{name}"
            found.append(Arrow(f"{owner}_{base}", end, label, dashed=True))
    return found


def _links(graph: Graph, node: Node, parent: str) -> list[str]:
    return [
        call.function
        for expression in node.expressions()
        for call in calls(expression)
        if call.function in graph.links and any(n.id == parent for n in names(call))
    ]


def _plates(typed: TypedGraph, program: Program) -> list[Plate]:
    groups: dict[str, list[str]] = {}
    for name in program.written:
        node = program.nodes[name]
        for plate in typed.types[node.id].plates if node.id in typed.types else ():
            groups.setdefault(plate, []).append(f"{program.name}_{name}")
    for name in program.inputs:
        for plate in typed.type(MODEL, name).plates:
            groups.setdefault(plate, []).append(f"{MODEL}_{name}")
    return [
        Plate(
            "rows" if plate == ROWS else f"{plate}: {typed.graph.size_of(plate)}",
            program.name,
            tuple(keys),
        )
        for plate, keys in groups.items()
    ]
