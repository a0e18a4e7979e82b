"""Every link with its sizes: the layers between what it takes and what it must give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from specc.catalog.bijection import Bijection
from specc.catalog.causal import Causal
from specc.catalog.constrain import constrainer
from specc.catalog.entry import Lowered, Parameter, Shape
from specc.catalog.link import Link, LinkShapeError
from specc.catalog.supports import describe
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph, LinkNode, LinkUse, Node, NodeId, SizedLink
from specc.graph.passes.events import parameter_of
from specc.graph.passes.expression_shapes import show


def size_links(
    graph: Graph,
    uses: list[LinkUse],
    parameters: Mapping[tuple[NodeId, str], Shape],
    findings: Findings,
) -> dict[str, SizedLink]:
    """Lower every link that is used; a link that cannot have its sizes is a finding."""
    by_link: dict[str, list[LinkUse]] = {}
    for use in uses:
        if use.node not in findings.broken:
            by_link.setdefault(use.link, []).append(use)
    sized = {}
    for name, found in by_link.items():
        lowered = _lower(graph, graph.links[name], found, parameters, findings)
        if lowered is not None:
            sized[name] = lowered
    return sized


def fed_by_params(node: Node) -> tuple[Parameter, ...]:
    """The parameters of a node that its `params:` link feeds: those not given otherwise."""
    assert node.entry is not None
    given = {parameter_of(node.entry, key)[0].name for key in node.arguments}
    return tuple(p for p in node.entry.parameters if p.name not in given)


def _lower(
    graph: Graph,
    link: LinkNode,
    uses: list[LinkUse],
    parameters: Mapping[tuple[NodeId, str], Shape],
    findings: Findings,
) -> SizedLink | None:
    first = uses[0]
    for use in uses[1:]:
        if use.node[0] != first.node[0]:
            findings.add(
                diagnose(
                    "E0611",
                    use.span,
                    labels=(Label(first.span, "first used here"),),
                    link=link.name,
                    first=first.node[0],
                    second=use.node[0],
                ),
                use.node,
            )
            return None
    joined = _joined(link, first, findings)
    if joined is None or not _gives_events(graph, link, first, findings):
        return None
    try:
        if first.output is not None:
            return _whole(link, first, joined, first.output)
        return _trunk(graph, link, uses, joined, parameters, findings)
    except LinkShapeError as error:
        findings.add(
            diagnose("E0612", first.span, link=link.name, reason=error.reason, fix=error.fix),
            first.node,
        )
        return None


def _gives_events(graph: Graph, link: LinkNode, use: LinkUse, findings: Findings) -> bool:
    """Whether what a causal link gives at once is as much as its node draws at once."""
    node = graph.node(use.node)
    if not isinstance(link.entry, Causal) or node.entry is None:
        return True
    if len(node.entry.result_dims) <= link.entry.together(use.inputs[0]):
        return True
    found = diagnose(
        "E0622",
        use.span,
        name=node.name,
        distribution=node.entry.name,
        link=link.name,
        hint="use a distribution of single numbers, such as `categorical` or `normal`",
    )
    findings.add(found, node.id)
    return False


def input_rank(link: LinkNode) -> int:
    """How many axes the input of a link has; a vector is what its arguments are joined to."""
    return link.entry.input_rank(link.options) if isinstance(link.entry, Link) else 1


def _joined(link: LinkNode, use: LinkUse, findings: Findings) -> Shape | None:
    """The shape of the arguments as one input: as it is for an image, else one long vector.

    Where a node's own value is the first argument, the rest.
    """
    inputs = use.inputs[1:] if isinstance(link.entry, Causal) else use.inputs
    rank = input_rank(link)
    if rank == 1:
        return (sum(math.prod(shape) for shape in inputs),)
    if len(use.inputs) == 1:
        return use.inputs[0]
    findings.add(
        diagnose(
            "E0607",
            use.span,
            link=link.name,
            shapes=" and ".join(show(shape) for shape in use.inputs),
            hint=f"a `{link.entry.name}` link takes one input; join vectors with an `mlp` link",
        ),
        use.node,
    )
    return None


def _trunk(
    graph: Graph,
    link: LinkNode,
    uses: list[LinkUse],
    joined: Shape,
    parameters: Mapping[tuple[NodeId, str], Shape],
    findings: Findings,
) -> SizedLink | None:
    wanted: dict[tuple[str, str], Shape] = {}
    for use in uses:
        node = graph.node(use.node)
        for parameter in fed_by_params(node):
            if constrainer(parameter.support) is None:
                _unreachable(node, parameter, use, findings)
                return None
            wanted[node.name, parameter.name] = parameters[node.id, parameter.name]
    trunk = _trunk_of(link, uses[0], joined, tuple(wanted.values()))
    for shape in wanted.values():
        _check_state(link, uses[0], shape)
    heads: dict[tuple[str, str], Lowered] = {
        key: _head_of(link, uses[0], trunk.output, shape) for key, shape in wanted.items()
    }
    return SizedLink(uses[0].node[0], joined, trunk, MappingProxyType(heads))


def _whole(link: LinkNode, use: LinkUse, joined: Shape, output: Shape) -> SizedLink:
    """The layers between what a link takes and what it gives."""
    program, none = use.node[0], MappingProxyType[tuple[str, str], Lowered]({})
    if isinstance(link.entry, Bijection):
        return SizedLink(program, joined, link.entry.lower(link.options, output, *joined), none)
    if isinstance(link.entry, Link):
        _check_state(link, use, output)
        return SizedLink(program, joined, link.entry.lower(link.options, joined, output), none)
    trunk = _trunk_of(link, use, joined, (output,))
    tail = _head_of(link, use, trunk.output, output)
    return SizedLink(program, joined, trunk, none, tail)


def _check_state(link: LinkNode, use: LinkUse, output: Shape) -> None:
    """The first argument of a recurrent link is a state; raises `LinkShapeError`."""
    if not isinstance(link.entry, Link) or not link.entry.recurrent or use.inputs[0] == output:
        return
    reason = f"has a state of shape {show(use.inputs[0])}, and its result is {show(output)}"
    raise LinkShapeError(reason, "the first argument is the state, as in `rnn(h[t-1], x)`")


def _trunk_of(link: LinkNode, use: LinkUse, joined: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    if isinstance(link.entry, Causal):
        return link.entry.trunk(link.options, use.inputs[0], *joined)
    assert isinstance(link.entry, Link)
    return link.entry.trunk(link.options, joined, outputs)


def _head_of(link: LinkNode, use: LinkUse, features: Shape, output: Shape) -> Lowered:
    if isinstance(link.entry, Causal):
        return link.entry.head(link.options, use.inputs[0], features, output)
    assert isinstance(link.entry, Link)
    return link.entry.head(link.options, features, output)


def _unreachable(node: Node, parameter: Parameter, use: LinkUse, findings: Findings) -> None:
    findings.add(
        diagnose(
            "E0322",
            use.span,
            parameter=parameter.name,
            name=node.name,
            expected=describe(parameter.support),
        ),
        node.id,
    )
