"""Lowers the posterior of latents that are summed or integrated out: draws and probabilities.

Draws of a row are given its data, those of an element of a plate given the data of all rows.
"""

from __future__ import annotations

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Name, Signed
from specc.codegen.code.statements import Function, Parameter, Return
from specc.codegen.layout import Layout
from specc.codegen.lower.draws import emit_values
from specc.codegen.lower.marginals import RUNTIME
from specc.codegen.lower.points import points, without_unused
from specc.codegen.lower.scope import NOISE, Scope, steps
from specc.codegen.lower.shapes import states_of
from specc.codegen.lower.terms import Terms
from specc.codegen.plan import Factor, Input, Plan, ProgramPlan
from specc.codegen.row_terms import summed_in
from specc.codegen.signatures import element_sums, posterior_sums, summed_values
from specc.graph.graph import MODEL
from specc.objective.passes.shared import plate_of
from specc.objective.terms import Reduce, Term, parts_of, walk

SEVERAL = ("sample_sequence", "sample_values", "sample_elements", "sample_shared")
"""The functions that return a tuple of draws."""

DRAWS = Parameter("draws", "int")
"""The number of draws of the latents of elements."""

ENUMERATION = "specc.runtime.draws.enumeration"


def sample_posterior(plan: Plan, program: ProgramPlan) -> Function:
    """Return `sample_posterior`: a draw of the latents of each row given its data."""
    how = "given the data, for each row."
    return _sample(plan, program, "sample_posterior", posterior_sums(plan), how)


def sample_elements(plan: Plan, program: ProgramPlan) -> Function:
    """Return `sample_elements`: draws of the latents of each element given all rows."""
    how = "`draws` times given the data of all rows."
    return _sample(plan, program, "sample_elements", element_sums(plan), how, (DRAWS,))


def _sample(
    plan: Plan,
    program: ProgramPlan,
    method: str,
    sums: tuple[Reduce, ...],
    how: str,
    counts: tuple[Parameter, ...] = (),
) -> Function:
    """Return a method that draws the latents of some sums."""
    names = plan.methods[program.name][method]
    inside = {axis for term in sums for each in walk(term) for axis in _axes(each)}
    values = tuple(name for name in plan.objective.enumerated if name in inside)
    latents = tuple(n for n in values if any(n in term.axes for term in sums))
    owners: dict[str, Code] = {program.name: Name("self")}
    layout, draws = Layout.of(plan, values, 1), plan.objective.draws
    scope = Scope(plan, draws, owners, layout, fills=plan.filled, has_noise=True)
    points(scope, program, Name("self"))
    count = len(scope.statements)
    for name in values:
        with scope.on(program.name, name):
            emit_values(scope, program.factors[name], names)
    terms = Terms(scope)
    for term in sums:
        with scope.on(program.name, term.axes[0]):
            _draw(scope, terms, term)
    found = code.Dict(tuple((plan.python[name], scope.variable(name)) for name in latents))
    scope.add(Return(found))
    return Function(
        name=method,
        parameters=(Parameter("noise", "Noise"), *counts),
        keywords=tuple(Parameter(plan.python[name], "Tensor") for name in names),
        returns="dict[str, Tensor]",
        docstring=f"Draw {', '.join(latents)} {how}",
        body=without_unused(scope.statements, count),
    )


def _axes(term: Term) -> tuple[str, ...]:
    return term.axes if isinstance(term, Reduce) else ()


def posterior_probs(plan: Plan, program: ProgramPlan) -> Function:
    """Return `posterior_probs`: the probability of each value of latents that are summed out.

    It is the derivative of the log of the sum by a number that is added to the log-density of the
    value (Darwiche 2003, section 3).
    """
    names, density = plan.methods[program.name]["posterior_probs"], plan.objective.likelihood
    assert density is not None
    inside, finite = summed_in(density.parts), summed_values(plan)
    summed = tuple(name for name in plan.objective.enumerated if name in inside)
    owners: dict[str, Code] = {program.name: Name("self")}
    scope = Scope(plan, plan.objective.draws, owners, Layout.of(plan, summed, 1), fills=plan.filled)
    points(scope, program, Name("self"))
    count = len(scope.statements)
    for name in summed:
        with scope.on(program.name, name):
            emit_values(scope, program.factors[name], names)
    terms = Terms(scope)
    found = {name: _potential(scope, terms, name, names[0]) for name in finite}
    parts = [part for part in density.parts if summed_in((part,)) & set(finite)]
    sums = [code.method(terms.part(part).term, "sum") for part in parts]
    total = code.summed(tuple(Signed(False, each) for each in sums))
    potentials = code.Dict(tuple((plan.python[name], found[name]) for name in finite))
    shapes = {plan.python[n]: own for n in finite if (own := _entries(program.factors[n]))}
    listed = ((n, code.Literal(own)) for n, own in shapes.items())
    keywords = {"shapes": code.Dict(tuple(listed))} if shapes else {}
    target = code.function(f"{ENUMERATION}.state_probs")
    scope.add(Return(code.call(target, total, potentials, **keywords)))
    shown = ", ".join(f"p({name} | data)" for name in finite)
    return Function(
        name="posterior_probs",
        parameters=(),
        keywords=tuple(Parameter(plan.python[name], "Tensor") for name in names),
        returns="dict[str, Tensor]",
        docstring=f"{shown}, of each value (the last axis).",
        body=without_unused(scope.statements, count),
        differentiates=True,
    )


