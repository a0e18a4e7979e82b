"""The Python names of the values of a spec."""

from __future__ import annotations

import networkx as nx

from specc.codegen.names import Names, python_name
from specc.codegen.plan import Missing
from specc.graph.graph import DATA, GUIDE, MODEL, NETWORKS, Graph
from specc.graph.queries import name_in_model
from specc.language.expressions.walk import names
from specc.objective.objective import Objective
from specc.objective.passes.missing import mask_rank


def variables(objective: Objective) -> Names:
    """Return the Python name of every value.

    Nodes of the same name in model and guide share their name, because they are the same variable.
    A value of the model that the guide computes is named as in the model.
    """
    graph = objective.graph.graph
    every = [node for program in graph.programs.values() for node in program.nodes.values()]
    further = ["state"] if any(player.state for player in objective.players) else []
    further += [name for name in graph.declared if name not in (MODEL, GUIDE)]
    if graph.model.energy is not None:
        further.append("steps")  # the argument of `gibbs`
    fields = [n for n in graph.model.nodes if n.startswith(f"{DATA}.")]
    copies = _copies(graph)
    shared = [n for n in every if n.name in fields or n.name.startswith("(") or n.name in copies]
    python = Names({n.name for n in every if n.shift is None and n not in shared}, further)
    for name in fields:
        _call_data(objective, python, name)
    for node in (node for node in shared if node.program == NETWORKS):
        (used,) = names(node.expressions()[0])
        value = graph.lookup(NETWORKS, used.id)
        assert value is not None
        python.share(node.name, value.name)
    for node in every:
        if node.shift is not None and copies.get(node.name) not in graph.model.nodes:
            way, far = "prev" if node.shift.offset < 0 else "next", abs(node.shift.offset)
            way = way if far == 1 else f"{way}_{far}"
            base = copies.get(node.shift.base, node.shift.base)
            python.call(node.name, f"{python_name(base)}_{way}")
    for name, original in copies.items():
        if original in graph.model.nodes:
            python.share(name, original)
    return python


def _copies(graph: Graph) -> dict[str, str]:
    """Return the nodes of the model that the guide computes, with their names in the model."""
    nodes = graph.guide.nodes if graph.guide is not None else {}
    found = {name: name_in_model(node) for name, node in nodes.items()}
    return {name: original for name, original in found.items() if original}


def _call_data(objective: Objective, python: Names, name: str) -> None:
    """Name data that no node of the model observes after its field.

    A deterministic node of the same name shares the name if no function needs both: without
    random nodes that depend on it, the losses have that node only in a draw of the model.
    """
    wanted, graph = name.removeprefix(f"{DATA}."), objective.graph.graph
    twin = graph.model.nodes.get(wanted)
    if twin is not None and twin.role == "let" and not _is_computed(graph, wanted):
        python.share(name, wanted)
    else:
        python.call(name, wanted if twin is None else f"{wanted}_data")


def _is_computed(graph: Graph, name: str) -> bool:
    """Whether a density of the model needs the deterministic node, or the guide computes it."""
    below = nx.descendants(graph.model.digraph, name)
    is_needed = any(graph.model.nodes[each].is_random for each in below)
    return is_needed or name in _copies(graph).values()


def counts_of_rows(sources: tuple[str, ...], python: Names) -> dict[str, str]:
    """Return the variables with the number of rows of each source: `rows`, `paintings_rows`."""
    first, *others = sources
    return {first: "rows", **{source: python.fresh(f"{source}_rows") for source in others}}


def missing_values(objective: Objective, python: Names) -> dict[str, Missing]:
    """Return the variables for each observed node whose values may be missing."""
    words = ("known", "sampled", "imputed", "values", "allowed")
    return {
        name: Missing(
            node=name,
            rank=mask_rank(objective.graph, node),
            fills=node.is_drawn,
            fraction=python.fresh(f"{python[name]}_known_fraction"),
            **{word: python.fresh(f"{python[name]}_{word}") for word in words},
        )
        for name, node in objective.graph.graph.model.nodes.items()
        if node.missing is not None
    }
