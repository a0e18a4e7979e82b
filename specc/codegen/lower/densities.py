"""Log-densities and divergences of nodes, with a number for each row."""

from __future__ import annotations

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Literal, Name
from specc.codegen.lower import shapes
from specc.codegen.lower.scope import NOISE, Scope, sum_last
from specc.codegen.lower.value import PARTICLE, Axis
from specc.codegen.lower.values import prepare
from specc.codegen.plan import Factor, Flow, Input, Missing
from specc.graph.graph import ROWS
from specc.objective.terms import Rows

LOGMEANEXP = code.function("specc.runtime.functions.reductions.logmeanexp")


def parameters(scope: Scope, factor: Factor) -> None:
    """Emit `z_loc, z_scale = guide.z_loc_scale(x)` unless these variables exist."""
    if factor.tensors and scope.once("parameters", *factor.node.id):
        prepare(scope, factor.node.program, factor.inputs)
        compute_parameters(scope, factor)


def compute_parameters(scope: Scope, factor: Factor) -> None:
    """Emit the parameters of a factor; the variables of their inputs exist."""
    program = factor.node.program
    given = [scope.given(program, factor.type, name) for name in factor.given]
    value = code.method(scope.owners[program], factor.method, *given)
    locals_ = tuple(a.local for a in factor.tensors)
    scope.assign(locals_, value, shapes.of_parameters(scope, factor))


def log_prob(
    scope: Scope,
    factor: Factor,
    local: str,
    *,
    detached: bool = False,
    rows: Rows = "all",
    apart: bool = False,
) -> None:
    """Emit `log_p_x = bernoulli.log_prob(x, x_logits).sum(-1)`.

    `rows` restricts it to rows with or without a value. With `apart` the axis of steps, or of the
    elements of a plate, is not summed over.
    """
    missing = scope.plan.missing.get(factor.node.name)
    if missing is not None and (rows != "all" or not missing.fills):
        given = scope.arguments(factor, detached)
        _masked(scope, factor, missing, local, rows, given, apart=apart)
        return
    value: Code = scope.variable(factor.node.name)
    log_det: tuple[str, str] | None = None
    if factor.flow is not None:
        value, log_det = Name(factor.flow.base), _log_det(scope, factor, factor.flow)
    given = [value, *scope.arguments(factor, detached)]
    density: Code = code.call(_log_density(scope, factor), *given)
    if log_det is None and factor.members == 1 and not apart and factor.lengths is None:
        shape = shapes.of_density(scope, factor, _axes(scope, factor))
        scope.assign(local, _summed(scope, factor, density), shape)
        return
    density = sum_last(density, factor.event_axes)
    plated = over_plates(scope, factor, local, apart=apart)
    if factor.members > 1:
        scope.assign(local, density)
        scope.assign(local, code.call(LOGMEANEXP, Name(local), dim=0))
    elif log_det is not None and plated is not None:
        scope.assign(local, density)
        scope.assign(local, code.Binary(log_det[0], Name(local), Name(log_det[1])))
    elif log_det is not None:
        shape = shapes.of_density(scope, factor, _axes(scope, factor))
        scope.assign(local, code.Binary(log_det[0], density, Name(log_det[1])), shape)
    else:
        scope.assign(local, density)
    if plated is not None:
        scope.assign(local, plated)


def _log_density(scope: Scope, factor: Factor) -> Code:
    """Return `bernoulli.log_prob`, or the function of a value that may be relaxed."""
    is_relaxed = scope.relaxed(factor.node.name) is not None
    return scope.density(factor, "relaxed_log_prob" if is_relaxed else "log_prob")


def _axes(scope: Scope, factor: Factor) -> frozenset[Axis]:
    """Return the axes of a density to the left of the rows: those of its value and its inputs."""
    return scope.outer_of((*factor.values, factor.node.name, *factor.inputs))


def _log_det(scope: Scope, factor: Factor, flow: Flow) -> tuple[str, str]:
    """Return the sign and the variable of the log-determinant to add: `- z_log_det`."""
    if ("base", *factor.node.id) in scope.made:
        return "-", flow.log_det
    prepare(scope, factor.node.program, flow.inputs)
    value = scope.variable(factor.node.name)
    scope.assign((flow.base, flow.log_det), through(scope, factor, flow, flow.inverse, value))
    return "+", flow.log_det


