"""Which terms and nodes belong to each row, and which count once for all rows."""

from __future__ import annotations

from collections.abc import Iterable

from specc.codegen.plan import Factor, Plan, ProgramPlan
from specc.graph.graph import MODEL, ROWS
from specc.objective.terms import Divergence, LogProb, Part, Reduce, parts_of, walk


def is_local(factor: Factor) -> bool:
    """Whether each row has a value of its own."""
    return ROWS in factor.type.plates


def split(program: ProgramPlan) -> tuple[list[Factor], list[Factor]]:
    """Return the local factors, with a value for each row, and the global ones."""
    factors = [program.factors[n] for n in program.order if n in program.factors]
    return [f for f in factors if is_local(f)], [f for f in factors if not is_local(f)]


def is_shared(plan: Plan, part: Part) -> bool:
    """Whether a part depends on global nodes alone, so that it counts once for all rows."""
    if isinstance(part.term, LogProb):
        return not is_local(plan.program(part.term.program).factors[part.term.node])
    if isinstance(part.term, Reduce):
        return all(is_shared(plan, each) for each in parts_of(part.term.term))
    if not isinstance(part.term, Divergence):
        return False
    return not is_local(plan.programs[MODEL].factors[part.term.node])


def prior_terms(plan: Plan, program: ProgramPlan) -> tuple[Part, ...]:
    """Return the terms of the nodes that rows share, with latents of elements summed out."""
    names = [factor.node.name for factor in split(program)[1]]
    density = plan.objective.likelihood or plan.objective.joint
    draws = plan.objective.draws
    if density is None or not any(n in draws and draws[n].has_axis for n in names):
        return tuple(Part(1.0, LogProb(program.name, name)) for name in names)
    return tuple(part for part in density.parts if is_shared(plan, part))


def summed_in(parts: Iterable[Part]) -> frozenset[str]:
    """Return the latents that are summed out inside some terms."""
    terms = (term for part in parts for term in walk(part.term))
    return frozenset(axis for term in terms if isinstance(term, Reduce) for axis in term.axes)


def drawn_of_prior(plan: Plan, program: ProgramPlan) -> tuple[str, ...]:
    """Return the latents that all rows share, without those that are summed out."""
    draws = plan.objective.draws
    own = (name for factor in split(program)[1] for name in factor.values)
    return tuple(name for name in own if name not in draws or not draws[name].has_axis)
