"""The values that the code of a program depends on through its deterministic nodes."""

from __future__ import annotations

from specc.codegen.plan import Input, Mask, Plan


def values_behind(plan: Plan, program: str, inputs: tuple[Input, ...]) -> dict[Input, None]:
    """Return the random and given values that inputs depend on through deterministic nodes.

    Masks among the inputs are included.
    """
    found: dict[Input, None] = {}
    seen: set[str] = set()
    stack = list(reversed(inputs))
    while stack:
        name = stack.pop()
        if isinstance(name, Mask):
            found[name] = None
            continue
        node = plan.graph.graph.lookup(program, name)
        if name in seen or node is None or node.is_stepped:
            continue
        seen.add(name)
        own = plan.program(node.program)
        if name in own.lets:
            stack += reversed(own.lets[name].inputs)
        elif name in own.lagged:
            lagged = own.lagged[name]
            stack += (lagged.base, *lagged.inputs, *([lagged.lengths] if lagged.lengths else []))
        elif node.parts:
            stack += reversed(node.parts)
        else:
            found[name] = None
    return found
