"""Lowers draws of random nodes: samples, samples through bijections, or all values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from specc.catalog.arithmetic import broadcast
from specc.catalog.entry import Shape
from specc.catalog.supports import BOOLEAN, Integers
from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Name
from specc.codegen.code.statements import Define, Function, Parameter, Return
from specc.codegen.loops import outside, starts
from specc.codegen.lower import shapes
from specc.codegen.lower.densities import compute_parameters, parameters, through
from specc.codegen.lower.loops import Loop, Ranked
from specc.codegen.lower.scope import NOISE, Scope, expand_mask, shape_of, steps
from specc.codegen.lower.value import PARTICLE, Axis
from specc.codegen.lower.values import let_step, prepare, split
from specc.codegen.names import python_name
from specc.codegen.plan import Argument, Factor, Flow, Input, LinkModule, Missing, ProgramPlan
from specc.graph.graph import GUIDE, MODEL, ROWS
from specc.objective.passes.shared import plate_of

Sizes = list[object]
"""The sizes of a shape: numbers and code."""


def draw(scope: Scope, program: ProgramPlan, name: str, function: str) -> None:
    """Emit a sample of a node by `sample` or `rsample`, in a loop with others if necessary."""
    loop = program.loop_of(name)
    if not loop:
        factor = program.factors[name]
        sample(scope, factor, function if factor.entry.reparameterized else "sample")
        return
    if not scope.once("loop", program.name, loop[-1]):
        return
    prepare(scope, program.name, outside(program, loop))
    prepare(scope, program.name, starts(program, loop))

    def step(each: str) -> list[Ranked]:
        if each in program.factors:
            return _one_step(scope, program.factors[each], function)
        return let_step(scope, program, each)

    Loop(scope, program, loop, draws=True).lower(step)


def _one_step(scope: Scope, factor: Factor, function: str) -> list[Ranked]:
    """Emit a sample at one step; return it with the variables that its density needs."""
    way = function if function == "sample" or factor.entry.reparameterized else "sample"
    sample(scope, factor, way)
    made = [(scope.python(factor.node.name), len(factor.type.shape))]
    if function == "sample" and GUIDE not in scope.owners:
        return made
    tensors = factor.tensors if factor.causal is None else ()
    made += [(argument.local, len(argument.shape)) for argument in tensors]
    if factor.flow is not None and ("base", *factor.node.id) in scope.made:
        made += [(factor.flow.base, len(factor.drawn)), (factor.flow.log_det, 0)]
    return made


def sample(scope: Scope, factor: Factor, function: str) -> None:
    """Emit `z = normal.rsample(noise, z_loc, z_scale)`, mapped through its bijections."""
    name = factor.node.name
    missing = scope.filled(name)
    local = scope.python(name) if missing is None else missing.sampled
    local = factor.flow.base if factor.flow is not None else local
    if factor.causal is not None:
        _in_order(scope, factor, factor.causal, function, local)
    else:
        parameters(scope, factor)
        shape = _shape(scope, factor)
        keywords = {} if shape is None else {"shape": shape}
        made = _drawn(scope, factor, function, keywords)
        scope.assign(local, made, shapes.of_draw(scope, factor, factor.drawn))
    if factor.flow is not None:
        _forward(scope, factor, factor.flow)
    if missing is not None:
        _fill(scope, factor, missing)
    particle = {PARTICLE} if scope.layout.has_particles else set[Axis]()
    outer = scope.outer_of(factor.inputs) - {PARTICLE} | particle
    scope.define(factor.node.program, name, outer)
    split(scope, factor.node)


def _drawn(scope: Scope, factor: Factor, function: str, keywords: Mapping[str, object]) -> Code:
    """Return `normal.rsample(noise, z_loc, z_scale)`; a relaxed draw has other functions.

    straight_through(bernoulli.relaxed_sample(noise, z_logits, 0.5), bernoulli.harden)
    """
    relaxed = scope.relaxed(factor.node.name)
    function = function if relaxed is None else "relaxed_sample"
    numbers = () if relaxed is None else relaxed.numbers.values()
    given = (*scope.arguments(factor), *map(code.number, numbers))
    made = code.call(scope.density(factor, function), NOISE, *given, **keywords)
    if relaxed is None or not relaxed.variant.hardens:
        return made
    rounded = code.function("specc.runtime.draws.relaxed.straight_through")
    return code.call(rounded, made, scope.density(factor, "harden"))


def _in_order(scope: Scope, factor: Factor, link: LinkModule, function: str, local: str) -> None:
    """Emit `x = ancestral(draw, ...)`, where draw(x) samples each entry given earlier ones."""
    prepare(scope, factor.node.program, factor.inputs)
    name, owner = scope.python(factor.node.name), scope.owners[factor.node.program]
    drawn = f"draw_{python_name(factor.node.name)}"
    with scope.block() as body:
        compute_parameters(scope, factor)
        scope.add(Return(_drawn(scope, factor, function, {})))
    inner = Function(
        drawn, (Parameter(name, "Tensor"),), (), "Tensor", "", tuple(body), is_method=False
    )
    scope.add(Define(inner))
    zeros = code.method(NOISE, "zeros", shape_of(_sizes(scope, factor, scope.layout.has_particles)))
    network = code.Attribute(owner, link.attribute)
    if factor.remembers:
        kind, orders = "ancestral_with_memory", network
    else:
        kind = "ancestral_mixture" if factor.members > 1 else "ancestral"
        orders = code.Attribute(network, "order")
    given = (Name(drawn), zeros, orders)
    ancestral = code.Reference(kind, f"specc.runtime.draws.ancestral.{kind}")
    items = (NOISE, *given) if factor.members > 1 else given
    scope.assign(local, code.call(ancestral, *items))


def _forward(scope: Scope, factor: Factor, flow: Flow) -> None:
    """Emit `z, z_log_det = guide.z_forward_and_log_det(z_base)`, or the value alone."""
    prepare(scope, factor.node.program, flow.inputs)
    value, base = scope.python(factor.node.name), Name(flow.base)
    made = through(scope, factor, flow, flow.forward, base, estimated=flow.scored)
    if not flow.scored:
        scope.assign(value, code.method(made, "detach"))
        return
    if not scope.has_densities:
        scope.assign(value, code.Subscript(made, (code.Literal(0),)))
        return
    both = [shapes.of_draw(scope, factor, event) for event in (factor.type.shape, ())]
    scope.assign((value, flow.log_det), made, ", ".join(filter(None, both)))
    scope.made.add(("base", *factor.node.id))


def _fill(scope: Scope, factor: Factor, missing: Missing) -> None:
    """Emit `y_imputed = torch.where(y_known, y, y_sampled)`."""
    name = factor.node.name
    known = expand_mask(missing.known, len(factor.type.shape) - missing.rank)
    filled = code.call(code.torch("where"), known, scope.argument(name), Name(missing.sampled))
    scope.renamed[name] = missing.imputed
    scope.assign(missing.imputed, filled)


# the shape of a draw


def _shape(scope: Scope, factor: Factor) -> Code | None:
    """Return the argument `shape=` of a sample; None if the parameters have that shape."""
    layout, given = scope.layout, scope.outer_of(factor.given)
    needs = layout.has_particles and PARTICLE not in given
    local = ROWS in factor.type.plates
    # All values of an enumerated node are the same for every row, and so is what depends on them
    # alone; each row has a sample of its own all the same.
    varies = local and shapes.have_rows(scope, factor, factor.given)
    covers = _cover(factor.tensors, factor) and (varies or not local)
    if covers and not needs and (local or not factor.given):
        return None
    full = next((a for a in factor.tensors if _is_full(scope, a, factor)), None)
    if full is not None and varies and needs:
        ones = (1,) * _axes_before(scope, factor)
        shape = code.Star(code.Attribute(Name(full.local), "shape"))
        return shape_of((Name("particles"), *ones, shape))
    return shape_of(_sizes(scope, factor, needs or layout.has_particles))


def _is_full(scope: Scope, argument: Argument, factor: Factor) -> bool:
    """Whether a parameter has all axes that any parameter has, so that it has a sample's shape."""
    alike = argument.parameter.dims == factor.entry.result_dims
    axes = scope.enumerated_of(factor.given)
    return alike and _cover((argument,), factor) and scope.enumerated_of(argument.inputs) == axes


