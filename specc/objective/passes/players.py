"""Checks the links and parameters that each player trains against what its loss depends on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, ROWS, Graph, TypedGraph
from specc.graph.nodes import Lagged, Node, NodeId
from specc.graph.passes.references import is_held
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call, Expression, Name, Number
from specc.language.expressions.walk import children, names
from specc.language.schema.objective import Players, Stages
from specc.language.schema.spec import Path
from specc.objective.objective import Draw
from specc.objective.passes.bounds import Expansion
from specc.objective.passes.stochastic_graph import StochasticGraph
from specc.objective.passes.trainable import known_names, report_unknown
from specc.objective.terms import Energy, Leaf, LogProb, Value, trained, value_node, walk


def check_links(graph: Graph, findings: Findings) -> None:
    """Report unknown names under `links:`, and links trained by no player or by several."""
    written = graph.spec.document.objective
    if isinstance(written, Players):
        _check_players(graph, written, ("objective",), findings)
    for number, stage in enumerate(written.stages if isinstance(written, Stages) else ()):
        if isinstance(stage.objective, Players):
            path = ("objective", "stages", number)
            _check_players(graph, stage.objective, path, findings, is_stage=True)


def _check_players(
    graph: Graph, written: Players, path: Path, findings: Findings, *, is_stage: bool = False
) -> None:
    """Report the links of players; what no player of a stage trains, another stage may train."""
    if all(p.links is None for p in written.players.values()):
        return
    known, unknown = known_names(graph), False
    first: dict[str, tuple[str, Span]] = {}
    for player, name, place in _named(written, path):
        span = graph.spec.spans.value(place)
        if name not in known:
            unknown = report_unknown(graph, name, place, findings)
        elif name in first and first[name][0] != player:
            other, label = first[name]
            labels = (Label(label, f"`{other}` trains it"),)
            findings.add(
                diagnose("W0445", span, labels=labels, name=name, player=player, other=other)
            )
        first.setdefault(name, (player, span))
    for name, span in known.items():
        if name not in first and not unknown and not is_stage:
            findings.add(diagnose("W0444", span, name=name))


def _named(written: Players, path: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield each player with each name under its `links:`, and the path of the name."""
    for player, spec in written.players.items():
        for number, name in enumerate(spec.links or ()):
            yield player, name, (*path, "players", player, "links", number)


def check_trained(
    graph: Graph,
    expansion: Expansion,
    links: tuple[str, ...],
    stochastic: StochasticGraph,
    findings: Findings,
) -> None:
    """Report links of a player that its loss does not depend on."""
    reached = trainables(graph, _gradient_nodes(expansion, stochastic))
    idle = [name for name in links if name not in reached]
    if len(idle) == len(links):
        findings.add(diagnose("E0443", expansion.span, player=expansion.player))
        return
    for name in idle:
        span = graph.spec.spans.value((*expansion.path, "links", links.index(name)))
        findings.add(diagnose("W0446", span, name=name, player=expansion.player))


def left_to_train(
    graph: Graph,
    expansion: Expansion,
    draws: dict[str, Draw],
    stochastic: StochasticGraph,
    findings: Findings,
) -> tuple[str, ...]:
    """Return what a loss depends on, but for what its stage freezes.

    Reports a stage that freezes all of it (E0472).
    """
    reached = trainables(graph, _gradient_nodes(expansion, stochastic))
    reached |= {name for name, draw in draws.items() if draw.is_point}
    left = tuple(name for name in expansion.links or () if name in reached)
    if not left:
        frozen = " or ".join(f"`{name}`" for name in expansion.frozen)
        words = {"name": expansion.player, "frozen": frozen}
        findings.add(diagnose("E0472", expansion.span, labels=(), **words))
    return left


def _gradient_nodes(expansion: Expansion, stochastic: StochasticGraph) -> Iterator[NodeId]:
    """Yield the nodes through which the gradient of a loss flows."""
    leaves = list(trained(expansion.inner))
    drawn = [(stochastic.drawn_in[name], name) for name in _draws_behind(leaves, stochastic)]
    yield from drawn
    draws = ((program, stochastic.graph.node((program, name)).draw) for program, name in drawn)
    yield from ((own, draw.baseline) for own, draw in draws if draw is not None and draw.baseline)
    for leaf in leaves:
        match leaf:
            case LogProb(program=program, node=node):
                yield program, node
            case Value(expression=expression) if not isinstance(expression, Number):
                yield value_node(expression)
            case Energy(program=program, node=node):
                yield program, node


