"""The blocks of units of an energy that are independent of each other given all others.

Two units interact if the conditional distribution of one depends on the other. A colouring of the
graph of interactions gives the blocks: units of one colour do not interact, so that one step of
block Gibbs sampling draws them together. Hidden units that do not interact with each other are the
first block, so that a chain can start from the data. DSATUR (Brelaz 1979, New methods to color the
vertices of a graph) finds two colours wherever two suffice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

import networkx as nx

from specc.graph.graph import Program, TypedGraph
from specc.language.expressions.tree import Binary, Call, Expression, Name, Negate
from specc.language.expressions.walk import children, names, walk

Blocks = tuple[tuple[str, ...], ...]


def conditions(program: Program, unit: str) -> tuple[str, ...]:
    """The units that the conditional distribution of a unit depends on.

    One that a chain moves has no such distribution in closed form, and depends on all others.
    """
    if program.nodes[unit].is_moved:
        return tuple(name for name in program.units if name != unit)
    used = {name.id for e in program.nodes[unit].expressions() for name in names(e)}
    return tuple(name for name in program.units if name in used)


def depends_on_units(program: Program, name: str) -> bool:
    """Whether a node of a program, or of a draw of it, is a unit or computed from units."""
    ancestors = nx.ancestors(program.digraph, name)
    return any(program.nodes[n].is_random for n in (name, *ancestors) if n in program.nodes)


def of_units(program: Program, wanted: Collection[object]) -> list[str]:
    """The nodes among those `wanted` that depend on the units of an energy, in order."""
    if program.energy is None:
        return []
    return [n for n in program.order if n in wanted and depends_on_units(program, n)]


def interactions(program: Program) -> list[tuple[str, str]]:
    """The pairs of units that interact, each once, in the order of the blocks."""
    order = [name for block in blocks(program) for name in block]
    return [
        (first, second)
        for place, first in enumerate(order)
        for second in order[place + 1 :]
        if second in conditions(program, first) or first in conditions(program, second)
    ]


def layers(program: Program) -> Blocks:
    """The units by their distance from the visible ones, the farthest first."""
    graph: nx.Graph[str] = nx.Graph(interactions(program))
    graph.add_nodes_from(program.units)
    far: dict[str, float] = {}
    if seen := visible(program):
        far = nx.multi_source_dijkstra_path_length(graph, set(seen))
    most = int(max(far.values(), default=0)) + 1  # the distance of units that no path leads to
    found = {most: [name for name in program.units if name not in far]}
    for distance in range(most - 1, -1, -1):
        found[distance] = [name for name in program.units if far.get(name) == distance]
    return tuple(tuple(units) for units in found.values() if units)


def blocks(program: Program) -> Blocks:
    """The blocks in the order in which they are drawn: those with hidden units alone first."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(program.units)
    for unit in program.units:
        others = (other for other in conditions(program, unit) if other != unit)
        graph.add_edges_from((unit, other) for other in others)
    inner = hidden(program)
    if inner and not graph.subgraph(inner).edges:
        graph.remove_nodes_from(inner)
        return (inner, *_colored(program, graph))
    return _colored(program, graph)


def _colored(program: Program, graph: nx.Graph[str]) -> Blocks:
    order = [name for name in program.units if name in graph]
    colors = nx.greedy_color(graph, strategy="DSATUR")
    found = {
        color: tuple(name for name in order if colors[name] == color)
        for color in dict.fromkeys(colors[name] for name in order)
    }
    return tuple(sorted(found.values(), key=lambda block: _observed(program, block)))


def _observed(program: Program, block: tuple[str, ...]) -> bool:
    return any(name in visible(program) for name in block)


def couples_itself(program: Program, unit: str) -> bool:
    """Whether the distribution of an entry of a unit depends on other entries of it."""
    return unit in conditions(program, unit)


