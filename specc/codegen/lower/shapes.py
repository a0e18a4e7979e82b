"""The shapes of values in the comments of a loss: `[K, B, 16]`.

A shape is [particles, enumerated values..., rows, plates..., *event]. K and B are the numbers of
particles and rows; other sizes are numbers. There are no such comments inside a loop over steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from specc.catalog.entry import Shape
from specc.codegen.dependencies import values_behind
from specc.codegen.lower.scope import Scope, steps
from specc.codegen.lower.value import PARTICLE, Axis
from specc.codegen.plan import Argument, Factor, Input
from specc.graph.element import Element
from specc.graph.graph import ROWS
from specc.objective.passes.draws import states

PARTICLES, BATCH = "K", "B"


def states_of(scope: Scope, name: str) -> int:
    """Return the length of the axis of a node that is summed or integrated out."""
    element = scope.plan.graph.graph.model.nodes.get(name)
    name = element.base if isinstance(element, Element) else name
    drawn = scope.draws[name]
    node = scope.plan.graph.graph.node((drawn.program, name))
    if drawn.is_integrated:
        return 1 + math.prod(scope.plan.graph.types[node.id].shape)
    return int(states(scope.plan.graph, node))


def shape(
    scope: Scope, factor: Factor, axes: Iterable[Axis], plates: Iterable[str], event: Shape
) -> str:
    """Return a shape in brackets, empty if it is not shown."""
    if not scope.has_shapes or scope.step is not None or factor.members > 1:
        return ""
    graph, held = scope.plan.graph.graph, set(axes)
    enumerated = scope.layout.enumerated
    if enumerated and (steps(factor.type) or not set(enumerated) <= set(scope.draws)):
        return ""
    outer = [PARTICLES] if PARTICLE in held else []
    for name in enumerated:
        is_held = Axis("enumerated", name) in held
        outer += [str(states_of(scope, name))] if is_held else ["1"] if outer else []
    known = set(plates)
    if not known <= set(factor.type.plates):
        return ""
    ordered = [p for p in factor.type.plates if p in known]
    inner = [BATCH if p == ROWS else str(graph.size_of(p)) for p in ordered]
    inner = inner or (["1"] if outer else [])
    return f"[{', '.join([*outer, *inner, *map(str, event)])}]"


def of_parameters(scope: Scope, factor: Factor) -> str:
    """Return the shapes of the computed parameters, separated by commas."""
    found = [_of_argument(scope, factor, argument) for argument in factor.tensors]
    return ", ".join(found) if all(found) and factor.causal is None else ""


def _of_argument(scope: Scope, factor: Factor, argument: Argument) -> str:
    axes = scope.outer_of(argument.inputs)
    has_rows = have_rows(scope, factor, argument.inputs)
    plates = argument.plates if has_rows else argument.plates - {ROWS}
    own, full = argument.own, argument.shape
    if argument.parameter.dims and own != full:
        return ""  # a vector of equal entries may be repeated
    if has_rows and not set(steps(factor.type)) <= plates:
        return ""  # an axis of one step may be added
    aligned = (1,) * (len(full) - len(own)) + own if axes or plates else own
    return shape(scope, factor, axes, plates, aligned)


def have_rows(scope: Scope, factor: Factor, inputs: tuple[Input, ...]) -> bool:
    """Whether values vary over the rows; all values of an enumerated node do not."""
    behind = values_behind(scope.plan, factor.node.program, inputs)
    varying = (name for name in behind if name not in scope.layout.enumerated)
    return any(scope.value(factor.node.program, name).is_local for name in varying)


def of_draw(scope: Scope, factor: Factor, event: Shape) -> str:
    """Return the shape of a draw, with the axes of its inputs and of particles."""
    particles = {PARTICLE} if scope.layout.has_particles else set[Axis]()
    axes = scope.outer_of(factor.inputs) - {PARTICLE} | particles
    return shape(scope, factor, axes, factor.type.plates, event)


def of_divergence(scope: Scope, q: Factor, p: Factor) -> str:
    """Return the shape of a divergence, with an axis of rows if anything in it varies over them."""
    if ROWS not in q.type.plates:
        return ""
    own = () if q.causal is None else q.values  # a causal link takes the draw itself
    axes = scope.outer_of((*own, *q.inputs, *p.inputs))
    has_rows = bool(own) or have_rows(scope, q, q.inputs) or have_rows(scope, p, p.inputs)
    return shape(scope, q, axes, (ROWS,) if has_rows else (), ())


def of_density(scope: Scope, factor: Factor, axes: Iterable[Axis]) -> str:
    """Return the shape of a log-density of a node, with an axis of rows."""
    is_joint = len(factor.values) > 1 and bool(scope.layout.enumerated)
    if ROWS not in factor.type.plates or is_joint:
        return ""
    is_drawn = factor.node.name not in scope.layout.enumerated
    has_rows = is_drawn or have_rows(scope, factor, factor.inputs)
    return shape(scope, factor, axes, (ROWS,) if has_rows else (), ())