def _axes_before(scope: Scope, factor: Factor) -> int:
    """Return the number of enumerated axes to the left of those of the parameters."""
    order = scope.layout.enumerated
    present = scope.enumerated_of(factor.given)
    return min((order.index(axis) for axis in present), default=len(order))


def _sizes(scope: Scope, factor: Factor, particles: bool) -> Sizes:
    graph, kind = scope.plan.graph.graph, factor.type
    local = ROWS in kind.plates
    inner: Sizes = [scope.count(kind)] if local else [_elements(scope, p) for p in kind.plates]
    if local and scope.step is None:
        inner += [graph.size_of(plate) for plate in steps(kind)]
    present, axes = scope.enumerated_of(factor.given), scope.layout.enumerated
    if not particles:
        axes = axes[_axes_before(scope, factor) :]
    outer: Sizes = [Name("particles")] if particles else []
    outer += [shapes.states_of(scope, a) if a in present else 1 for a in axes]
    outer += [1] if outer and not inner else []
    return [*outer, *inner, *factor.drawn]


def _elements(scope: Scope, plate: str) -> int | Code:
    """Return the number of elements of a plate that are drawn: all, or those of an update."""
    weight = scope.weights.get(plate)
    if weight is None:
        return scope.plan.graph.graph.plates[plate]
    return code.Subscript(code.Attribute(Name(weight), "shape"), (code.Literal(0),))


