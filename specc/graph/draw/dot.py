"""Graphs in the DOT language of Graphviz."""

from __future__ import annotations

from specc.graph.draw.picture import Dot, picture
from specc.graph.graph import TypedGraph

STYLES = {
    "latent": "shape=circle",
    "observed": "shape=circle, style=filled, fillcolor=gray85",
    "given": "shape=box, style=filled, fillcolor=gray85",
    "let": "shape=diamond",
    "parameter": "shape=plaintext",
    "joint": "shape=doublecircle",
}


def draw(typed: TypedGraph) -> str:
    """A `digraph` with a cluster for each program; `dot -Tsvg` draws it."""
    shown = picture(typed)
    lines = [f'digraph "{shown.title}" {{']
    for program in typed.graph.declared.values():
        lines.append(f'  subgraph "cluster_{program.name}" {{ label="{program.name}";')
        own = {d.key: d for d in shown.dots if d.node.program == program.name}
        lines += [f"    {_line(dot)}" for dot in own.values()]
        lines.append("  }")
    for arrow in shown.arrows:
        style = ", style=dashed" if arrow.dashed else ""
        style += "" if arrow.directed else ", dir=none"
        lines.append(f'  "{arrow.start}" -> "{arrow.end}" [label="{arrow.label}"{style}];')
    return "\n".join([*lines, "}"]) + "\n"


def _line(dot: Dot) -> str:
    return f'"{dot.key}" [label="{dot.label}", {STYLES[dot.node.role]}];'
