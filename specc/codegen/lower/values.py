"""Lowers values that are computed, not drawn: deterministic, lagged and joint nodes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from specc.catalog.entry import Shape
from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Literal
from specc.codegen.loops import outside, starts
from specc.codegen.lower.events import flat
from specc.codegen.lower.expressions import Expressions
from specc.codegen.lower.loops import Loop, Ranked, initial
from specc.codegen.lower.scope import Scope
from specc.codegen.lower.value import PARTICLE, Axis, value_of
from specc.codegen.plan import Input, LaggedValue, Let, Mask, ProgramPlan
from specc.graph.blocks import depends_on_units
from specc.graph.counter import Counter
from specc.graph.element import Element
from specc.graph.graph import GUIDE, MODEL, NETWORKS, Program
from specc.graph.nodes import Node, NodeId
from specc.graph.queries import name_in_model

SEQUENCES = "specc.runtime.functions.sequences"
CONCAT = code.function("specc.runtime.functions.vectors.concat")


def prepare(scope: Scope, program: str, inputs: tuple[Input, ...]) -> None:
    """Emit the computed values among some inputs, and their inputs, unless they exist.

    A chain of deterministic nodes may be longer than the recursion limit, so the nodes whose inputs
    are being emitted are on a stack, each with its remaining inputs.
    """
    stack: list[tuple[Let | None, str, Iterator[Input]]] = [(None, program, iter(inputs))]
    while stack:
        let, user, rest = stack[-1]
        name = next(rest, None)
        if name is not None:
            below = _begin(scope, user, name)
            if below is not None:
                stack.append((below, below.node.program, iter(below.inputs)))
            continue
        stack.pop()
        if let is not None:
            _compute(scope, let)


def _begin(scope: Scope, program: str, name: Input) -> Let | None:
    """Emit an input unless it exists; return a deterministic node whose inputs come first."""
    if isinstance(name, Mask):
        return None
    found = scope.plan.graph.graph.lookup(program, name)
    if found is None or scope.has_value(found.id) or _reuse(scope, found):
        return None
    own = scope.plan.program(found.program)
    if isinstance(found, Element) and name in scope.layout.enumerated:
        _all_values(scope, found)
    elif name in own.lagged:
        _lagged(scope, own.lagged[name])
    elif name in own.lets and own.let_loop_of(name):
        _loop(scope, own, own.let_loop_of(name))
    elif name in own.lets:
        return own.lets[name]
    elif found.parts:
        join(scope, found)
    elif found.is_stepped:
        _stepped(scope, program, found)
    return None


def _reuse(scope: Scope, node: Node) -> bool:
    """Let a node in a draw have the value of its original; return whether it does.

    A value that the units of an energy do not affect is the same in all draws of them.

    All references to the guide use the same draws, so its deterministic nodes, and those of the
    model that it computes, are the same in densities and in the values of a loss. The variable of
    the original then stands for the node, too.
    """
    program = scope.plan.graph.graph.programs[node.program]
    if not program.is_draw:
        return False
    if _is_fixed(scope, program, node):
        return _same(scope, node, [(program.copy_of, _original(program, node))])
    if program.copy_of != GUIDE:
        return False
    scope.renamed.pop(node.name, None)
    original = _original(program, node)
    inside = name_in_model(scope.plan.graph.graph.node((GUIDE, original)))
    return _same(scope, node, [(GUIDE, original), *([(MODEL, inside)] if inside else [])])


def _is_fixed(scope: Scope, program: Program, node: Node) -> bool:
    """Whether a node of a draw of an energy is computed from given values alone."""
    original = scope.plan.graph.graph.programs[program.copy_of]
    is_let = node.role == "let" and original.energy is not None
    return is_let and not depends_on_units(program, node.name)


def _original(program: Program, node: Node) -> str:
    return next(name for name, copy in program.names.items() if copy == node.name)


def _same(scope: Scope, node: Node, alike: Iterable[NodeId]) -> bool:
    """Let a node have the first value that exists; return whether there is one."""
    known = next((each for each in alike if scope.has_value(each)), None)
    if known is None:
        return False
    scope.mark_same(node, known[1])
    return True


def deterministic(scope: Scope, let: Let) -> None:
    """Emit a deterministic node after its inputs."""
    prepare(scope, let.node.program, let.inputs)
    _compute(scope, let)


def _compute(scope: Scope, let: Let) -> None:
    """Emit `d = model.d(z)`; a node on a sequence gets an axis of steps if its value has none."""
    program = let.node.program
    scope.mark_value(let.node)
    with scope.on(program, let.node.name):
        value = computed(scope, let)
        if _is_constant_in_time(scope, let):
            assert let.node.scan is not None
            count = scope.plan.graph.graph.size_of(let.node.scan)
            each = code.function(f"{SEQUENCES}.expand_steps")
            value = code.call(each, value, count, dims=len(let.type.shape))
        scope.assign(scope.python(let.node.name), value)
    scope.inherit(program, let.node.name, let.inputs)


def computed(scope: Scope, let: Let) -> Code:
    """Return the call of a method, or the expression itself if it belongs to a loss."""
    program = let.node.program
    if program == NETWORKS:
        rank = len(let.type.shape)
        return Expressions(scope.plan, scope.plan.program(program), scope.owners).aligned(
            let.expression, (1,) * rank
        )
    given = [scope.given(program, let.type, name) for name in let.inputs]
    return code.method(scope.owners[program], let.method, *given)


def _is_constant_in_time(scope: Scope, let: Let) -> bool:
    """Whether a node on a sequence has the same value at each step, as its inputs have no steps."""
    if isinstance(let.node, Counter):
        return False
    used = (value_of(scope.plan, let.node.program, name) for name in let.inputs)
    return let.node.scan is not None and not any(value.is_sequence for value in used)


def _loop(scope: Scope, program: ProgramPlan, names: tuple[str, ...]) -> None:
    """Emit a loop over deterministic nodes that depend on each other across steps."""
    prepare(scope, program.name, outside(program, names))
    prepare(scope, program.name, starts(program, names))

    def step(name: str) -> list[Ranked]:
        return let_step(scope, program, name)

    Loop(scope, program, names, draws=False).lower(step)


def let_step(scope: Scope, program: ProgramPlan, name: str) -> list[Ranked]:
    """Emit a deterministic node at one step and return it; return [] for a lagged value."""
    if name not in program.lets:
        return []
    let = program.lets[name]
    deterministic(scope, let)
    return [(scope.python(name), len(let.type.shape))]


def _lagged(scope: Scope, lagged: LaggedValue) -> None:
    """Emit `z_prev = lag(z, 0.0, dims=1)`."""
    base, name = lagged.base, lagged.node.name
    program = lagged.node.program
    prepare(scope, program, (base, *lagged.inputs))
    scope.mark_value(lagged.node)
    function = code.function(f"{SEQUENCES}.{'lag' if lagged.is_lag else 'lead'}")
    assert lagged.node.shift is not None
    found = scope.plan.graph.graph.lookup(program, lagged.node.shift.base)
    assert found is not None
    with scope.on(found.program, found.name):
        values, start = _all_steps(scope, lagged), initial(scope, lagged)
        keywords: dict[str, object] = {"dims": len(lagged.type.shape)}
        if lagged.lengths is not None and lagged.node.scan is not None:
            keywords["mask"] = scope.mask(lagged.node.scan, lagged.lengths)
        scope.assign(scope.python(name), code.call(function, values, start, **keywords))
    outer = scope.outer_of((base, *lagged.inputs))
    if name in scope.layout.enumerated:
        outer = outer & {PARTICLE} | {Axis("enumerated", name)}
    scope.define(program, name, outer)


def _all_steps(scope: Scope, lagged: LaggedValue) -> Code:
    """Return the values of all steps; an enumerated node gets an axis for its lagged value."""
    value, rank = scope.variable(lagged.base), len(lagged.type.shape)
    if lagged.node.name not in scope.layout.enumerated:
        return value
    assert lagged.node.scan is not None
    count = scope.plan.graph.graph.size_of(lagged.node.scan)
    right = -scope.layout.axis(lagged.base) - 1
    sizes = (*(-1,) * (right + 2), count, *(-1,) * rank)
    return code.method(code.method(value, "unsqueeze", 1), "expand", *sizes)


def _all_values(scope: Scope, node: Element) -> None:
    """Emit `z_i = z.narrow(-1, 0, 1).view(3, 1, 1)`, all values of an element on its own axis."""
    kind, base = scope.plan.graph.types[node.id], scope.variable(node.base)
    scope.mark_value(node)
    with scope.on(node.program, node.name):
        one = code.method(base, "narrow", -1 - len(kind.shape), 0, 1)
        ones = (1,) * (-scope.layout.axis(node.name) - 1)
        scope.assign(scope.python(node.name), code.method(one, "reshape", -1, *ones, *kind.shape))
    scope.define(node.program, node.name, frozenset({Axis("enumerated", node.name)}))


def _stepped(scope: Scope, program: str, node: Node) -> None:
    """Emit `w = model.w`, a learnable parameter with a value for each step."""
    scope.mark_value(node)
    with scope.on(node.program, node.name):
        owner = node.program if node.program in scope.owners else program
        attribute = scope.plan.program(owner).parameter_of(node).attribute
        scope.assign(scope.python(node.name), code.Attribute(scope.owners[owner], attribute))


# joint nodes


def join(scope: Scope, node: Node) -> None:
    """Emit `xu = concat(x, u)` unless it exists; nothing for a node without parts."""
    if not node.parts or scope.has_value(node.id):
        return
    scope.mark_joint(node)
    with scope.on(node.program, node.name):
        parts = [_flat_part(scope, node, part) for part in node.parts]
        joined = code.call(CONCAT, *parts)
        scope.assign(scope.python(node.name), joined)
    scope.inherit(node.program, node.name, node.parts)


def split(scope: Scope, node: Node) -> None:
    """Emit `x, u = xu.split((64, 10), dim=-1)`, with each part in its own shape."""
    if not node.parts:
        return
    scope.mark_joint(node)
    joint, names = scope.variable(node.name), [scope.python(part) for part in node.parts]
    shapes = [_shape(scope, node, part) for part in node.parts]
    for part in node.parts:
        scope.inherit(node.program, part, (node.name,))
    wide = [_has_room(scope, node, part) for part in node.parts]
    if len(names) == 1:
        scope.assign(names[0], _reshaped(_narrow(joint, wide[0]), shapes[0]))
        return
    sizes = tuple(math.prod(shape) for shape in shapes)
    scope.assign(tuple(names), code.method(joint, "split", sizes, dim=-1))
    for name, shape, is_wide in zip(names, shapes, wide, strict=True):
        if len(shape) != 1 or is_wide:
            scope.assign(name, _reshaped(_narrow(code.Name(name), is_wide), shape))


def _shape(scope: Scope, node: Node, part: str) -> Shape:
    """Return the shape of a part in its joint draw, with the axis of its plate."""
    kind, plates = scope.plan.graph.type(node.program, part), scope.plan.graph.graph.plates
    return (*(plates[plate] for plate in kind.plates if plate in plates), *kind.shape)


def _flat_part(scope: Scope, node: Node, part: str) -> Code:
    """Return a part as a vector, with the axes before it that the joint draw has."""
    value = flat(scope.variable(part), len(_shape(scope, node, part)))
    return code.method(value, "unsqueeze", -2) if _has_room(scope, node, part) else value


def _has_room(scope: Scope, node: Node, part: str) -> bool:
    """Whether a joint draw has an axis of size 1 in place of rows, and a part that of its plate."""
    value = scope.value(node.program, part)
    return value.count("plate") > 0 and PARTICLE in value.outer


def _narrow(value: Code, is_wide: bool) -> Code:
    return code.method(value, "squeeze", -2) if is_wide else value


def _reshaped(value: Code, shape: Shape) -> Code:
    """Return a vector reshaped to an event."""
    if len(shape) == 1:
        return value
    if not shape:
        return code.method(value, "squeeze", -1)
    return code.call(code.Attribute(value, "unflatten"), Literal(-1), shape)