def _cover(arguments: Sequence[Argument], factor: Factor) -> bool:
    """Whether the parameters together broadcast to the event and the plates of a sample."""
    batch: Shape | None = ()
    plates: frozenset[str] = frozenset()
    for argument in arguments:
        own = argument.own[: len(argument.own) - len(argument.parameter.dims)]
        batch = None if batch is None else broadcast(batch, own)
        plates |= argument.plates
    result = factor.drawn[: len(factor.drawn) - len(factor.entry.result_dims)]
    return bool(arguments) and batch == result and set(factor.type.plates) <= plates


# all values along an axis


def emit_values(scope: Scope, factor: Factor, data: Sequence[Input]) -> None:
    """Emit all values of an enumerated node, or the probe points of one that is integrated out."""
    if scope.draws[factor.node.name].is_integrated:
        _probe_points(scope, factor)
    else:
        enumerate_values(scope, factor, data)


def _on_axis(scope: Scope, name: str) -> frozenset[Axis]:
    """Return the axes of all values of a node: its own, and that of particles if it has one."""
    return scope.outer_of((name,)) & {PARTICLE} | {Axis("enumerated", scope.layout.on(name))}


def _probe_points(scope: Scope, factor: Factor) -> None:
    """Emit `z = probe_points(8, like=x).view(9, 1, 8)`: points that determine an affine map."""
    name, shape = factor.node.name, factor.type.shape
    seen = scope.plan.programs[MODEL].factors.values()
    like = next(f for f in seen if f.node.role == "observed" and f.entry.gaussian)
    ones = (1,) * (-scope.layout.axis(name) - 1 + len(steps(factor.type)))
    probe_points = code.function("specc.runtime.functions.linear_gaussian.probe_points")
    made = code.call(probe_points, math.prod(shape), like=scope.variable(like.node.name))
    viewed = code.method(made, "view", shapes.states_of(scope, name), *ones, *shape)
    scope.assign(scope.python(name), viewed)
    scope.define(factor.node.program, name, _on_axis(scope, name))


def enumerate_values(scope: Scope, factor: Factor, data: Sequence[Input]) -> None:
    """Emit all values of a finite node along its axis, with the device of the data."""
    name, kind = factor.node.name, factor.type
    missing = scope.filled(name)
    classes = scope.plan.graph.classes.get(factor.node.id)
    if factor.entry.result_dims:
        classes = kind.shape[-1]
    elif classes is None and isinstance(kind.support, Integers) and kind.support != BOOLEAN:
        classes = int(kind.support.high) + 1
    dtype, device = _dtype(scope, factor, data), code.Attribute(scope.argument(data[0]), "device")
    called = scope.density(factor, "enumerate_values")
    if missing is not None:
        scope.renamed[name] = missing.values
    value = scope.variable(name)
    scope.assign(value.id, code.call(called, classes=classes, dtype=dtype, device=device))
    independent = kind.shape[: len(kind.shape) - len(factor.entry.result_dims)]
    if independent:
        every = code.member("specc.runtime.draws.enumeration", "every_state")
        scope.assign(value.id, code.call(every, value, independent))
    right = (1,) * (-scope.layout.axis(name) - 1 + len(steps(kind)))
    sizes = (shapes.states_of(scope, name), *right, *kind.shape)
    viewed, plate = code.method(value, "view", *sizes), plate_of(scope.plan.graph, factor.node)
    if plate is not None:  # an index selects elements, so that each has all values
        count = scope.plan.graph.graph.plates[plate]
        sizes = (*sizes[: len(right)], count, *kind.shape)
        viewed = code.method(viewed, "expand", *sizes)
    shape = f"[{', '.join(map(str, sizes))}]" if scope.has_shapes else ""
    scope.assign(value.id, viewed, shape)
    scope.define(factor.node.program, name, _on_axis(scope, name))
    if missing is not None:
        _allowed(scope, factor, missing)


def _allowed(scope: Scope, factor: Factor, missing: Missing) -> None:
    """Emit `y_allowed = (y_values == y) | ~y_known`, the values that agree with the data."""
    name, rank = factor.node.name, len(factor.type.shape)
    known = expand_mask(missing.known, rank - missing.rank)
    same = code.Binary("==", scope.variable(name), scope.argument(name))
    allowed: Code = code.Binary("|", same, code.Unary("~", known))
    if rank > 1:
        allowed = code.method(allowed, "flatten", -rank)
    if rank:
        allowed = code.method(allowed, "all", -1)
    scope.assign(missing.allowed, allowed)


def _dtype(scope: Scope, factor: Factor, data: Sequence[Input]) -> Code:
    """Return the dtype of the values of a finite node: `torch.long` for classes, else a float."""
    if factor.node.id in scope.plan.graph.classes:
        return code.torch("long")
    if scope.has_noise:
        return code.Attribute(NOISE, "dtype")
    known = (scope.value(MODEL, name) for name in data if name in scope.plan.data)
    floats = [value.name for value in known if value.dtype.startswith("float")]
    if not floats:
        return code.call(code.torch("get_default_dtype"))
    return code.Attribute(Name(floats[0]), "dtype")
