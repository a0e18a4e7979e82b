"""Lowers the densities of programs with an energy: log Z, and log p of the data."""

from __future__ import annotations

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import SELF, Code, Lambda, Name, Signed
from specc.codegen.code.statements import Define, Function, Parameter, Return
from specc.codegen.layout import Layout
from specc.codegen.lower.scope import Scope
from specc.codegen.lower.terms import Terms
from specc.codegen.lower.values import computed, prepare
from specc.codegen.plan import Input, Let, Plan, ProgramPlan
from specc.codegen.signatures import PSEUDO, UNNORMALIZED
from specc.codegen.text import of_single_entries, signed_sum
from specc.graph import nodes
from specc.graph.blocks import (
    conditions,
    couples_itself,
    depends_on_units,
    hidden,
    reads_own_entry,
    visible,
)
from specc.graph.graph import ENERGY, FREE_ENERGY, Program
from specc.objective.passes.energy_densities import unnormalized_joint
from specc.objective.terms import Energy, LogProb, Part, StateSum

CONDITIONALS = code.function("specc.runtime.draws.conditionals.log_conditionals")
LOG_SUM_EXP = code.function("specc.runtime.draws.states.log_sum_exp")


def _scope(plan: Plan, program: ProgramPlan) -> Scope:
    owners: dict[str, Code] = {program.name: SELF}
    return Scope(plan, {}, owners, Layout())


def _method(plan: Plan, program: ProgramPlan, name: str, scope: Scope, about: str) -> Function:
    inputs = plan.methods[program.name][name]
    return Function(
        name=name,
        parameters=(),
        keywords=tuple(Parameter(plan.python[n], "Tensor") for n in inputs),
        returns="Tensor",
        docstring=about,
        body=(*scope.head(inputs), *scope.statements),
    )


def _likelihood(plan: Plan) -> tuple[Part, ...]:
    assert plan.objective.likelihood is not None
    return plan.objective.likelihood.parts


def log_z(plan: Plan, program: ProgramPlan) -> Function:
    """Return `log_z`: the log of the sum of exp(-E) over all values of all units."""
    return _state_sum(plan, program, "log_z", _likelihood(plan)[-1].term, "log Z")


def free_energy(plan: Plan, program: ProgramPlan) -> Function:
    """Return `free_energy` of the data, where it is a sum over states of latent units."""
    term = next(p.term for p in _likelihood(plan) if isinstance(p.term, StateSum))
    return _state_sum(plan, program, "free_energy", term, "F")


def _state_sum(plan: Plan, program: ProgramPlan, name: str, term: object, symbol: str) -> Function:
    assert isinstance(term, StateSum)
    scope, inputs = _scope(plan, program), plan.methods[program.name][name]
    let = program.lets[term.node]
    fixed = tuple(n for n in let.inputs if not _varies(plan, program, n, term.units))
    prepare(scope, program.name, fixed)
    if not term.units:
        scope.add(Return(code.Unary("-", computed(scope, let))))
        return _method(plan, program, name, scope, _about(plan, program, name, term))
    weight = _weight(scope, program, let, term.units)
    rows = {"rows": Name("rows")} if inputs else {}
    spaces = [_values(scope, program, unit) for unit in term.units]
    total: Code = code.call(LOG_SUM_EXP, weight, *spaces, **rows)
    scope.add(Return(code.Unary("-", total) if symbol == "F" else total))
    return _method(plan, program, name, scope, _about(plan, program, name, term))


def _weight(scope: Scope, program: ProgramPlan, let: Let, units: tuple[str, ...]) -> Code:
    """Return the function -E of some units, which is emitted if it has several lines."""
    taken = tuple(scope.plan.python[unit] for unit in units)
    with scope.block() as body:
        prepare(scope, program.name, let.inputs)
        value = code.Unary("-", computed(scope, let))
    if not body and len(taken) == 1:
        return Lambda(taken[0], value)
    parameters = tuple(Parameter(each, "Tensor") for each in taken)
    returned = (*body, Return(value))
    made = Function("log_weight", parameters, (), "Tensor", "", returned, is_method=False)
    scope.add(Define(made))
    return Name("log_weight")


def _varies(plan: Plan, program: ProgramPlan, name: Input, units: tuple[str, ...]) -> bool:
    """Whether an input is one of some units, or computed from one of them."""
    if not isinstance(name, str):
        return False
    graph = plan.graph.graph.programs[program.name]
    return name in units or (name in program.lets and depends_on_units(graph, name))


def _values(scope: Scope, program: ProgramPlan, unit: str) -> Code:
    """Emit the values of one entry of a unit; return them with the shape of the entries."""
    return code.Tuple(_entry_values(scope, program, unit))


def _entry_values(scope: Scope, program: ProgramPlan, unit: str) -> tuple[Code, Code]:
    factor, name = program.factors[unit], f"{scope.plan.python[unit]}_values"
    shape, rank = factor.type.shape, len(factor.entry.result_dims)
    like = _like(program)
    keywords: dict[str, object] = {"classes": shape[-1]} if rank else {}
    keywords |= {each: code.Attribute(like, each) for each in ("dtype", "device")}
    scope.assign(name, code.call(scope.density(factor, "enumerate_values"), **keywords))
    sizes = tuple(map(code.Literal, shape[: len(shape) - rank]))
    return Name(name), code.Tuple(sizes)


