"""Graphs as lines of text: each node with its parents."""

from __future__ import annotations

from specc.graph.blocks import interactions
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

    `(=)` is a joint draw, and its parts are its children. `( ) h -- v` are nodes of an energy that
    interact.
    """
    lines = []
    for program in typed.graph.declared.values():
        lines.append(program.name)
        linked = interactions(program)
        for name in program.declared:
            node = program.nodes[name]
            before = {*program.digraph.predecessors(name)}
            used = sorted(before | _data(typed, program.name, name))
            plates = [p for p in typed.types[node.id].plates if p != "rows"]
            where = f"  for each of {plates[0]}" if plates else ""
            uses = f" <- {', '.join(used)}" if used else ""
            if name in program.units:
                others = sorted({each for pair in linked if name in pair for each in pair} - {name})
                uses = f" -- {', '.join(others)}" if others else ""
            lines.append(f"  {MARKS[node.role]} {name}{uses}{where}")
    return "\n".join(lines) + "\n"


def _data(typed: TypedGraph, program: str, name: str) -> set[str]:
    found = typed.graph.programs[program]
    mentioned = {n.id for e in found.nodes[name].expressions() for n in names(e)}
    return {n for n in mentioned if n in found.inputs or "." in n}
