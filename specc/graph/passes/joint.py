"""Joint nodes: one draw with several named parts, which other nodes use like ordinary nodes.

The joint node has the distribution; its value is the concatenation of its parts, each flattened, in
the order of the spec. A part has its value from the data or from a guide, and no separate density.
A joint node of the guide draws several latents of the model at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.arithmetic import entries
from specc.catalog.supports import REAL, Pieces, Support
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, Graph
from specc.graph.nodes import Distributed, Node, Part
from specc.graph.pieces import earlier_parts
from specc.language.expressions.walk import names
from specc.language.schema.node import Node as NodeSpec
from specc.language.schema.spec import Path, Spec


def add_parts(
    spec: Spec, nodes: dict[str, Node], written: Mapping[str, NodeSpec], findings: Findings
) -> dict[str, Node]:
    """The nodes of a program, with the parts of each joint node after it."""
    found: dict[str, Node] = {}
    for name, node in nodes.items():
        found[name] = node
        path = spec.path_of(node.program, name)
        for part in node.parts:
            other = nodes.get(part) or found.get(part)
            if other is None:
                found[part] = _part(spec, node, written[name], part, path)
            else:
                span = spec.spans.key((*path, "joint", part))
                label = (Label(other.span, "the other node"),)
                findings.add(diagnose("E0251", span, labels=label, part=part, name=name), node.id)
    return found


def _part(spec: Spec, joint: Node, written: NodeSpec, part: str, path: Path) -> Part:
    return Part(
        program=joint.program,
        name=part,
        role=written.parts[part],
        span=spec.spans.key((*path, "joint", part)),
        joint=joint.name,
        sizes=written.shapes.get(part),
    )


def check_joint(graph: Graph, node: Node, findings: Findings) -> None:
    """Checks that a joint node is in the model, sizes only its parts, and uses none of them."""
    if not node.parts:
        return
    if node.program not in (MODEL, GUIDE):
        program, latents = node.program, graph.model.nodes
        drawn = (n for n in node.parts if n in latents and latents[n].role == "latent")
        part = next(drawn, node.parts[0])
        finding = diagnose("E0253", node.span, name=node.name, program=program, part=part)
        findings.add(finding, node.id)
        return
    if node.program == GUIDE:
        _check_drawn_together(graph, node, findings)
    _check_sized(graph, node, findings)
    used = [name for expression in node.expressions() for name in names(expression)]
    earlier = {name.span for name in earlier_parts(graph, node)}
    for name in used if node.id not in findings.broken else ():
        if name.id in node.parts and name.span not in earlier:
            finding = diagnose("E0254", name.span, name=node.name, part=name.id)
            findings.add(finding, node.id)


def _check_drawn_together(graph: Graph, node: Node, findings: Findings) -> None:
    """Checks that a draw of the guide has one value for all its parts: global, or for each row."""
    latents = graph.model.nodes
    known = [latents[part] for part in node.parts if part in latents]
    shared = [each for each in known if is_shared(each)]
    reason = hint = ""
    if any(each.scan is not None for each in known):
        reason, hint = "is a sequence", "draw sequences by nodes of their own"
    elif 0 < len(shared) < len(known):
        reason = f"has a value for each row, and `{shared[0].name}` one for all rows"
        hint = "write a joint node for each of the two kinds"
    elif isinstance(node, Distributed) and not node.entry.continuous:
        reason, hint = f"is drawn by {node.entry.name}", "use a continuous distribution"
    if reason:
        part = next((each.name for each in known if each not in shared), node.parts[0])
        found = diagnose("E0489", node.span, name=node.name, part=part, reason=reason, hint=hint)
        findings.add(found, node.id)


def is_shared(node: Node) -> bool:
    """Whether all rows share a latent: it is global, or on a plate that is not a sequence."""
    return node.is_global or node.plate is not None


def of_latents(graph: Graph, node: Node) -> list[Node]:
    """The latents of the model that are the parts of a joint node of the guide."""
    if node.program != GUIDE:
        return []
    return [graph.model.nodes[part] for part in node.parts if part in graph.model.nodes]


def part_support(graph: Graph, part: Part, whole: Support) -> Support:
    """The support of a part: that of the entries of the joint draw, or that of its own piece."""
    if not isinstance(whole, Pieces):
        return entries(whole) if whole.event_rank else whole
    parts = graph.node((part.program, part.joint)).parts
    return whole.pieces[parts.index(part.name)][1] if len(parts) == len(whole.pieces) else REAL


def _check_sized(graph: Graph, node: Node, findings: Findings) -> None:
    spec, path = graph.spec, (*graph.spec.path_of(node.program, node.name), "shapes")
    written = dict(spec.document.programs_by_name())[node.program]
    for name in written[node.name].shapes:
        if name in node.parts:
            continue
        guess = nearest(name, node.parts)
        hint = "" if guess else "its parts are " + ", ".join(f"`{part}`" for part in node.parts)
        place = spec.spans.key((*path, name))
        finding = diagnose("E0252", place, suggestion=guess, name=node.name, part=name, hint=hint)
        findings.add(finding, node.id)
