"""The entries of the manifest about sequences: the steps of rows, and loops over them."""

from __future__ import annotations

from typing import Any

from specc.codegen.plan import Plan
from specc.graph.graph import GUIDE
from specc.objective.terms import in_steps


def sequence(plan: Plan) -> dict[str, Any]:
    """Return the number of steps of the data, and the field with the number of steps of each row.

    If the observed nodes are on several sequences, or on none of those of the model, there is no
    such number, and the entry states that there are sequences.
    """
    graph = plan.graph.graph
    scans = {n.scan for n in graph.model.nodes.values() if n.role == "observed"}
    (scan,) = scans if len(scans) == 1 else (None,)
    if scan is None:
        return {"has_sequences": True} if graph.scans else {}
    lengths = graph.scans[scan].lengths
    found = {"count": graph.size_of(scan), "lengths": lengths and plan.python[lengths]}
    return {"steps": found}


def loop(plan: Plan) -> dict[str, int]:
    """Return the number of steps of the loss's loop, empty if it has none."""
    graph = plan.graph.graph
    guide = plan.programs.get(GUIDE)
    looped = {name for program in plan.programs.values() for x in program.let_loops for name in x}
    looped |= {name for x in (guide.loops if guide else ()) for name in x}
    for player in plan.objective.players:
        looped |= {name for reduced in in_steps(player.minimize) for name in reduced.axes}
    nodes = [graph.lookup(program, name) for name in looped for program in plan.programs]
    sizes = [graph.size_of(node.scan) for node in nodes if node is not None and node.scan]
    return {"loop": max(sizes)} if sizes else {}
