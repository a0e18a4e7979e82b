"""The sizes and layers of links, from their inputs and outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from specc.catalog.arithmetic import show
from specc.catalog.bijection import Bijection
from specc.catalog.causal import Causal
from specc.catalog.entry import Lowered, Parameter, Shape
from specc.catalog.link import Link, LinkShapeError
from specc.catalog.supports import describe
from specc.catalog.transforms import transform_to
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph, LinkNode, LinkUse, SizedLink
from specc.graph.nodes import Distributed, Node, NodeId
from specc.graph.queries import input_rank, parameter_of


def size_links(
    graph: Graph,
    uses: Sequence[LinkUse],
    parameters: Mapping[tuple[NodeId, str], Shape],
    findings: Findings,
) -> Mapping[str, SizedLink]:
    """Lowers every used link; reports links that do not support their sizes."""
    by_link: dict[str, list[LinkUse]] = {}
    for use in uses:
        if use.node not in findings.broken:
            by_link.setdefault(use.link, []).append(use)
    sized = {}
    for name, found in by_link.items():
        lowered = _lower(graph, graph.links[name], found, parameters, findings)
        if lowered is not None:
            sized[name] = lowered
    _check_averages(graph, by_link, sized, findings)
    return MappingProxyType(sized)


def _check_averages(
    graph: Graph,
    uses: Mapping[str, Sequence[LinkUse]],
    sized: dict[str, SizedLink],
    findings: Findings,
) -> None:
    """Give links that average another the layers of that link; report incompatible ones."""
    for name in [name for name in sized if graph.links[name].average is not None]:
        own, average = sized.pop(name), graph.links[name].average
        assert average is not None
        followed = sized.get(average.of)
        reason, fix = "", ""
        if average.of not in uses:
            reason, fix = "which no node uses", f"apply `{average.of}` to a node"
        elif followed is not None and (own.heads or followed.heads):
            reason = "and of one of the two the last layer belongs to a node, by `params:`"
            fix = f"give one parameter by it, as in `logits: {average.of}(x)`"
        elif followed is not None and (own.module.layers, own.tail) != (
            followed.module.layers,
            followed.tail,
        ):
            sizes = [(show(each.input), show(_output(each))) for each in (own, followed)]
            reason = "from {} to {}, and is itself from {} to {}".format(*sizes[1], *sizes[0])
            fix = "apply both to inputs of one size, for results of one size"
        if followed is not None and not reason:
            tail = None if own.tail is None else _frozen(own.tail)
            sized[name] = replace(own, module=_frozen(own.module), tail=tail)
        elif reason:
            first = uses[name][0]
            words = {"link": name, "of": average.of, "reason": reason, "fix": fix}
            findings.add(diagnose("E0632", first.span, labels=(), **words), first.node)


def _frozen(lowered: Lowered) -> Lowered:
    """The layers without a gradient; their initial values are a copy of those of another link."""
    return replace(lowered, init=None, frozen=True)


def _output(sized: SizedLink) -> Shape:
    return sized.module.output if sized.tail is None else sized.tail.output


def parameters_from_link(node: Distributed) -> tuple[Parameter, ...]:
    """The parameters that the `params:` link of a node gives: those without an argument."""
    given = {parameter_of(node.entry, key)[0].name for key in node.arguments}
    return tuple(p for p in node.entry.parameters if p.name not in given)


def _lower(
    graph: Graph,
    link: LinkNode,
    uses: list[LinkUse],
    parameters: Mapping[tuple[NodeId, str], Shape],
    findings: Findings,
) -> SizedLink | None:
    places = list(graph.programs)
    uses = sorted(uses, key=lambda use: places.index(use.node[0]))
    first = uses[0]
    joined = _joined(link, first, findings)
    if joined is None or not _check_events(graph, link, first, findings):
        return None
    try:
        if first.output is not None:
            return _lower_call(link, first, joined, first.output)
        return _trunk(graph, link, uses, joined, parameters, findings)
    except LinkShapeError as error:
        findings.add(
            diagnose("E0612", first.span, link=link.name, reason=error.reason, fix=error.fix),
            first.node,
        )
        return None


def _check_events(graph: Graph, link: LinkNode, use: LinkUse, findings: Findings) -> bool:
    """Whether a causal link has one order number for the entries of one draw; reports if not."""
    node = graph.node(use.node)
    if not isinstance(link.entry, Causal) or not isinstance(node, Distributed):
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


def _joined(link: LinkNode, use: LinkUse, findings: Findings) -> Shape | None:
    """The shape of the joined arguments: that of a single image, else that of a vector.

    The first argument of a causal link, the node itself, is not included.
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
        assert isinstance(node, Distributed)
        for parameter in parameters_from_link(node):
            if transform_to(parameter.support) is None:
                _report_unreachable(node, parameter, use, findings)
                return None
            shape = parameters[node.id, parameter.name]
            if wanted.setdefault((node.name, parameter.name), shape) != shape:
                raise _two_heads(node, parameter, wanted[node.name, parameter.name], shape)
    trunk = _trunk_of(link, uses[0], joined, tuple(wanted.values()))
    for shape in wanted.values():
        _check_state(link, uses[0], shape)
    heads: dict[tuple[str, str], Lowered] = {
        key: _head_of(link, uses[0], trunk.output, shape) for key, shape in wanted.items()
    }
    return SizedLink(uses[0].node[0], joined, trunk, MappingProxyType(heads))


def _two_heads(node: Node, parameter: Parameter, first: Shape, second: Shape) -> LinkShapeError:
    """The error of a head that two programs share with different shapes."""
    what = f"the {parameter.name} of `{node.name}`"
    reason = f"gives {what} the shape {show(first)} in one program and {show(second)} in another"
    return LinkShapeError(reason, "declare a link for each program")


def _lower_call(link: LinkNode, use: LinkUse, joined: Shape, output: Shape) -> SizedLink:
    """A link without `params:`, lowered from its joined arguments to its result."""
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
    """Checks that the first argument of a recurrent link is a state; raises `LinkShapeError`."""
    if not isinstance(link.entry, Link) or not link.entry.recurrent or use.inputs[0] == output:
        return
    reason = f"has a state of shape {show(use.inputs[0])}, and its result is {show(output)}"
    raise LinkShapeError(reason, "the first argument is the state, as in `rnn(h[t-1], x)`")


def _trunk_of(link: LinkNode, use: LinkUse, joined: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    if isinstance(link.entry, Causal):
        (context,) = joined
        return link.entry.trunk(link.options, use.inputs[0], context, use.classes)
    assert isinstance(link.entry, Link)
    return link.entry.trunk(link.options, joined, outputs)


def _head_of(link: LinkNode, use: LinkUse, features: Shape, output: Shape) -> Lowered:
    if isinstance(link.entry, Causal):
        return link.entry.head(link.options, use.inputs[0], features, output)
    assert isinstance(link.entry, Link)
    return link.entry.head(link.options, features, output)


def _report_unreachable(node: Node, parameter: Parameter, use: LinkUse, findings: Findings) -> None:
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
