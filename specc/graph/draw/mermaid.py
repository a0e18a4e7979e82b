"""Graphs as Mermaid flowcharts, which Markdown viewers draw."""

from __future__ import annotations

from specc.graph.draw.picture import Dot, picture
from specc.graph.graph import TypedGraph

SHAPES = {
    "latent": "(({}))",
    "observed": "(({})):::observed",
    "given": "[{}]:::observed",
    "let": "{{{{{}}}}}",
    "parameter": "[{}]",
    "joint": "((({})))",
}


def draw(typed: TypedGraph) -> str:
    """A `flowchart TD` with a subgraph for each program."""
    shown = picture(typed)
    lines = ["flowchart TD"]
    for program in typed.graph.declared.values():
        lines.append(f"  subgraph {program.name}")
        own = [dot for dot in shown.dots if dot.node.program == program.name]
        lines += [f"    {dot.key}{_shape(dot)}" for dot in {d.key: d for d in own}.values()]
        lines.append("  end")
    for arrow in shown.arrows:
        body, end = "-.-" if arrow.dashed else "--", ">" if arrow.directed else ""
        line = f"{body}{end}" if arrow.directed or arrow.dashed else "---"
        label = f"|{arrow.label}|" if arrow.label else ""
        lines.append(f"  {arrow.start} {line}{label} {arrow.end}")
    lines.append("  classDef observed fill:#d8dee9,stroke:#4c566a")
    return "\n".join(lines) + "\n"


def _shape(dot: Dot) -> str:
    return SHAPES[dot.node.role].format(f'"{dot.label}"')
