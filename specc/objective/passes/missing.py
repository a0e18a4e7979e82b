"""Checks `missing:` of data, and explains its effect on densities."""

from __future__ import annotations

from specc.catalog.objective import Objective as Entry
from specc.catalog.registry import DRAWS
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, TypedGraph
from specc.graph.nodes import Node
from specc.graph.queries import is_autoregressive
from specc.language.expressions.walk import calls, names
from specc.objective.objective import Decision
from specc.objective.terms import LogProb, Sum, densities_in


def check_missing(typed: TypedGraph, entry: Entry, findings: Findings) -> None:
    """Report data that may be missing if they can be neither drawn nor left out as requested."""
    for node in typed.graph.model.nodes.values():
        if node.missing is None or node.id not in typed.types or node.id in findings.broken:
            continue
        if not typed.types[node.id].is_local:
            reason = "it is shared by all rows, so no row lacks a value"
            _unfit(node, reason, "delete `missing:`", findings)
        elif node.is_marginalized:
            _check_marginalized(typed, node, findings)
        elif len(typed.types[node.id].plates) > 1:
            reason = "it has a value at each step of a sequence, and no single ones are drawn"
            drawn = node.is_drawn and typed.graph.guide and node.name in typed.graph.guide.nodes
            hint = "write `missing: integrate`, which leaves them out of the density"
            hint += f", and delete `{node.name}` in the guide" if drawn else ""
            _unfit(node, reason, hint, findings)
        elif DRAWS[node.missing.kind].point:
            reason = "a point is learnt for what all rows share alone"
            _unfit(node, reason, "write `enumerate`, `score` or `pathwise`", findings)
        else:
            _check_drawn(typed, node, entry, findings)


def is_factorized(typed: TypedGraph, node: Node) -> bool:
    """Whether the density of a node is a product over its entries."""
    causal = any(
        is_autoregressive(typed.graph, node, call)
        for expression in node.own_expressions()
        for call in calls(expression)
    )
    assert node.entry is not None
    return not (node.through or causal)


def mask_rank(typed: TypedGraph, node: Node) -> int:
    """Return along how many axes of an event single entries may be missing.

    These are the axes over which the density is a product: that of the model if entries are left
    out, also that of the guide if they are drawn. 0 means that the whole event is present or
    missing.
    """
    guide = typed.graph.guide
    drawn = guide.nodes.get(node.name) if guide is not None and node.is_drawn else None
    used = (node,) if drawn is None else (node, drawn)
    if not all(is_factorized(typed, each) for each in used):
        return 0
    dims = max(len(each.entry.result_dims) for each in used if each.entry is not None)
    return len(typed.types[node.id].shape) - max(dims, _class_axes(typed, node))


def _class_axes(typed: TypedGraph, node: Node) -> int:
    """Return 1 if the last axis of an event encodes class numbers, which are missing as a whole."""
    field = typed.graph.fields.get(node.field or "")
    transforms = field.transforms if field is not None else {}
    return int(any(transforms.get(key) is not None for key in ("one_hot", "many_hot")))


def _unfit(node: Node, reason: str, hint: str, findings: Findings) -> None:
    assert node.missing is not None
    kind = node.missing.kind
    found = diagnose(
        "E0435", node.missing.span, draw=kind, name=node.name, reason=reason, hint=hint
    )
    findings.add(found, node.id)
    findings.broken.add((GUIDE, node.name))


def decisions(typed: TypedGraph, minimize: Sum) -> list[Decision]:
    """Return the decisions about missing values: masked densities, and reweighted ones."""
    found = [
        Decision(
            node.name, "entries without a value are integrated out", "its entries are independent"
        )
        for node in typed.graph.model.nodes.values()
        if node.is_marginalized
    ]
    for _, term in densities_in(minimize):
        if isinstance(term, LogProb) and term.rows == "known":
            reason = "each counts 1 / the fraction of such rows"
            name = f"E_known[log q({term.node})]"
            found.append(Decision(name, "the mean over rows with a value", reason))
    return found


# entries that are left out


def _check_marginalized(typed: TypedGraph, node: Node, findings: Findings) -> None:
    guide = typed.graph.guide
    if guide is not None and node.name in guide.nodes:
        reason = "the guide draws it, and nothing is drawn"
        _unfit(node, reason, "delete it in the guide, or name a draw", findings)
        return
    assert node.missing is not None
    place, steps = node.missing.span, node.scan is not None  # steps cannot be drawn one by one
    reason = _dependence_reason(typed, node)
    if reason:
        more = "" if steps else ", or draw what is missing in the guide"
        findings.add(
            diagnose("E0436", place, name=node.name, reason=reason, otherwise=more), node.id
        )
        return
    users = _users(typed, node)
    if users:
        user = users[0]
        label = (Label(user.span, f"depends on `{node.name}`"),)
        hint = f"draw `{node.name}` in the guide, with `missing: pathwise` or `missing: score`"
        if steps:
            hint = (
                f"let `{user.name}` depend on a latent in its place, or fill the gaps in the data"
            )
        findings.add(
            diagnose("E0437", place, labels=label, name=node.name, user=user.name, hint=hint),
            node.id,
        )


def _users(typed: TypedGraph, node: Node) -> list[Node]:
    """Return the nodes of the model that depend on a node, at the same step or the next one."""
    model = typed.graph.model
    shifted = (n.name for n in model.nodes.values() if n.shift and n.shift.base == node.name)
    found = {user for name in (node.name, *shifted) for user in model.digraph.successors(name)}
    return [model.nodes[name] for name in model.nodes if name in found]


def _dependence_reason(typed: TypedGraph, node: Node) -> str:
    """Return why the density of a node is not a product over entries; empty if it is."""
    assert node.entry is not None
    if node.entry.result_dims:
        return f"a draw of {node.entry.name} is a vector with one density"
    if node.through:
        return f"it goes through `{node.through[0].function}`, which mixes them"
    return "" if is_factorized(typed, node) else "each depends on those before it"


# values that are drawn


def _check_drawn(typed: TypedGraph, node: Node, entry: Entry, findings: Findings) -> None:
    guide = typed.graph.guide
    assert node.missing is not None
    if guide is None or not entry.guided or node.name not in guide.nodes:
        _check_undrawn(typed, node, entry, findings)
        return
    drawn = guide.nodes[node.name]
    if drawn.draw is not None:
        found = f"the guide has `draw: {drawn.draw.kind}` as well"
        _unfit(node, found, "delete `draw:`", findings)
    elif drawn.through:
        reason = "the guide's draw goes through a bijection, which data cannot enter"
        _unfit(node, reason, "delete `through:` in the guide", findings)


def _check_undrawn(typed: TypedGraph, node: Node, entry: Entry, findings: Findings) -> None:
    """Report data that no guide draws, unless they are finite and the guide does not use them."""
    assert node.missing is not None
    guide = typed.graph.guide if entry.guided else None
    for user in guide.nodes.values() if guide is not None else ():
        if any(n.id == node.name for e in user.expressions() for n in names(e)):
            label = (Label(user.span, f"uses `{node.name}`"),)
            found = diagnose("E0434", node.span, labels=label, name=node.name, user=user.name)
            findings.add(found, node.id)
            return
    if not DRAWS[node.missing.kind].needs_finite:
        findings.add(diagnose("E0433", node.missing.span, name=node.name), node.id)