def entry_colors(typed: TypedGraph, program: Program, unit: str) -> tuple[int, ...]:
    """A color for each entry of a unit that couples itself; entries of one color do not interact.

    The entries are counted with the last axis running fastest. All entries of a vector that the
    distribution is over, such as a one-hot vector, have one color. A function of the catalog may
    say which entries it couples; links, matrix products and other functions couple all.
    """
    node, shape = program.nodes[unit], typed.types[program.name, unit].shape
    inner = math.prod(shape[len(shape) - len(node.entry.result_dims) :]) if node.entry else 1
    sites = math.prod(shape) // inner
    pairs: set[tuple[int, int]] = set()
    for part in (p for e in node.expressions() for p in walk(e)):
        if not any(name.id == unit for name in names(part)):
            continue
        entry = typed.graph.functions.get(part.function) if isinstance(part, Call) else None
        if entry is not None and entry.couples is not None:
            pairs |= {(i // inner, j // inner) for i, j in entry.couples(shape)}
        elif _is_mixing(part) and not (entry is not None and entry.elementwise):
            return tuple(site for site in range(sites) for _ in range(inner))
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(sites))
    graph.add_edges_from((i, j) for i, j in pairs if i != j)
    colors = nx.greedy_color(graph, strategy="DSATUR")
    return tuple(colors[site] for site in range(sites) for _ in range(inner))


def _is_mixing(part: Expression) -> bool:
    """Whether an entry of the result of an operation may depend on every entry of its operands."""
    return isinstance(part, Call) or (isinstance(part, Binary) and part.operator == "@")


def moved(program: Program) -> tuple[str, ...]:
    """The units that a chain moves along the gradient of the energy, in order."""
    return tuple(name for name in program.units if program.nodes[name].is_moved)


def hidden(program: Program) -> tuple[str, ...]:
    """The units that the energy alone depends on, in order; they can be summed out."""
    return tuple(name for name in program.units if name not in visible(program))


def visible(program: Program) -> tuple[str, ...]:
    """The units that are observed, or that nodes below the energy depend on, in order."""
    if program.energy is None:
        return ()
    return tuple(name for name in program.units if name in program.energy.visible)


def below(program: Program) -> tuple[str, ...]:
    """The random nodes beside an energy, which are drawn given their parents, in order."""
    if program.energy is None:
        return ()
    own = (name for name in program.order or program.nodes if program.nodes[name].is_random)
    return tuple(name for name in own if name not in program.units)


def reads_own_entry(typed: TypedGraph, program: Program, unit: str) -> bool:
    """Whether the parameters of an entry of a unit depend on the value of that entry itself.

    They do not if the unit is only inside a function that couples each entry to others alone.
    """
    node, shape = program.nodes[unit], typed.types[program.name, unit].shape
    inner = math.prod(shape[len(shape) - len(node.entry.result_dims) :]) if node.entry else 1

    def reads(e: Expression, *, is_coupled: bool) -> bool:
        if not any(name.id == unit for name in names(e)):
            return False
        entry = typed.graph.functions.get(e.function) if isinstance(e, Call) else None
        if entry is not None and entry.couples:
            own = any(i // inner == j // inner for i, j in entry.couples(shape))
            return is_coupled or own or any(reads(c, is_coupled=True) for c in children(e))
        if isinstance(e, Name):
            return not is_coupled
        if not isinstance(e, (Binary, Negate)) and not (entry is not None and entry.elementwise):
            return True
        if isinstance(e, Binary) and e.operator == "@":
            return True
        return any(reads(child, is_coupled=is_coupled) for child in children(e))

    return any(reads(e, is_coupled=False) for e in node.expressions())


def conditions_of_hidden(program: Program, given: Iterable[str]) -> tuple[str, ...]:
    """The visible units, and those of the given nodes, that hidden units depend on.

    If there is none, the first visible unit has the number of rows.
    """
    found = {
        n.id for u in hidden(program) for e in program.nodes[u].expressions() for n in names(e)
    }
    seen = visible(program)
    return tuple(name for name in (*seen, *given) if name in found) or seen[:1]


def chain_state(program: Program) -> tuple[str, ...]:
    """The units whose values one step of block Gibbs sampling reads before it draws them.

    If there is none, as the units are independent, the first one has the number of rows.
    """
    drawn: set[str] = set()
    read: dict[str, None] = {}
    for block in blocks(program):
        for unit in block:
            own = (unit,) if program.nodes[unit].is_moved else ()
            read |= dict.fromkeys(n for n in (*own, *conditions(program, unit)) if n not in drawn)
        drawn.update(block)
    return tuple(name for name in program.units if name in read) or program.units[:1]
