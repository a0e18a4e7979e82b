"""Verifies the invariants of a plan; a violation is a bug of the compiler."""

from __future__ import annotations

import keyword
from collections import Counter

from specc.codegen.plan import Plan, ProgramPlan
from specc.graph.graph import DATA, MODEL


def verify_plan(plan: Plan) -> None:
    """Verify that names are unique identifiers, and that each parameter has one definition.

    Raises AssertionError.
    """
    assert {*plan.programs, *plan.inside} == set(plan.graph.graph.programs)
    for name in plan.python.values():
        assert name.isidentifier() and not keyword.iskeyword(name), name
    shared = {name for name in map(str, plan.python) if name.startswith((f"{DATA}.", "("))}
    shared |= {f"{MODEL}.{name}" for name in plan.graph.graph.model.nodes}
    unique = [python for name, python in plan.python.items() if str(name) not in shared]
    assert len(set(unique)) == len(unique)
    for program in plan.programs.values():
        _verify_program(program)


def _verify_program(program: ProgramPlan) -> None:
    attributes = [module.attribute for module in program.modules]
    attributes += [head.attribute for head in program.heads]
    attributes += [learnable.raw for learnable in program.learnable]
    attributes += [buffer.attribute for buffer in program.buffers]
    methods = [factor.method for factor in program.factors.values() if factor.tensors]
    methods += [let.method for let in program.lets.values()]
    twice = [name for name, count in Counter(attributes + methods).items() if count > 1]
    assert not twice, (program.name, twice)
    assert all(name.isidentifier() for name in attributes + methods), program.name
    for name, factor in program.factors.items():
        stated = () if factor.node.is_moved else factor.entry.parameters
        assert [a.parameter for a in factor.arguments] == list(stated), name
        for argument in factor.arguments:
            ways = (argument.number, argument.expression, argument.head, argument.buffer)
            assert sum(way is not None for way in ways) == 1, (name, argument.parameter.name)
            assert argument.head is None or factor.trunk is not None, name