def trainables(graph: Graph, wanted: Iterable[NodeId]) -> frozenset[str]:
    """Return the links and learnable parameters that nodes depend on, directly or not."""
    stack, seen = list(wanted), set[NodeId]()
    while stack:
        node_id = stack.pop()
        if node_id not in seen:
            seen.add(node_id)
            stack += () if is_held(graph.node(node_id)) else _used_by(graph, node_id)
    above = [graph.node(node_id) for node_id in seen]
    parts = (part for node in above for part in _moving(graph, node))
    called = {part.function for part in parts if isinstance(part, Call)}
    return frozenset(
        [node.name for node in above if node.role == "parameter"]
        + [link for link in called if graph.is_link(link) and not graph.is_average(link)]
    )


def trained_links(graph: Graph, node: NodeId, links: tuple[str, ...] | None) -> frozenset[str]:
    """Return the links and parameters that a node depends on and that are in `links`, if given."""
    found = trainables(graph, [node])
    return found if links is None else found & frozenset(links)


def _used_by(graph: Graph, node_id: NodeId) -> Iterator[NodeId]:
    """Yield the nodes that a node uses, in its program or by reference in others.

    A previous value is a value of its node, which may be drawn later.
    """
    program, name = node_id
    node = graph.node(node_id)
    current = graph.lookup(program, node.shift.base) if isinstance(node, Lagged) else None
    if current is not None:
        yield current.id
    moving = {part.id for part in _moving(graph, node) if isinstance(part, Name)}
    held = {each.id for e in node.expressions() for each in names(e)} - moving
    before = graph.programs[program].digraph.predecessors(name)
    yield from ((program, each) for each in before if each not in held)
    for used in (each for each in moving if "." in each):
        found = graph.lookup(program, used)
        if found is not None:
            yield found.id


def _moving(graph: Graph, node: Node) -> Iterator[Expression]:
    """Yield the parts of the expressions of a node through which a gradient passes."""
    stack = list(node.expressions())
    while stack:
        part = stack.pop()
        entry = graph.functions.get(part.function) if isinstance(part, Call) else None
        if entry is None or not entry.detaches:
            yield part
            stack += children(part)


def needed(expansion: Expansion, stochastic: StochasticGraph) -> frozenset[str]:
    """Return the drawn values that the terms of a loss depend on, directly or not."""
    return _draws_behind((t for t in walk(expansion.inner) if isinstance(t, Leaf)), stochastic)


def _draws_behind(leaves: Iterable[Leaf], stochastic: StochasticGraph) -> frozenset[str]:
    """Return the drawn values that terms depend on, directly or not."""
    direct = frozenset[str]().union(*(stochastic.of_leaf(leaf) for leaf in leaves))
    return direct | stochastic.ancestors(direct)


def check_values(typed: TypedGraph, expansion: Expansion, findings: Findings) -> None:
    """Report values in a loss that are not scalars for each row."""
    values = [term.expression for term in walk(expansion.inner) if isinstance(term, Value)]
    for expression in (value for value in values if not isinstance(value, Number)):
        kind = typed.types.get(value_node(expression))
        if kind is None:
            continue
        found = f"the shape [{', '.join(map(str, kind.shape))}]" if kind.shape else ""
        name = print_expression(expression)
        hint = f"reduce it, as in `sum({name})`"
        repeated = [plate for plate in kind.plates if plate != ROWS]
        if repeated:
            found = f"a value for each of `{repeated[0]}`"
            hint = f"reduce it, as in `sum({name}, {repeated[0]})`"
        if found:
            findings.add(diagnose("E0447", expression.span, name=name, found=found, hint=hint))


def check_samples(
    typed: TypedGraph, expansion: Expansion, draws: dict[str, Draw], findings: Findings
) -> None:
    """Report draws without a gradient whose distribution a player trains."""
    reweighs = expansion.reweighs
    for name, draw in draws.items():
        if not draw.entry.stops_gradient or (reweighs and draw.program == GUIDE):
            continue
        node = typed.graph.node((draw.program, name))
        moved = trained_links(typed.graph, node.id, expansion.links)
        if moved:
            shown = " and ".join(f"`{each}`" for each in sorted(moved))
            words = {"name": name, "moved": shown}
            findings.add(diagnose("E0453", node.span, labels=(), **words), node.id)