def _potential(scope: Scope, terms: Terms, name: str, data: Input) -> Name:
    """Emit `z_potential = torch.zeros(rows, 3, requires_grad=True)`, a number for each value.

    Terms add it to the log-density of `name`, where its last axis is that of the values.
    """
    graph, factor = scope.plan.graph.graph, scope.factor(MODEL, name)
    plate, own = plate_of(scope.plan.graph, factor.node), steps(factor.type)
    sizes: list[Code] = [code.Literal(graph.plates[plate])] if plate else []
    sizes += [scope.rows(data)] if factor.type.is_local else []
    sizes += [code.Literal(graph.scans[each].steps) for each in own]
    sizes.append(code.Literal(states_of(scope, name)))
    potential = Name(terms.fresh(f"{scope.plan.python[name]}_potential"))
    device = code.Attribute(scope.argument(data), "device")
    zeros = code.call(code.torch("zeros"), *sizes, requires_grad=True, device=device)
    scope.assign(potential.id, zeros)
    after = -scope.layout.axis(name) - 1 + len(own)
    terms.potentials[name] = code.call(code.function(f"{ENUMERATION}.on_axis"), potential, after)
    return potential


def _entries(factor: Factor) -> tuple[int, ...]:
    """Return the shape of the independent entries of a latent, whose values are those of each."""
    shape = factor.type.shape
    return shape[: len(shape) - len(factor.entry.result_dims)]


def _draw(scope: Scope, terms: Terms, term: Reduce) -> None:
    """Emit `z = sample_states(noise, log_p_z, log_p_x, values=z, axis=-3)`, or another function."""
    variables = [scope.variable(name) for name in term.axes]
    given: tuple[Code, ...]
    if term.how == "forward" and len(variables) > 1:
        _draw_together(scope, terms, term)
        return
    if term.how == "forward":
        given, keywords = terms.marginals.chain(term)
        keywords = {"values": variables[0], **keywords}
        target = f"{RUNTIME}.markov.sample_states"
    elif term.how in ("logsumexp", "elements"):
        of_elements = term.how == "elements"
        if of_elements:
            own, by_index = terms.of_elements(term)
            joint: tuple[Signed, ...] = (*own, *by_index.values())
        else:
            joint = tuple(terms.part(part) for part in parts_of(term.term))
        log_p = terms.fresh("log_p")
        scope.assign(log_p, code.Sum(joint))
        given = (Name(log_p), code.List(tuple(variables)))
        keywords = {"axes": tuple(scope.layout.axis(name) for name in term.axes)}
        keywords |= {"draws": Name(DRAWS.name)} if of_elements else {}
        kind = "sample_values"
        if of_elements:
            kind = "sample_elements" if terms.elements.plate(term.axes[0]) else "sample_shared"
        target = f"{ENUMERATION}.{kind}"
    else:
        given, keywords = terms.marginals.normals(term)
        is_sequence = scope.factor(MODEL, term.axes[0]).scan is not None
        kind = "sample_sequence" if is_sequence else "sample_normal"
        target = f"{RUNTIME}.linear_gaussian.{kind}"
    value: Code = code.call(code.function(target), NOISE, *given, **keywords)
    if target.endswith(SEVERAL) and len(variables) == 1:
        value = code.Subscript(value, (code.Literal(0),))
    scope.assign(tuple(each.id for each in variables), value)


def _draw_together(scope: Scope, terms: Terms, term: Reduce) -> None:
    """Emit `z, w = sample_joint_states(noise, [log_p_z, log_p_w], log_p_x, values=[z, w], ...)`."""
    moving, apart = terms.marginals.moving_first(term)
    variables = tuple(scope.variable(name) for name in (*moving, *apart))
    given, keywords = terms.marginals.chains(term)
    function = code.function(f"{RUNTIME}.coupled_chains.sample_joint_states")
    keywords = {"values": code.List(variables), **keywords}
    scope.assign(tuple(v.id for v in variables), code.call(function, NOISE, *given, **keywords))