def _like(program: ProgramPlan) -> Code:
    """Return a tensor of the program that has the dtype and the device of its parameters."""
    if program.learnable:
        return code.Attribute(SELF, program.learnable[0].raw)
    return code.call(Name("next"), code.method(SELF, "parameters"))


def log_prob(plan: Plan, program: ProgramPlan) -> Function:
    """Return `log_prob`: log p of the data, -F - log Z, for each row."""
    scope, parts = _scope(plan, program), []
    for part in _likelihood(plan):
        assert isinstance(part.term, Energy)
        negative = part.coefficient < 0
        if isinstance(part.term, StateSum):
            is_z = part is _likelihood(plan)[-1]
            name = "log_z" if is_z else "free_energy"
            own = plan.methods[program.name][name]
            given: dict[str, object] = {plan.python[n]: scope.variable(n) for n in own}
            parts.append(Signed(negative or not is_z, code.method(SELF, name, **given)))
            continue
        let = program.lets[part.term.node]
        prepare(scope, program.name, let.inputs)
        parts.append(Signed(negative, computed(scope, let)))
    scope.add(Return(code.summed(tuple(parts))))
    inputs = plan.methods[program.name]["log_prob"]
    nodes = plan.graph.graph.programs[program.name].nodes
    data = ", ".join(str(n) for n in inputs if nodes[str(n)].role == "observed")
    given_names = ", ".join(str(n) for n in inputs if nodes[str(n)].role == "given")
    about = f"log p({data}{' | ' + given_names if given_names else ''}), for each row."
    return _method(plan, program, "log_prob", scope, about)


def unnormalized_log_joint(plan: Plan, program: ProgramPlan) -> Function:
    """Return `unnormalized_log_joint`: -F of the visible units plus log p of the nodes below."""
    scope, joint = _scope(plan, program), unnormalized_joint(plan.graph.graph)
    assert joint is not None
    terms, parts = Terms(scope), []
    for part in joint.parts:
        if isinstance(part.term, Energy):
            let = program.lets[part.term.node]
            prepare(scope, program.name, let.inputs)
            parts.append(Signed(part.coefficient < 0, computed(scope, let)))
        else:
            parts.append(terms.part(part))
    scope.add(Return(code.summed(tuple(parts))))
    about = f"{signed_sum(plan, joint.parts)}, for each row: the joint density up to log Z."
    return _method(plan, program, UNNORMALIZED, scope, about)


def log_pseudolikelihood(plan: Plan, program: ProgramPlan) -> Function:
    """Return `log_pseudolikelihood`: the sum of log p of each entry given the others, [rows]."""
    scope = _scope(plan, program)
    terms, total = Terms(scope), []
    graph = plan.graph.graph.programs[program.name]
    for unit in visible(graph):
        with scope.on(program.name, unit):
            if _is_direct(plan, graph, unit):
                term = terms.term(LogProb(program.name, unit))
            else:
                term = _by_energies(scope, program, unit)
        total.append(Signed(False, Name(term)))
    scope.add(Return(code.summed(tuple(total))))
    about = f"{' + '.join(of_single_entries(plan))}, for each row."
    return _method(plan, program, PSEUDO, scope, about)


def _is_direct(plan: Plan, graph: Program, unit: str) -> bool:
    """Whether the parameters of a unit given all others are those of each entry given the data."""
    if any(name in hidden(graph) for name in conditions(graph, unit)):
        return False
    return not couples_itself(graph, unit) or not reads_own_entry(plan.graph, graph, unit)


def _by_energies(scope: Scope, program: ProgramPlan, unit: str) -> str:
    """Emit log p of the entries of a unit, from the energies at the other values of each entry."""
    name = scope.plan.python[unit]
    let = program.lets[FREE_ENERGY if FREE_ENERGY in program.lets else ENERGY]
    graph = scope.plan.graph.graph.programs[program.name]
    prepare(scope, program.name, tuple(n for n in let.inputs if not _moves(program, graph, n)))
    weight = _weight(scope, program, let, (unit,))
    values, _ = _entry_values(scope, program, unit)
    scope.assign(f"log_p_{name}", code.call(CONDITIONALS, weight, Name(name), values))
    return f"log_p_{name}"


def _moves(program: ProgramPlan, graph: Program, name: Input) -> bool:
    return isinstance(name, str) and name in program.lets and depends_on_units(graph, name)


def _about(plan: Plan, program: ProgramPlan, name: str, term: StateSum) -> str:
    inputs, let = plan.methods[program.name][name], program.lets[term.node]
    of = f"({', '.join(map(str, inputs))})" if inputs else ""
    left = f"log Z{of}" if name == "log_z" else f"F{of}"
    each = ", for each row" if inputs else ""
    minus = "" if name == "log_z" else "-"
    called = f"{let.method}({', '.join(map(str, let.inputs))})"
    if not term.units:
        return f"{left} = -{called}{each}."
    own = plan.graph.graph.programs[program.name].energy
    assert own is not None
    found = own.log_z if name == "log_z" else own.of_row
    assert found is not None
    states = f"2^{found.log2_states:g}" if found.log2_states % 1 == 0 else _count(found)
    units = ", ".join(term.units)
    return f"{left} = {minus}log sum_{{{units}}} exp(-{called}), over {states} states{each}."


def _count(found: nodes.StateSum) -> str:
    """Return the number of states that is no power of 2."""
    return f"{round(2**found.log2_states):,}"
