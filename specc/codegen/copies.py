"""The plan of a copy of a program inside a loss: the same methods, at other values."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from msgspec.structs import replace

from specc.codegen.loops import loops
from specc.codegen.names import Names, python_name
from specc.codegen.plan import Argument, Factor, Flow, Input, LaggedValue, Let, ProgramPlan
from specc.graph.graph import Program


def plan_copy(original: ProgramPlan, copy: Program, python: Names) -> ProgramPlan:
    """Return the plan of a copy, given that of the program."""
    renamed = _Renamed(copy, python)
    own = {called: name for name, called in copy.names.items()}
    order = [(name, own[name]) for name in copy.order]
    factors, lets, lagged = original.factors, original.lets, original.lagged
    return ProgramPlan(
        name=copy.name,
        class_name=original.class_name,
        density_name=original.density_name,
        modules=(),
        heads=(),
        learnable=original.learnable,
        buffers=(),
        factors=MappingProxyType({n: renamed.factor(factors[o]) for n, o in order if o in factors}),
        lets=MappingProxyType({n: renamed.let(lets[o]) for n, o in order if o in lets}),
        order=copy.order,
        lagged=MappingProxyType({n: renamed.lagged(lagged[o]) for n, o in order if o in lagged}),
        loops=loops(copy),
        let_loops=loops(copy, lets_only=True),
    )


class _Renamed:
    """Replaces the names of values in the parts of a plan by those of a copy."""

    def __init__(self, copy: Program, python: Names) -> None:
        self.copy, self.python = copy, python

    def name(self, name: str) -> str:
        """Return the name of a value in the copy; values of other programs are unchanged."""
        return self.copy.names.get(name, name)

    def inputs(self, inputs: Iterable[Input]) -> tuple[Input, ...]:
        """Return the renamed inputs of a method."""
        return tuple(self.name(each) if isinstance(each, str) else each for each in inputs)

    def _fresh(self, variable: str) -> str:
        """Return the name of a new variable for a value of the copy."""
        prefix = self.copy.name.removesuffix(".draw")
        return self.python.fresh(python_name(f"{prefix}.{variable.rstrip('_')}"))

    def factor(self, factor: Factor) -> Factor:
        """Return a density at the values of the copy."""
        return replace(
            factor,
            node=self.copy.nodes[self.name(factor.node.name)],
            inputs=self.inputs(factor.inputs),
            given=self.inputs(factor.given),
            arguments=tuple(map(self._argument, factor.arguments)),
            conditional=self._conditional(factor),
            flow=None if factor.flow is None else self._flow(factor.flow),
        )

    def _argument(self, argument: Argument) -> Argument:
        local = self._fresh(argument.local)
        return replace(argument, local=local, inputs=self.inputs(argument.inputs))

    def _flow(self, flow: Flow) -> Flow:
        base, log_det = self._fresh(flow.base), self._fresh(flow.log_det)
        return replace(flow, base=base, log_det=log_det, inputs=self.inputs(flow.inputs))

    def _conditional(self, factor: Factor) -> str:
        given = ", ".join(map(str, self.inputs(factor.inputs)))
        values = ", ".join(self.name(name) for name in factor.values)
        return f"{values} | {given}" if given else values

    def let(self, let: Let) -> Let:
        """Return a deterministic node of the copy."""
        node = self.copy.nodes[self.name(let.node.name)]
        return replace(let, node=node, inputs=self.inputs(let.inputs))

    def lagged(self, lagged: LaggedValue) -> LaggedValue:
        """Return a lagged value of the copy."""
        return replace(
            lagged,
            node=self.copy.nodes[self.name(lagged.node.name)],
            base=self.name(lagged.base),
            inputs=self.inputs(lagged.inputs),
        )
