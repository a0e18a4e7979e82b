"""Checks that the ends of the support of a point are not those of a draw.

A point is one number. If its support is `high: 1 - a` and a guide draws `a`, there are draws for
which the point is outside of the support, and its density is 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.ends import moving_ends, parents_of
from specc.graph.findings import Findings
from specc.graph.graph import TypedGraph
from specc.objective.objective import Draw


def check_points(typed: TypedGraph, draws: Mapping[str, Draw], findings: Findings) -> None:
    """Report points between ends that a drawn latent determines (E0264)."""
    points = {name: draw for name, draw in draws.items() if draw.is_point}
    for name, draw in points.items():
        node = typed.graph.node((draw.program, name))
        if node.id in findings.broken or moving_ends(typed, node) is None:
            continue
        behind = (each for each in parents_of(typed.graph, node) if each.is_drawn)
        other = next(
            (n for n in behind if n.name not in points and _is_sampled(draws, n.name)), None
        )
        if other is not None:
            label = (Label(other.span, f"`{other.name}` is drawn"),)
            words = {"name": name, "other": other.name}
            findings.add(diagnose("E0264", node.span, labels=label, **words), node.id)


def _is_sampled(draws: Mapping[str, Draw], name: str) -> bool:
    """Whether a latent has random values: not a point, and not summed over."""
    return name not in draws or not draws[name].is_enumerated
