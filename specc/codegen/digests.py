"""Digests of a spec, which show what differs between two specs.

`source` is the digest of the text, `math` that of the programs and the objective with canonical
names of nodes and links, `parameters` that of the names and shapes of the learnable tensors, and
`training` that of the initialization and of the keys that the schema marks as training.
`specc.verdict` decides from them whether a run can be resumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from specc.catalog.entry import Shape
from specc.codegen.alpha_renaming import (
    Key,
    Rename,
    canonical_names,
    content,
    digest,
    link_content,
    own_name,
    starting_options,
    term_content,
)
from specc.codegen.plan import Plan
from specc.graph.graph import Graph
from specc.graph.nodes import Node
from specc.objective.objective import Draw, Player


def digests(
    plan: Plan, parameters: Sequence[tuple[str, Shape]], names: Mapping[Key, str] | None = None
) -> dict[str, str]:
    """Return all digests of a compiled spec; the order of `parameters` does not matter."""
    experiment, names = plan.experiment, names or canonical_names(plan)
    shared, *players = experiment.training.digested
    return {
        "source": hashlib.sha256(experiment.source.text.encode()).hexdigest(),
        "math": digest(mathematics(plan, names)),
        "training": digest([shared, starts(plan, names), *players]),
        "parameters": digest(sorted((name, list(shape)) for name, shape in parameters)),
    }


def mathematics(plan: Plan, names: Mapping[Key, str]) -> object:
    """Return the programs, links and objective with canonical names, as a JSON value.

    Constants are replaced by their values, and a named objective by its terms.
    """
    rename = names.__getitem__
    graph = plan.graph.graph
    links, draws = plan.graph.sized, plan.objective.draws.values()
    return {
        "nodes": sorted(
            [rename(("node", n.name)), n.program, content(plan, n.id, rename)] for n in _nodes(plan)
        ),
        "links": sorted([rename(("link", name)), link_content(plan, name)] for name in links),
        "plates": sorted([rename(("plate", name)), size] for name, size in graph.plates.items()),
        **_averages(plan, rename),
        **({"scans": _scans(graph, rename)} if graph.scans else {}),
        "players": [_player(plan, player, rename) for player in plan.objective.players],
        **_order(plan, rename),
        "draws": sorted(
            [rename(("node", own_name(d.node))), d.program, d.kind, d.option, *_value(d, rename)]
            for d in draws
        ),
        "data": _data(plan, rename),
    }


def _value(draw: Draw, rename: Rename) -> list[str]:
    """The node of a learnt baseline, if there is one."""
    return [rename(("node", draw.baseline))] if draw.baseline else []


def _data(plan: Plan, rename: Rename) -> object:
    """The kind of the source; of several sources the kinds, each with the nodes of its rows."""
    sources = plan.experiment.data
    if len(sources) < 2:
        return sources[0].source if sources else None
    local = (n for n in _nodes(plan) if plan.graph.types[n.id].is_local)
    rows = [(plan.graph.types[n.id].source, n.program, rename(("node", n.name))) for n in local]
    return sorted(
        [own.source, sorted([program, name] for of, program, name in rows if of == own.name)]
        for own in sources
    )


def _averages(plan: Plan, rename: Rename) -> dict[str, object]:
    """Return the links in use that are moving averages of other links, as pairs."""
    links = {name: plan.graph.graph.links[name] for name in plan.graph.sized}
    found = [
        [rename(("link", name)), rename(("link", link.average.of))]
        for name, link in links.items()
        if link.average is not None
    ]
    return {"averages": sorted(found)} if found else {}


def _order(plan: Plan, rename: Rename) -> dict[str, object]:
    """Return the order of several players, or the stages with their players and copies."""
    objective = plan.objective
    if not objective.stages:
        return {"order": objective.order} if len(objective.players) > 1 else {}
    found = []
    for stage in objective.stages:
        named = [
            (rename(_trained(plan, c.target)), rename(_trained(plan, c.source)), c.transposed)
            for c in stage.copies
        ]
        order = stage.order if len(stage.players) > 1 else ""
        found.append([stage.name, list(stage.players), order, sorted(named)])
    return {"stages": found}


def _player(plan: Plan, player: Player, rename: Rename) -> dict[str, object]:
    """Return the loss of a player and what it trains.

    Among several players each also has its name, because a checkpoint has the state of each player
    by name.
    """
    found: dict[str, object] = {"minimize": term_content(plan, player.minimize, rename)}
    if len(plan.objective.players) > 1 or plan.objective.stages:
        found["name"] = player.name
    if player.links is not None:
        found["links"] = sorted(rename(_trained(plan, name)) for name in player.links)
    if player.warm_up:
        found["warm_up"] = player.warm_up
    if player.chain is not None:
        chain = player.chain
        found["chain"] = [
            chain.program,
            chain.steps,
            chain.persistent,
            chain.count,
            chain.tolerance,
        ]
    return found | {"particles": player.particles}


def _trained(plan: Plan, name: str) -> Key:
    return ("link" if name in plan.graph.sized else "node", name)


def starts(plan: Plan, names: Mapping[Key, str]) -> Mapping[str, object]:
    """Return the stated initial values of learnable tensors by canonical name."""
    nodes: dict[str, object] = {
        f"{n.program} {names['node', n.name]}": n.init for n in _nodes(plan) if n.init is not None
    }
    links = {names["link", name]: starting_options(plan, name) for name in plan.graph.sized}
    return nodes | {name: options for name, options in links.items() if options}


def fixed(plan: Plan, names: Mapping[Key, str]) -> dict[str, object]:
    """Return the settings that must not change during a run, by their path in the spec."""
    return {**plan.experiment.training.fixed, "init": dict(starts(plan, names))}


def _scans(graph: Graph, rename: Rename) -> list[list[object]]:
    """Return each sequence with its number of steps, and the node with the lengths of rows."""
    return sorted(
        [
            *(rename(("plate", name)), scan.steps),
            scan.lengths and rename(("node", scan.lengths)),
            *([] if scan.is_ordered else ["unordered"]),
        ]
        for name, scan in graph.scans.items()
    )


def _nodes(plan: Plan) -> list[Node]:
    programs = plan.graph.graph.declared.values()
    return [node for program in programs for node in program.nodes.values()]
