"""Names taken out of a model: what is left is its structure, the same for a renamed model.

A node is known by all that it descends from and by all that uses it. Nodes that this cannot tell
apart may change places without another digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from specc.codegen.plan import Plan
from specc.graph.graph import MODEL, NodeId
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Number,
    Sequence,
)
from specc.language.expressions.walk import names


def digest(value: object) -> str:
    """SHA-256 of a value of dicts, lists, text and numbers, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class Eraser:
    """Writes expression trees as nested lists, with other names for nodes and links."""

    def __init__(self, known: Mapping[str, str], constants: Mapping[str, object]) -> None:
        self.names, self.constants = known, constants

    def tree(self, expression: Expression) -> object:
        """The operator or role first, then the operands."""
        match expression:
            case Number(value=value):
                return float(value)
            case Name(id=name):
                return self.names.get(name) or ["constant", str(self.constants.get(name))]
            case Member(program=program, name=name):
                return [program, self.names.get(name, name)]
            case Negate(operand=operand):
                return ["-", self.tree(operand)]
            case Binary(operator=operator, left=left, right=right):
                return [operator, self.tree(left), self.tree(right)]
            case Call(function=function, arguments=arguments):
                called = self.names.get(function, function)
                return [called, *(self.tree(a) for a in arguments)]
            case Index(base=base, index=index):
                return ["[]", self.tree(base), self.tree(index)]
            case Sequence(items=items):
                return ["list", *(self.tree(item) for item in items)]
        raise AssertionError(expression)


def content(plan: Plan, node_id: NodeId, eraser: Eraser) -> dict[str, object]:
    """What a node says, without its name."""
    graph = plan.graph.graph
    node, kind = graph.node(node_id), plan.graph.types[node_id]
    return {
        "role": node.role,
        "entry": node.entry.name if node.entry else None,
        "arguments": {k: eraser.tree(e) for k, e in node.arguments.items()},
        "params": eraser.tree(node.params) if node.params is not None else None,
        "value": eraser.tree(node.value) if node.value is not None else None,
        "shape": list(kind.shape),
        "plates": [graph.plates.get(p, p) for p in kind.plates],
        "support": repr(kind.support),
    }


def link_content(plan: Plan, name: str) -> dict[str, object]:
    """What a link says, without its name."""
    link = plan.graph.graph.links[name]
    return {"kind": link.entry.name, "options": link.options.model_dump(mode="json")}


def erased_names(plan: Plan) -> dict[str, str]:
    """A number for every name of a node or link, which the order in the file does not change."""
    links = {name: digest(link_content(plan, name)) for name in plan.graph.sized}
    above = _above(plan, links)
    below = _below(plan, above)
    colours: dict[str, list[str]] = {}
    for node_id, colour in above.items():
        colours.setdefault(node_id[1], []).append(colour + below[node_id])
    uses: dict[str, list[str]] = {name: [] for name in links}
    for use in plan.graph.uses:
        uses[use.link].append(above[use.node] + below[use.node] + use.argument)
    nodes = sorted(colours, key=lambda name: sorted(colours[name]))
    linked = sorted(links, key=lambda name: (links[name], sorted(uses[name])))
    return {name: f"n{i:05d}" for i, name in enumerate(nodes)} | {
        name: f"l{i:05d}" for i, name in enumerate(linked)
    }


def _above(plan: Plan, links: Mapping[str, str]) -> dict[NodeId, str]:
    """A digest of each node with all that it descends from."""
    graph = plan.graph.graph
    found: dict[NodeId, str] = {}
    model: dict[str, str] = {}
    for program in graph.programs.values():
        known = {**links, **model}
        for name in program.order:
            eraser = Eraser(known, graph.constants)
            told = [program.name, model.get(name, ""), content(plan, (program.name, name), eraser)]
            known[name] = found[program.name, name] = digest(told)
        if program.name == MODEL:
            model = {name: known[name] for name in program.order}
    return found


def _below(plan: Plan, above: Mapping[NodeId, str]) -> dict[NodeId, str]:
    """A digest of all that uses each node, at any distance."""
    graph = plan.graph.graph
    found: dict[NodeId, str] = {}
    users: dict[NodeId, list[str]] = {}
    for program in reversed(list(graph.programs.values())):
        for name in reversed(program.order):
            own = (program.name, name)
            found[own] = digest(sorted(users.get(own, ())))
            for used in _used(plan, own):
                users.setdefault(used, []).append(above[own] + found[own])
    return found


def _used(plan: Plan, node_id: NodeId) -> list[NodeId]:
    """The nodes that a node mentions, as often as it does."""
    graph = plan.graph.graph
    mentioned = [n.id for e in graph.node(node_id).expressions() for n in names(e)]
    meant = [graph.lookup(node_id[0], name) for name in mentioned]
    return [node.id for node in meant if node is not None]
