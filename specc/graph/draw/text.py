"""Graphs as lines of text: each node with its parents."""

from __future__ import annotations

from specc.graph.graph import TypedGraph
from specc.language.expressions.walk import names

MARKS = {
    "latent": "( )",
    "observed": "(#)",
    "given": "[#]",
    "let": "[ ]",
    "parameter": " * ",
    "joint": "(=)",
}


def draw(typed: TypedGraph) -> str:
    """`( ) z` for a latent, `(#) x <- z` for an observed node; `*` is learned, `[ ]` computed.

    `(=)` is a joint draw, and its parts are its children.
    """
    lines = []
    for program in typed.graph.declared.values():
        lines.append(program.name)
        for name in program.declared:
            node = program.nodes[name]
            before = {*program.digraph.predecessors(name)}
            used = sorted(before | _data(typed, program.name, name))
            plates = [p for p in typed.types[node.id].plates if p != "rows"]
            where = f"  for each of {plates[0]}" if plates else ""
            uses = f" <- {', '.join(used)}" if used else ""
            lines.append(f"  {MARKS[node.role]} {name}{uses}{where}")
    return "\n".join(lines) + "\n"


def _data(typed: TypedGraph, program: str, name: str) -> set[str]:
    found = typed.graph.programs[program]
    mentioned = {n.id for e in found.nodes[name].expressions() for n in names(e)}
    return {n for n in mentioned if n in found.inputs or "." in n}
