"""The non-centred form of latents whose location or scale is itself a latent.

Under x ~ p(loc, scale) with few data for x, the posterior of x and scale has a funnel, which chains
and normal guides do not follow. With e ~ p(0, 1) and x = loc + scale e, e and scale are nearly
independent there (Papaspiliopoulos, Roberts and Skold 2007; Betancourt and Girolami 2015).
"""

from __future__ import annotations

from collections.abc import Iterator

from specc.codegen.plan import Plan
from specc.graph.graph import GUIDE, Graph
from specc.graph.nodes import Latent
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Binary, Expression, Name, Number
from specc.language.expressions.walk import names

QUOTED = frozenset("[]{},:#&*!|>'\"%@`")
"""Characters of an expression that needs quotes inside `{ }`."""


def non_centred(plan: Plan) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each such latent of the model with the lines of a spec that replace its own."""
    graph = plan.graph.graph
    for node in graph.model.nodes.values():
        if isinstance(node, Latent) and _is_centred(plan, node):
            yield node.name, _lines(graph, node)


def _is_centred(plan: Plan, node: Latent) -> bool:
    """Whether a chain or a guide draws the node around, or as wide as, another shared latent."""
    draw = plan.objective.draws.get(node.name)
    by_chain = plan.experiment.sampler is not None
    if draw is None or not node.entry.location_scale or node.params is not None or node.through:
        return False
    if plan.graph.types[node.id].is_local or not (by_chain or draw.program == GUIDE):
        return False
    given = [node.arguments[key] for key in ("loc", "scale") if key in node.arguments]
    return any(_is_latent(plan, expression) for expression in given)


def _is_latent(plan: Plan, expression: Expression) -> bool:
    """Whether the expression depends on a latent, directly or through deterministic nodes."""
    nodes = plan.graph.graph.model.nodes
    for name in names(expression):
        found = nodes.get(name.id)
        if isinstance(found, Latent):
            return True
        if found is not None and found.value is not None and _is_latent(plan, found.value):
            return True
    return False


def _lines(graph: Graph, node: Latent) -> tuple[str, ...]:
    """Return the two lines of the spec."""
    raw = f"{node.name}_raw"
    while raw in graph.model.nodes:
        raw += "_"
    plain = {"loc": "0", "scale": "1"}
    given = [f"{key}: {plain.get(key) or _value(e)}" for key, e in node.arguments.items()]
    own = [] if node.sizes is None else [f"shape: [{', '.join(map(print_expression, node.sizes))}]"]
    own += [f"plate: {node.plate}"] if node.plate is not None else []
    own += ["global: true"] if node.is_global else []
    first = ", ".join([f"latent: {node.entry.name}", *given, *own])
    value = _value(_shifted(node, Name(raw, node.span)))
    second = ", ".join([f"let: {value}", *(part for part in own if part.startswith("plate"))])
    return f"{raw}: {{{first}}}", f"{node.name}: {{{second}}}"


def _shifted(node: Latent, raw: Expression) -> Expression:
    """Return loc + scale * raw, without a loc of 0 and a scale of 1."""
    loc, scale = node.arguments.get("loc"), node.arguments.get("scale")
    found = raw
    if scale is not None and not _is_number(scale, 1):
        found = Binary("*", scale, found, node.span)
    if loc is not None and not _is_number(loc, 0):
        found = Binary("+", loc, found, node.span)
    return found


def _is_number(expression: Expression, value: float) -> bool:
    return isinstance(expression, Number) and expression.value == value


def _value(expression: Expression) -> str:
    """Return the text of an expression as a value inside `{ }`."""
    text = print_expression(expression)
    return f'"{text}"' if QUOTED & set(text.replace("*", "")) or text[0] in "*-" else text