def through(
    scope: Scope, factor: Factor, flow: Flow, method: str, value: Code, *, estimated: bool = True
) -> Code:
    """Return the code `guide.z_forward(z_base, h)`; with noise if the log-det is an estimate."""
    program = factor.node.program
    given = [scope.given(program, factor.type, name) for name in flow.inputs]
    noise = {"noise": NOISE} if flow.stochastic and estimated and scope.has_noise else {}
    return code.method(scope.owners[program], method, value, *given, **noise)


def _masked(
    scope: Scope,
    factor: Factor,
    missing: Missing,
    local: str,
    rows: Rows,
    given: list[Code],
    *,
    apart: bool,
) -> None:
    """Emit a log-density masked by missing values.

    If `rows` is `missing`, rows with a value have density 0; if it is `known`, rows without one do,
    and the others are divided by the fraction of known rows; if it is `all`, missing entries have
    density 0.
    """
    value: Code = scope.variable(factor.node.name)
    if rows == "known" and factor.node.name in scope.layout.enumerated:
        value = scope.argument(factor.node.name)
    scope.assign(local, code.call(_log_density(scope, factor), value, *given))
    together = factor.event_axes - missing.rank
    if together:
        scope.assign(local, sum_last(Name(local), together))
    if factor.members > 1:
        scope.assign(local, code.call(LOGMEANEXP, Name(local), dim=0))
    plated = over_plates(scope, factor, local, apart=apart)
    count = len(factor.type.plates) - 1 if plated is not None and factor.lengths is None else 0
    pair = (Literal(0.0), Name(local)) if rows == "missing" else (Name(local), Literal(0.0))
    known = code.call(code.torch("where"), Name(missing.known), *pair)
    summed = sum_last(known, missing.rank + count)
    if rows == "known":
        summed = code.Binary("/", summed, Name(missing.fraction))
    scope.assign(local, summed)
    if plated is not None and not count:
        scope.assign(local, plated)


def divergence(scope: Scope, local: str, q: Factor, p: Factor, *, apart: bool = False) -> None:
    """Emit `kl_z = normal.kl_normal(z_loc, z_scale, 0.0, 1.0).sum(-1)`."""
    given = [*scope.arguments(q), *scope.arguments(p)]
    value = code.call(scope.density(q, f"kl_{p.entry.name}"), *given)
    if apart:
        scope.assign(local, sum_last(value, q.event_axes))
        return
    if q.lengths is None:
        summed = _over_elements(scope, q, value, q.event_axes)
        whole = _with_rows(scope, q, summed, (*q.inputs, *p.inputs))
        scope.assign(local, whole, shapes.of_divergence(scope, q, p))
        return
    scope.assign(local, sum_last(value, q.event_axes))
    plated = over_plates(scope, q, local)
    assert plated is not None
    scope.assign(local, plated)


def _summed(scope: Scope, factor: Factor, value: Code) -> Code:
    """Return a density summed over its event and its plates."""
    summed = _over_elements(scope, factor, value, factor.event_axes)
    return _with_rows(scope, factor, summed, factor.inputs)


def _over_elements(scope: Scope, factor: Factor, value: Code, event_axes: int) -> Code:
    """Return a density summed over its event and its plates.

    If an update leaves out elements of the plate, the others are weighed.
    """
    plates = [p for p in factor.type.plates if p != ROWS]
    weights = [scope.weights[p] for p in plates if p in scope.weights]
    if not weights:
        return sum_last(value, event_axes + len(plates))
    (weight,) = weights
    return sum_last(code.Binary("*", Name(weight), sum_last(value, event_axes)), 1)


def over_plates(scope: Scope, factor: Factor, local: str, *, apart: bool = False) -> Code | None:
    """Return a density summed over its plates, without the padding steps; None without plates."""
    plates = [p for p in factor.type.plates if p != ROWS]
    if apart or not plates:
        return None
    value: Code = Name(local)
    if factor.lengths is not None and factor.scan is not None:
        value = code.Binary("*", value, scope.mask(factor.scan, factor.lengths))
    return _with_rows(scope, factor, _over_elements(scope, factor, value, 0), factor.inputs)


def _with_rows(scope: Scope, factor: Factor, value: Code, inputs: tuple[Input, ...]) -> Code:
    """Return a global density with an axis of rows, if it has axes to the left of it."""
    shared = ROWS not in factor.type.plates and bool(factor.type.plates)
    outer = scope.outer_of(inputs) | (scope.outer_of((factor.node.name,)) & {PARTICLE})
    if shared and outer:
        return code.method(value, "unsqueeze", -1)
    return value
