"""Lowers a plan to a class for each program and a function for each loss."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from specc.codegen.code.statements import Class, Function, Parameter
from specc.codegen.lower.capabilities import capabilities
from specc.codegen.lower.layers import layers
from specc.codegen.lower.methods import node_methods
from specc.codegen.lower.objective import loss
from specc.codegen.plan import Plan, ProgramPlan
from specc.codegen.text import factorization


class Generated(Struct, frozen=True):
    """The generated code: classes by program, and losses by player."""

    classes: Mapping[str, Class]
    losses: Mapping[str, Function]


def lower(plan: Plan) -> Generated:
    """Return the classes and losses of a plan."""
    classes = {name: class_of(plan, program) for name, program in plan.programs.items()}
    losses = {player.name: loss(plan, player) for player in plan.objective.players}
    return Generated(MappingProxyType(classes), MappingProxyType(losses))


def class_of(plan: Plan, program: ProgramPlan) -> Class:
    """Return the class of a program, with its layers, and methods of nodes and of the program."""
    return Class(
        name=program.class_name,
        docstring=f"{_on_one_line(factorization(plan, program))}.",
        start=tuple(layers(program)),
        methods=(*node_methods(plan, program), *capabilities(plan, program)),
        parameters=tuple(Parameter(n, plan.programs[n].class_name) for n in program.owners),
    )


WIDEST = 89
"""The length of a summary that fits on one line with its indent, quotes and full stop."""


def _on_one_line(formula: str) -> str:
    """Return a factorization, without its right side if it is too long for a summary."""
    left = formula.partition(" = ")[0]
    return formula if len(formula) <= WIDEST else f"{left} = the product of its factors"
