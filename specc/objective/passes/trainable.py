"""The names that `links:` may list: links in use, and learnable parameters."""

from __future__ import annotations

from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.language.expressions.walk import calls
from specc.language.schema.spec import Path


def known_names(graph: Graph) -> dict[str, Span]:
    """Return the used links and the learnable parameters, with their positions."""
    nodes = [n for program in graph.programs.values() for n in program.nodes.values()]
    used = {c.function for node in nodes for e in node.expressions() for c in calls(e)}
    links = graph.links.items()
    found = {n: link.span for n, link in links if n in used and link.average is None}
    return found | {node.name: node.span for node in nodes if node.role == "parameter"}


def report_unknown(
    graph: Graph, name: str, path: Path, findings: Findings, *, is_key: bool = False
) -> bool:
    """Report a name that is neither (E0442, E0633); return whether it is unknown."""
    known = known_names(graph)
    if name in known:
        return False
    if graph.spec.unread.holds("links", name):
        return True
    span = graph.spec.spans.key(path) if is_key else graph.spec.spans.value(path)
    average = graph.links[name].average if name in graph.links else None
    if average is not None:
        findings.add(diagnose("E0633", span, link=name, of=average.of))
        return True
    guess = nearest(name, known)
    listed = ", ".join(f"`{each}`" for each in known)
    hint = "" if guess else f"there are {listed}" if known else "declare it under `links:`"
    findings.add(diagnose("E0442", span, suggestion=guess, name=name, hint=hint))
    return True
