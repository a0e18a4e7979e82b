"""What inputs of a density come down to, once deterministic nodes are looked through."""

from __future__ import annotations

from specc.codegen.plan import Plan, data_of


def values_behind(plan: Plan, program: str, inputs: tuple[str, ...]) -> dict[str, None]:
    """The random and given values that inputs come down to, deterministic nodes looked through.

    With them, where data is known, if that is an input.
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    stack = list(reversed(inputs))
    while stack:
        name = stack.pop()
        node = plan.graph.graph.lookup(program, name)
        if node is None and data_of(name) != name:
            found[name] = None
        if name in seen or node is None or node.is_stepped:
            continue
        seen.add(name)
        own = plan.programs[node.program]
        if name in own.lets:
            stack += reversed(own.lets[name].inputs)
        elif name in own.befores:
            before = own.befores[name]
            stack += (before.base, *before.inputs, *([before.lengths] if before.lengths else []))
        elif node.parts:
            stack += reversed(node.parts)
        else:
            found[name] = None
    return found
