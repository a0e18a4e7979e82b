"""Checks that the guide draws the latents that an objective needs, and nothing else."""

from __future__ import annotations

from collections.abc import Collection

from specc.catalog.objective import Objective as Entry
from specc.catalog.registry import DRAWS
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, Graph

USED_UNDRAWN = "E0227"
"""The code for a latent that the guide uses and does not draw, so that E0234 is redundant."""


def check_coverage(
    graph: Graph, entry: Entry, needed: Collection[str], span: Span, findings: Findings
) -> None:
    """Report needed latents that nothing draws, and nodes of the guide that the model lacks."""
    if entry.guided:
        _check_missing(graph, entry, needed, span, findings)
    if graph.guide is not None:
        _check_roles(graph, findings)
        _check_strangers(graph, findings)


def _check_missing(
    graph: Graph, entry: Entry, needed: Collection[str], span: Span, findings: Findings
) -> None:
    missing = [
        node
        for node in graph.model.nodes.values()
        if node.role == "latent"
        and node.name in needed
        and not (graph.guide and node.name in graph.guide.nodes)
        and not (node.draw and not DRAWS[node.draw.kind].sampled)
    ]
    unread = [node for node in missing if graph.spec.is_unread(GUIDE, node.name)]
    findings.broken.update(node.id for node in unread)
    missing = [node for node in missing if node not in unread]
    if graph.guide is None and missing:
        shown = ", ".join(f"`{node.name}`" for node in missing)
        findings.add(diagnose("E0237", span, objective=entry.name, latents=shown))
        findings.broken.update(node.id for node in missing)
        return
    used = {d.evidence["name"] for d in findings.diagnostics if d.code == USED_UNDRAWN}
    for node in missing:
        if node.name in used:
            findings.broken.add(node.id)
            continue
        findings.add(diagnose("E0234", node.span, name=node.name), node.id)


def _check_roles(graph: Graph, findings: Findings) -> None:
    """Report nodes of the guide that are observed, or are latents of the model and not drawn."""
    assert graph.guide is not None
    for node in graph.guide.nodes.values():
        twin = graph.model.nodes.get(node.name)
        is_wanted = twin is not None and twin.is_drawn
        if node.role == "latent" or not (is_wanted or node.role == "observed"):
            continue
        if is_wanted:
            findings.broken.add((MODEL, node.name))
        if node.id in findings.broken:
            continue
        role = node.role if node.role in ("observed", "given") else f"a {node.role} node"
        hint = f"draw it there: `{node.name}: {{latent: ..., params: encoder(...)}}`"
        if not is_wanted:
            hint = "delete it; the guide can use what the model observes by its name"
        findings.add(
            diagnose("E0236", node.span, name=node.name, role=role, hint=hint), (GUIDE, node.name)
        )


def _check_strangers(graph: Graph, findings: Findings) -> None:
    assert graph.guide is not None
    latents = [n for n, node in graph.model.nodes.items() if node.role == "latent"]
    for node in graph.guide.nodes.values():
        twin = graph.model.nodes.get(node.name)
        if node.role != "latent" or node.parts or (twin is not None and twin.is_variable):
            continue
        if twin is None and graph.spec.is_unread(MODEL, node.name):
            continue
        guess = nearest(node.name, latents)
        hint = f"did you mean `{guess}`?" if guess else "declare it latent in the model"
        labels = (Label(twin.span, f"in the model it is {twin.role}"),) if twin else ()
        findings.add(
            diagnose("E0235", node.span, labels=labels, name=node.name, hint=hint),
            (GUIDE, node.name),
        )


def drawn_latents(graph: Graph) -> dict[str, str]:
    """Return each drawn node of the model with the program that draws it: guide, else model.

    These are latents, and data that may be missing. Latents that the guide draws together have the
    name of the joint node.
    """
    guide = graph.guide.nodes if graph.guide else {}
    found: dict[str, str] = {}
    for name, node in graph.model.nodes.items():
        if node.is_drawn:
            own = guide.get(name)
            found[name if own is None else own.joint or name] = MODEL if own is None else GUIDE
    return found


def all_drawn(graph: Graph) -> dict[str, str]:
    """Return each drawn value with its program: latents, and the nodes of draws of programs."""
    copies = {
        name: program.name
        for program in graph.programs.values()
        for name, node in program.nodes.items()
        if program.is_draw and node.is_random
    }
    return drawn_latents(graph) | copies
