"""Nodes of the model that the guide uses: `model.h` and `model.w`.

Model and guide share a learnable parameter as one tensor. A deterministic node is computed again in
the guide, by the same expression and the same links, from the draws of the guide and the data: the
guide gets a copy with the name `model.h`, and copies of the deterministic nodes that it depends on.
So q(z | h) may depend on the state of a recurrent model (Chung et al., 2015), or on the
parameters of the model's own conditional density (Sønderby et al., 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from specc.graph.graph import GUIDE, MODEL
from specc.graph.nodes import Deterministic, Latent, Node, Parameter, with_expressions
from specc.language.expressions.tree import Expression, Member, Name
from specc.language.expressions.walk import members, names, rewrite

Nodes = Mapping[str, Node]


def share_nodes(programs: Mapping[str, Nodes]) -> dict[str, Nodes]:
    """The programs; the guide gets copies of the deterministic model nodes that it uses."""
    found = dict(programs)
    if GUIDE in found:
        found[GUIDE] = _of_guide(found[GUIDE], found[MODEL])
    return found


def shared_name(name: str) -> str:
    """The name in the guide of a node of the model: `model.h`."""
    return f"{MODEL}.{name}"


def _of_guide(guide: Nodes, model: Nodes) -> Nodes:
    """The nodes of the guide with resolved references, after the copies of model nodes they use."""
    used = [
        member.name
        for node in guide.values()
        for expression in (*node.expressions(), *_initial(node))
        for member in members(expression)
        if member.program == MODEL
    ]
    if not used:
        return guide
    copies = {name: _copy(model[name], model) for name in _deterministic_ancestors(used, model)}
    own = {name: _rewritten(node, lambda part: _named(part, model)) for name, node in guide.items()}
    return {**{shared_name(name): copy for name, copy in copies.items()}, **own}


def _deterministic_ancestors(used: list[str], model: Nodes) -> list[str]:
    """The deterministic nodes among `used` and their deterministic ancestors, in order."""
    wanted: set[str] = set()
    stack = list(used)
    while stack:
        name = stack.pop()
        node = model.get(name)
        if name in wanted or not isinstance(node, Deterministic):
            continue
        wanted.add(name)
        for expression in (*node.expressions(), *_initial(node)):
            stack += [each.id for each in names(expression)]
    return [name for name in model if name in wanted]


def _copy(node: Node, model: Nodes) -> Node:
    """The copy of a node in the guide; it uses the copies of other deterministic nodes."""

    def renamed(part: Expression) -> Expression | None:
        if isinstance(part, Name) and isinstance(model.get(part.id), (Deterministic, Parameter)):
            return replace(part, id=shared_name(part.id))
        return None

    return replace(_rewritten(node, renamed), program=GUIDE, name=shared_name(node.name))


def _named(part: Expression, model: Nodes) -> Expression | None:
    if not isinstance(part, Member) or part.program != MODEL:
        return None
    is_shared = isinstance(model.get(part.name), (Deterministic, Parameter))
    return Name(shared_name(part.name), part.span) if is_shared else None


def _initial(node: Node) -> tuple[Expression, ...]:
    return () if node.initial is None else (node.initial,)


def _rewritten(node: Node, replaced: Callable[[Expression], Expression | None]) -> Node:
    """A node with parts of its expressions replaced, including its initial value."""
    changed = with_expressions(node, lambda expression: rewrite(expression, replaced))
    if isinstance(changed, (Deterministic, Latent)) and changed.initial is not None:
        return replace(changed, initial=rewrite(changed.initial, replaced))
    return changed
