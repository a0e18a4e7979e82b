"""Lowers the methods of nodes: parameters of densities, deterministic values, bijections."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from msgspec import Struct

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import SELF, Code, Mapped, Name, Tuple
from specc.codegen.code.statements import Assign, Evaluate, Function, Parameter, Return, Statement
from specc.codegen.lower.ends import ends_method, onto_support
from specc.codegen.lower.events import Event, align
from specc.codegen.lower.expressions import Expressions
from specc.codegen.plan import (
    Argument,
    Factor,
    Flow,
    Input,
    LaggedValue,
    LearnableParameter,
    Let,
    Plan,
    ProgramPlan,
)
from specc.codegen.text import written
from specc.graph.element import Element
from specc.graph.pieces import Pieces
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call
from specc.language.expressions.walk import names

LONG = 86
"""The longest docstring that fits in one line."""


def node_methods(plan: Plan, program: ProgramPlan) -> Iterator[Function]:
    """Yield the methods of each node, in the order of the program."""
    lowering = Methods(plan, program)
    for item in (*program.learnable, *program.shared_learnable):
        if item.ends is not None:
            yield ends_method(plan, program, item)
        if item.raw != item.attribute:
            yield mapped_parameter(item)
    for name in program.order:
        if name in program.lets:
            yield lowering.let(program.lets[name])
        elif name in program.lagged and program.lagged[name].method:
            yield lowering.initial(program.lagged[name])
        elif name in program.factors:
            factor = program.factors[name]
            if factor.tensors:
                yield lowering.parameters(factor)
            if factor.flow is not None:
                yield lowering.forward(factor, factor.flow)
                yield lowering.inverse(factor, factor.flow)


def mapped_parameter(item: LearnableParameter) -> Function:
    """Return a property that maps an unconstrained tensor onto the support of its parameter."""
    sizes = ["rows", *map(str, item.shape[1:])] if item.of_rows else [*map(str, item.shape)]
    shown = f"[{', '.join(sizes)}]" if sizes else "a number"
    return Function(
        name=item.attribute,
        parameters=(),
        keywords=(),
        returns="Tensor",
        docstring=f"{item.node.name} = {item.constrainer.code.format(item.raw)}: {shown}.",
        body=(Return(onto_support(item)),),
        about=f"{item.node.program}.{item.node.name}",
        is_property=True,
    )


class _Direction(Struct, frozen=True):
    """One direction of a composition of bijections, from variable `taken` to variable `made`.

    `called` is the method of a bijection, empty if it is called itself; with `scored` the method
    also returns the log-determinant.
    """

    method: str
    taken: str
    made: str
    steps: tuple[Call, ...]
    called: str
    docstring: str
    scored: bool = True


class Methods:
    """Lowers the methods of one program."""

    def __init__(self, plan: Plan, program: ProgramPlan) -> None:
        self.plan = plan
        self.expressions = Expressions(plan, program)

    def _tensors(self, names: tuple[Input, ...]) -> tuple[Parameter, ...]:
        return tuple(Parameter(self.plan.python[name], "Tensor") for name in names)

    def let(self, let: Let) -> Function:
        """Return the method of a deterministic node."""
        read = self.expressions
        event = read.event if isinstance(let.node, Element) else read.number
        value = align(event(let.expression), len(let.type.shape))
        shown = ", ".join(["...", *map(str, let.type.shape)])
        name, formula = let.node.name, written(let.expression)
        if name.isidentifier() or let.node.is_copy:
            formula = f"{name} = {formula}"
        words = f"{formula}: [{shown}]."
        made = value.code if let.buffer is None else code.Attribute(SELF, let.buffer.attribute)
        return Function(
            name=let.method,
            parameters=self._tensors(let.inputs),
            keywords=(),
            returns="Tensor",
            docstring=words if len(words) <= LONG else f"{name}: [{shown}].\n\n{formula}.",
            body=(Return(made),),
            about=f"{let.node.program}.{let.node.name}",
        )

    def initial(self, lagged: LaggedValue) -> Function:
        """Return the method with the value of a lagged node before the first step."""
        shift = lagged.node.shift
        assert shift is not None
        base = self.plan.graph.graph.lookup(lagged.node.program, shift.base)
        assert base is not None
        value = self.expressions.aligned(lagged.initial, lagged.type.shape)
        far = "" if not shift.nearer else f"{abs(shift.offset)} steps "
        when = f"{far}before the first step" if lagged.is_lag else f"{far}after the last step"
        shown = ", ".join(map(str, lagged.type.shape))
        return Function(
            name=lagged.method,
            parameters=self._tensors(lagged.inputs),
            keywords=(),
            returns="Tensor",
            docstring=f"{shift.base} {when}, {written(lagged.initial)}: [{shown}].",
            body=(Return(value),),
            about=f"{base.program}.{base.name}",
        )

    # parameters of a density

    def parameters(self, factor: Factor) -> Function:
        """Return the method that computes the parameters of a density."""
        features, body = self._trunk(factor)
        values = tuple(self._parameter(a, features) for a in factor.tensors)
        count = len(values)
        return Function(
            name=factor.method,
            parameters=self._tensors(factor.given),
            keywords=(),
            returns="Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]",
            docstring=_factor_docstring(factor),
            body=(*body, Return(values[0] if count == 1 else Tuple(values))),
            about=f"{factor.node.program}.{factor.node.name}",
        )

    def _trunk(self, factor: Factor) -> tuple[tuple[Code, ...], tuple[Statement, ...]]:
        """Return the input of the heads, and the statements that compute it."""
        if factor.trunk is None:
            return (), ()
        assert isinstance(factor.trunk, Call)
        given = self.expressions.link_input(factor.trunk)
        module = self.expressions.modules[factor.trunk.function]
        taken = {self.plan.python[name] for name in factor.given}
        name = next(n for n in ("h", "features", "hidden", "h_features") if n not in taken)
        if module.lowered.layers:
            value: Code = code.call(code.Attribute(SELF, module.attribute), *given)
        else:
            (value,) = given
            if isinstance(value, Name) and value.id in taken:
                return given, ()
        return (Name(name),), (Assign((name,), value),)

    def _parameter(self, argument: Argument, features: tuple[Code, ...]) -> Code:
        if argument.head is not None:
            onto = argument.head.constrainer
            head = code.call(code.Attribute(SELF, argument.head.attribute), *features)
            return Mapped(onto.code, head, onto.runtime)
        if argument.buffer is not None:
            value: Code = code.Attribute(SELF, argument.buffer.attribute)
        else:
            assert argument.expression is not None
            event = self.expressions.number(argument.expression)
            value = _repeated(argument, align(event, len(argument.shape)))
        if argument.alternative is None:
            return value
        inverse = self.plan.graph.graph.functions[argument.alternative.function]
        return code.call(code.target(inverse.target), value)

    # bijections

    def forward(self, factor: Factor, flow: Flow) -> Function:
        """Return the method from a draw to the value, with the log-determinant if `flow.scored`."""
        x, u = self.plan.python[factor.node.name], flow.base
        words = f"{x} = {_applied(flow, u)}"
        words += f", and log |det d{x}/d{u}|." if flow.scored else "."
        called = "" if flow.scored else "forward_value"
        return self._directed(
            factor, flow, _Direction(flow.forward, u, x, flow.steps, called, words, flow.scored)
        )

    def inverse(self, factor: Factor, flow: Flow) -> Function:
        """Return the method from a value to the draw, with the log-determinant."""
        x, u = self.plan.python[factor.node.name], flow.base
        words = f"The {u} of {x} = {_applied(flow, u)}, and log |det d{u}/d{x}|."
        return self._directed(
            factor, flow, _Direction(flow.inverse, x, u, flow.steps[::-1], "inverse", words)
        )

    def _directed(self, factor: Factor, flow: Flow, direction: _Direction) -> Function:
        names = dict.fromkeys((direction.taken, *(self.plan.python[name] for name in flow.inputs)))
        noise = [Parameter("noise", "Noise | None", "None")] if flow.stochastic else []
        return Function(
            name=direction.method,
            parameters=(
                *(Parameter(name, "Tensor") for name in names),
                *(noise if direction.scored else []),
            ),
            keywords=(),
            returns="tuple[Tensor, Tensor]" if direction.scored else "Tensor",
            docstring=direction.docstring,
            body=self._steps(flow, direction),
            about=f"{factor.node.program}.{factor.node.name}",
        )

    def _steps(self, flow: Flow, direction: _Direction) -> tuple[Statement, ...]:
        steps = [self._one(step, direction, n, flow) for n, step in enumerate(direction.steps)]
        if len(steps) == 1 or not direction.scored:
            *begun, (before, last) = steps
            earlier = ((*own, Assign((direction.made,), call)) for own, call in begun)
            return (*chain.from_iterable(earlier), *before, Return(last))
        names = [f"log_det_{number}" for number in range(1, len(steps) + 1)]
        each = (
            (*own, Assign((direction.made, name), call))
            for name, (own, call) in zip(names, steps, strict=True)
        )
        total = code.Sum(tuple(code.Signed(False, Name(name)) for name in names))
        return (*chain.from_iterable(each), Return(Tuple((Name(direction.made), total))))

    def _one(
        self, step: Call, direction: _Direction, number: int, flow: Flow
    ) -> tuple[tuple[Statement, ...], Code]:
        """Return the statements before the call of one bijection, and the call."""
        pieces = flow.pieces[flow.steps.index(step)]
        if not pieces:
            return (), self._step(step, direction, number, flow)
        taken = Name(direction.taken if number == 0 else direction.made)
        body, mapped = self._in_order(step, pieces, taken, direction.called == "inverse")
        return body, mapped if direction.scored else code.Subscript(mapped, (code.Literal(0),))

    def _in_order(
        self, step: Call, pieces: Pieces, taken: Name, is_inverse: bool
    ) -> tuple[tuple[Statement, ...], Code]:
        """Return the maps of the pieces of a vector one after the other, and what they give.

        pieces = self.f.in_order(latents_base)
        a = pieces.next()
        pieces.next((1 - a).unsqueeze(-1))
        pieces.mapped()
        """
        read = {name.id for _, ends in pieces for end in ends for name in names(end)}
        used = {self.plan.python[name] for name in read if name in self.plan.python}
        local = next(n for n in ("pieces", "mapped_pieces", "pieces_in_order") if n not in used)
        keywords = {"inverse": code.Literal(True)} if is_inverse else {}
        module = code.Attribute(SELF, self.expressions.modules[step.function].attribute)
        start = code.method(module, "in_order", taken, **keywords)
        body: list[Statement] = [Assign((local,), start)]
        for part, ends in pieces:
            given = (self.expressions.joined(ends),) if ends else ()
            image = code.method(Name(local), "next", *given)
            is_read = part in read
            body.append(Assign((self.plan.python[part],), image) if is_read else Evaluate(image))
        return tuple(body), code.method(Name(local), "mapped")

    def _step(self, step: Call, direction: _Direction, number: int, flow: Flow) -> Code:
        """Return the call of one bijection: `self.f.inverse(x, h)`."""
        module = self.expressions.modules[step.function]
        bijection: Code = code.Attribute(SELF, module.attribute)
        called = code.Attribute(bijection, direction.called) if direction.called else bijection
        given = self.expressions.link_input(step) if step.arguments else ()
        estimated = flow.stochastic and direction.scored
        estimated = estimated and getattr(module.link.entry, "stochastic", False)
        keywords = (("noise", Name("noise")),) if estimated else ()
        taken = Name(direction.taken if number == 0 else direction.made)
        return code.Call(called, (taken, *given), keywords)


def _repeated(argument: Argument, event: Event) -> Code:
    """Return a number as a vector of equal entries if the parameter is a vector."""
    is_vector = len(argument.parameter.dims) == 1 and argument.shape[-1] > 1
    if not is_vector or (argument.own and argument.own[-1] > 1):
        return event.code
    if event.varies:
        return code.method(event.code, "repeat_interleave", argument.shape[-1], -1)
    return code.method(event.code, "expand", argument.shape[-1])


def _applied(flow: Flow, base: str) -> str:
    """Return a composition as a formula with contexts: `positive(f(z_base; h))`."""
    shown = base
    for step in flow.steps:
        context = ", ".join(print_expression(argument) for argument in step.arguments)
        shown = f"{step.function}({shown}; {context})" if context else f"{step.function}({shown})"
    return shown


def _factor_docstring(factor: Factor) -> str:
    shapes = []
    for argument in factor.tensors:
        orders = [str(factor.members)] if factor.members > 1 else []
        shown = ", ".join([*orders, "...", *map(str, argument.shape)])
        shapes.append(f"{argument.parameter.name} [{shown}]")
    statement, made = f"{factor.conditional} ~ {factor.sampled_from}", ", ".join(shapes)
    whole = f"{statement}: {made}."
    if len(whole) <= LONG:
        return whole
    values, kind = ", ".join(factor.values), factor.entry.name
    shorter = (
        f"{factor.conditional} ~ {kind}, its parameters",
        f"{values} ~ {kind}, given its parents",
    )
    first = next((text for text in (statement, *shorter) if len(text) <= 87), shorter[-1])
    return f"{first}.\n\nReturns {made}."
