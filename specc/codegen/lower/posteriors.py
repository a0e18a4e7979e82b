"""Lowers exact draws from the posterior of latents that are summed or integrated out."""

from __future__ import annotations

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Name
from specc.codegen.code.statements import Function, Parameter, Return
from specc.codegen.layout import Layout
from specc.codegen.lower.draws import emit_values
from specc.codegen.lower.points import points, without_unused
from specc.codegen.lower.scope import NOISE, Scope
from specc.codegen.lower.terms import RUNTIME, Terms
from specc.codegen.plan import Plan, ProgramPlan
from specc.codegen.signatures import posterior_sums
from specc.graph.graph import MODEL
from specc.objective.terms import Reduce


def sample_posterior(plan: Plan, program: ProgramPlan) -> Function:
    """Return `sample_posterior`: a draw of the latents of each row given its data."""
    sums, names = posterior_sums(plan), plan.methods[program.name]["sample_posterior"]
    inside = {axis for term in sums for axis in term.axes}
    latents = tuple(name for name in plan.objective.enumerated if name in inside)
    owners: dict[str, Code] = {program.name: Name("self")}
    layout, draws = Layout.of(plan, latents, 1), plan.objective.draws
    scope = Scope(plan, draws, owners, layout, fills=plan.filled, has_noise=True)
    points(scope, program, Name("self"))
    count = len(scope.statements)
    for name in latents:
        with scope.on(program.name, name):
            emit_values(scope, program.factors[name], names)
    terms = Terms(scope)
    for term in sums:
        with scope.on(program.name, term.axes[0]):
            _draw(scope, terms, term)
    values = code.Dict(tuple((plan.python[name], scope.variable(name)) for name in latents))
    scope.add(Return(values))
    shown = ", ".join(latents)
    return Function(
        name="sample_posterior",
        parameters=(Parameter("noise", "Noise"),),
        keywords=tuple(Parameter(plan.python[name], "Tensor") for name in names),
        returns="dict[str, Tensor]",
        docstring=f"Draw {shown} given the data, for each row.",
        body=without_unused(scope.statements, count),
    )


def _draw(scope: Scope, terms: Terms, term: Reduce) -> None:
    """Emit `z = sample_states(noise, log_p_z, log_p_x, values=z, axis=-3)`, or another function."""
    variables = [scope.variable(name) for name in term.axes]
    given: tuple[Code, ...]
    if term.how == "forward":
        given, keywords = terms.chain(term)
        keywords = {"values": variables[0], **keywords}
        target = f"{RUNTIME}.markov.sample_states"
    elif term.how == "logsumexp":
        log_p = terms.fresh("log_p")
        scope.assign(log_p, code.Sum(tuple(terms.part(part) for part in terms.parts(term.term))))
        given = (Name(log_p), code.List(tuple(variables)))
        keywords = {"axes": tuple(scope.layout.axis(name) for name in term.axes)}
        target = "specc.runtime.draws.enumeration.sample_values"
    else:
        given, keywords = terms.normals(term)
        is_sequence = scope.factor(MODEL, term.axes[0]).scan is not None
        kind = "sample_sequence" if is_sequence else "sample_normal"
        target = f"{RUNTIME}.linear_gaussian.{kind}"
    value: Code = code.call(code.function(target), NOISE, *given, **keywords)
    several = target.endswith(("sample_sequence", "sample_values"))
    if several and len(variables) == 1:
        value = code.Subscript(value, (code.Literal(0),))
    scope.assign(tuple(each.id for each in variables), value)
