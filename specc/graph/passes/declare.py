"""The creation of nodes from their declarations: a type for each role, with catalog entries."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypedDict

from specc.catalog.elsewhere import alternative
from specc.catalog.entry import Distribution
from specc.catalog.other_names import suggested_name
from specc.catalog.registry import DISTRIBUTIONS, MODIFIERS
from specc.catalog.supports import NAMED, REAL, Support
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.nodes import (
    Deterministic,
    DrawChoice,
    EnergyNode,
    Given,
    Init,
    Joint,
    Latent,
    Node,
    Observed,
    Parameter,
    Unresolved,
)
from specc.language.expressions.tree import Call, Expression
from specc.language.schema.document import Scan as ScanSpec
from specc.language.schema.node import Draw as DrawSpec
from specc.language.schema.node import Node as NodeSpec
from specc.language.schema.spec import Path, Spec


class _Common(TypedDict):
    """The fields of all nodes."""

    program: str
    name: str
    span: Span
    plate: str | None
    scan: str | None
    rows: str


class _Distributed(TypedDict):
    """The further fields of all nodes with a distribution."""

    arguments: Mapping[str, Expression]
    argument_spans: Mapping[str, Span]
    options: Mapping[str, Expression]
    params: Expression | None
    through: tuple[Call, ...]


def declare(
    spec: Spec, program: str, name: str, node: NodeSpec, path: Path, findings: Findings
) -> Node:
    """The node declared at `path`; reports an unknown distribution or support."""
    plate = node.plate or ""
    is_scan = isinstance(spec.document.plates.get(plate), ScanSpec)
    is_source = bool(plate) and plate in spec.document.sources and not is_scan
    common: _Common = {
        "program": program,
        "name": name,
        "span": spec.spans.key(path),
        "plate": None if is_scan or is_source else node.plate,
        "scan": node.plate if is_scan else None,
        "rows": plate if is_source else "",
    }
    match node.role:
        case "latent" | "observed" | "joint":
            return _random(spec, node.role, node, path, common, findings)
        case "let":
            assert not isinstance(node.head, str)
            return Deterministic(
                **common,
                value=node.head,
                sizes=node.shape,
                is_global=node.is_global,
                initial=node.initial,
                reverse=node.reverse,
            )
        case "energy":
            assert not isinstance(node.head, str)
            return EnergyNode(**common, value=node.head)
        case "parameter":
            return Parameter(
                **common,
                support=_support(spec, node, path, common, findings),
                sizes=node.shape,
                is_global=node.is_global,
                init=_init(node),
            )
        case "given":
            return Given(
                **common,
                field=str(node.head),
                plate_index=node.plate_index,
                sizes=node.shape,
                is_global=node.is_global,
                initial=node.initial,
                reverse=node.reverse,
            )


def _random(
    spec: Spec,
    role: Literal["latent", "observed", "joint"],
    node: NodeSpec,
    path: Path,
    common: _Common,
    findings: Findings,
) -> Node:
    """A node with a distribution, which may be missing in the catalog."""
    entry = _distribution(spec, node, path, common, findings)
    distributed = _distributed(spec, node, path, entry)
    field = node.from_field or common["name"]
    if entry is None:
        return Unresolved(
            **common,
            **distributed,
            role=role,
            sizes=node.shape,
            is_global=node.is_global,
            field=field if role == "observed" else None,
            initial=node.initial,
            reverse=node.reverse,
            parts=tuple(node.parts),
        )
    if role == "joint":
        return Joint(**common, **distributed, entry=entry, parts=tuple(node.parts))
    if role == "observed":
        return Observed(
            **common,
            **distributed,
            entry=entry,
            field=field,
            sizes=node.shape,
            is_global=node.is_global,
            initial=node.initial,
            reverse=node.reverse,
            draw=_draw(spec, node.draw, (*path, "draw")),
            missing=_draw(spec, node.missing, (*path, "missing")),
        )
    return Latent(
        **common,
        **distributed,
        entry=entry,
        sizes=node.shape,
        is_global=node.is_global,
        initial=node.initial,
        reverse=node.reverse,
        draw=_draw(spec, node.draw, (*path, "draw")),
        init=_init(node),
    )


def _distribution(
    spec: Spec, node: NodeSpec, path: Path, common: _Common, findings: Findings
) -> Distribution | None:
    head = str(node.head)
    if head in DISTRIBUTIONS:
        return DISTRIBUTIONS[head]
    span = spec.spans.value((*path, "distribution" if node.role == "joint" else node.role))
    reason = DISTRIBUTIONS.problem(head)
    if reason:
        finding = diagnose("E0267", span, name=head, reason=reason, hint=_modifiable(head))
        findings.add(finding, (common["program"], common["name"]))
        return None
    guess = _suggested(head)
    known = ", ".join(DISTRIBUTIONS)
    hint = "" if guess else alternative(head) or f"the distributions are {known}"
    if head in MODIFIERS:
        guess, hint = None, f"write what it modifies, as in `{MODIFIERS[head].example}`"
    finding = diagnose("E0202", span, suggestion=guess, name=head, hint=hint)
    findings.add(finding, (common["program"], common["name"]))
    return None


def _suggested(head: str) -> str | None:
    """The probable distribution; of a modified one, each of its words."""
    outer, inner = DISTRIBUTIONS.parts(head)
    if inner is None:
        return suggested_name(head, DISTRIBUTIONS)
    modifier = outer if outer in MODIFIERS else suggested_name(outer, MODIFIERS)
    base = inner if inner in DISTRIBUTIONS else _suggested(inner)
    found = f"{modifier}({base})"
    return found if found in DISTRIBUTIONS else None


def _modifiable(head: str) -> str:
    """The distributions that the outer modifier of a name can modify."""
    outer, _ = DISTRIBUTIONS.parts(head)
    fits = (name for name, entry in DISTRIBUTIONS.items() if not MODIFIERS[outer].problem(entry))
    return f"`{outer}` modifies {', '.join(fits)}"


def _distributed(
    spec: Spec, node: NodeSpec, path: Path, entry: Distribution | None
) -> _Distributed:
    sizes = entry.options if entry is not None else {}
    spans = {key: spec.spans.key((*path, key)) for key in node.arguments}
    return {
        "arguments": MappingProxyType({k: e for k, e in node.arguments.items() if k not in sizes}),
        "argument_spans": MappingProxyType(spans),
        "options": MappingProxyType({k: e for k, e in node.arguments.items() if k in sizes}),
        "params": node.params,
        "through": tuple(step for step in node.through if isinstance(step, Call)),
    }


def _draw(spec: Spec, draw: DrawSpec | None, path: Path) -> DrawChoice | None:
    if draw is None:
        return None
    return DrawChoice(draw.kind, dict(draw.options), spec.spans.value(path))


def _init(node: NodeSpec) -> Init | None:
    return tuple(node.init) if isinstance(node.init, (list, tuple)) else node.init


def _support(
    spec: Spec, node: NodeSpec, path: Path, common: _Common, findings: Findings
) -> Support:
    """The support of a parameter; an unknown one is reported and treated as real numbers."""
    head = str(node.head)
    if head in NAMED:
        return NAMED[head]
    guess = nearest(head, NAMED)
    hint = "the sets are " + ", ".join(f"`{known}`" for known in NAMED if known != guess)
    span = spec.spans.value((*path, "parameter"))
    finding = diagnose("E0203", span, suggestion=guess, name=head, hint="" if guess else hint)
    findings.add(finding, (common["program"], common["name"]))
    return REAL
