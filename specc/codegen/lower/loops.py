"""Lowers nodes that depend on each other across steps to a loop over the steps."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Literal, Name
from specc.codegen.code.statements import Evaluate, For
from specc.codegen.loops import outside
from specc.codegen.lower.scope import NOISE, Scope, shape_of
from specc.codegen.lower.value import PARTICLE, Axis
from specc.codegen.plan import Factor, Input, LaggedValue, Let, ProgramPlan

SEQUENCES = "specc.runtime.functions.sequences"
Ranked = tuple[str, int]
"""A variable that each step computes, with the rank of its event."""
Step = Callable[[str], list[Ranked]]
"""A function that lowers one node at one step, and returns the variables to be stacked."""


def initial(scope: Scope, lagged: LaggedValue) -> Code:
    """Return the value before the first step."""
    if not lagged.method:
        return Literal(lagged.number)
    given = (scope.variable(name) for name in lagged.inputs)
    return code.method(scope.owners[lagged.node.program], lagged.method, *given)


class Loop(Struct, frozen=True):
    """A loop of one program; the variables of its inputs (`outside` and `starts`) exist.

    With `draws` random nodes are sampled in the loop, for each row and particle.
    """

    scope: Scope
    program: ProgramPlan
    names: tuple[str, ...]
    draws: bool

    @property
    def lagged(self) -> list[LaggedValue]:
        """The lagged values that each step passes to the next one."""
        return [self.program.lagged[n] for n in self.names if n in self.program.lagged]

    @property
    def lets(self) -> list[Let]:
        """The deterministic nodes in the loop."""
        return [self.program.lets[n] for n in self.names if n in self.program.lets]

    @property
    def factors(self) -> list[Factor]:
        """The random nodes in the loop."""
        return [self.program.factors[n] for n in self.names if n in self.program.factors]

    @property
    def is_reverse(self) -> bool:
        """Whether the loop runs from the last step to the first."""
        return any(not lagged.is_lag for lagged in self.lagged)

    def lower(self, step: Step) -> None:
        """Emit `for x_t in x.unbind(-2): ...`; `step` lowers each node of the loop."""
        scope = self.scope
        inputs = self._sequences()
        self._mask()
        first = self.lets[0].node if self.lets else self.factors[0].node
        with scope.on(self.program.name, first.name):
            for lagged in self.lagged:
                scope.assign(scope.python(lagged.node.name), self._start(lagged, inputs))
            collected = Name(f"{first.scan}_steps")
            scope.assign(collected.id, code.List())
            targets, over = self._header(inputs)
            with scope.block() as body:
                made = self._steps(inputs, step)
                item = code.Tuple(tuple(Name(name) for name, _ in made))
                one = item if len(made) > 1 else Name(made[0][0])
                scope.add(Evaluate(code.method(collected, "append", one)))
                for lagged in self._farthest_first():
                    scope.assign(scope.python(lagged.node.name), self._next(lagged))
            scope.add(For(targets, over, tuple(body)))
            self._stack(collected, made)
            for name in self.names:  # values have the axis of steps again
                scope.define(self.program.name, name, scope.outer_of((name,)))
        # After the loop these variables have the value of the last step instead of all steps.
        for lagged in self.lagged:
            scope.unmark_value(lagged.node)

    def at(self, pick: Callable[[Input], Code], step: Step) -> None:
        """Emit the nodes at one step, at which the lagged values have the variables of the step.

        `pick` gives the value of an input at that step.
        """
        scope, inputs = self.scope, self._sequences()
        for name in inputs:
            scope.assign(f"{scope.python(name)}_t", pick(name))
        self._steps(inputs, step)

    def start(self) -> Code:
        """Return the value before the first step, in the shape of a draw for each row."""
        (lagged,) = self.lagged
        return self._start(lagged, self._sequences())

    def _steps(self, inputs: list[Input], step: Step) -> list[Ranked]:
        """Lower the nodes at one step, with variables of that step as inputs."""
        scope, outer = self.scope, self.scope.step
        scope.step = {name: f"{scope.python(name)}_t" for name in inputs}
        has_particles = self._has_particles()
        for lagged in self.lagged:
            scope.mark_value(lagged.node)
            own = scope.outer_of((lagged.node.name,)) - {PARTICLE}
            particle = {PARTICLE} if has_particles else set[Axis]()
            scope.define(self.program.name, lagged.node.name, own | particle)
        made = [ranked for name in self.names for ranked in step(name)]
        scope.step = outer
        return made

    def _has_particles(self) -> bool:
        if self.draws:
            return self.scope.layout.has_particles
        return PARTICLE in self.scope.outer_of(self._used())

    def _mask(self) -> Name | None:
        """Return the mask of valid steps, if the sequence is reverse and rows have lengths."""
        for lagged in self.lagged:
            if lagged.lengths is not None and lagged.node.scan is not None:
                return self.scope.mask(lagged.node.scan, lagged.lengths)
        return None

    def _farthest_first(self) -> list[LaggedValue]:
        """Return the lagged values, each before the nearer one whose value it takes."""
        far = {
            each.node.name: abs(each.node.shift.offset) for each in self.lagged if each.node.shift
        }
        return sorted(self.lagged, key=lambda each: -far[each.node.name])

    def _next(self, lagged: LaggedValue) -> Code:
        """Return the lagged value for the next step; rows that have not begun keep their start."""
        scope, value, mask = self.scope, self.scope.variable(lagged.base), self._mask()
        if mask is None:
            return value
        masked = code.function(f"{SEQUENCES}.masked_update")
        start, now = scope.variable(lagged.node.name), Name(f"{mask.id}_t")
        return code.call(masked, value, start, now, dims=len(lagged.type.shape))

    def _sequences(self) -> list[Input]:
        """Return the inputs with an axis of steps, over which the loop iterates."""
        return [n for n in outside(self.program, self.names) if self._is_sequence(n)]

    def _is_sequence(self, name: Input) -> bool:
        return self.scope.value(self.program.name, name).is_sequence

    def _start(self, lagged: LaggedValue, inputs: list[Input]) -> Code:
        """Return the value before the first step, in the full shape if it is used for sampling."""
        scope, shape = self.scope, lagged.type.shape
        is_class = scope.plan.graph.classes.get(lagged.node.id) is not None
        sizes: list[object] = list(shape)
        zero = code.method(NOISE, "zeros", code.Tuple(()))
        like: Code = zero
        if self.draws:
            outer: list[object] = []
            if scope.layout.has_particles:
                outer = [Name("particles"), *(1 for _ in scope.layout.enumerated)]
            sizes = [*outer, scope.count(lagged.type), *sizes]
        else:
            like = self._like(inputs)
            mask = self._mask()
            if mask is not None and not self._has_rows():
                lengths = code.Subscript(code.Attribute(mask, "shape"), (code.Slice(None, -1),))
                sizes = [code.Star(lengths), *sizes]
        if self.draws and not is_class and lagged.number == 0:
            return code.method(NOISE, "zeros", shape_of(sizes))
        made = code.function(f"{SEQUENCES}.initial_value")
        kind = {"integer": True} if is_class else {}
        return code.call(made, initial(scope, lagged), shape_of(sizes), like=like, **kind)

    def _like(self, inputs: list[Input]) -> Code:
        """Return a tensor on the device of the values: an input, or a learnable parameter."""
        scope = self.scope
        found = [scope.variable(name) for name in (*inputs, *self._used())]
        if found:
            return found[0]
        if scope.has_noise:
            return code.method(NOISE, "zeros", code.Tuple(()))
        parameters = code.method(scope.owners[self.program.name], "parameters")
        return code.call(Name("next"), parameters)

    def _used(self) -> list[Input]:
        """Return the inputs of the deterministic nodes from outside the loop."""
        return [n for let in self.lets for n in let.inputs if n not in self.names]

    def _has_rows(self) -> bool:
        """Whether the values at the first step have an axis of rows through their inputs."""
        values = (self.scope.value(self.program.name, name) for name in self._used())
        return any(value.is_local for value in values)

    def _rank(self, name: Input) -> int:
        return self.scope.value(self.program.name, name).rank

    def _header(self, inputs: list[Input]) -> tuple[tuple[str, ...], Code]:
        """Return `for x_t, h_t in zip(x.unbind(-2), h.unbind(-2), strict=True):`."""
        scope = self.scope
        over: list[Code] = [
            code.method(scope.variable(name), "unbind", -1 - self._rank(name)) for name in inputs
        ]
        names = [f"{scope.python(name)}_t" for name in inputs]
        if self.is_reverse:
            over = [code.call(Name("reversed"), each) for each in over]
        mask = self._mask()
        if mask is not None:
            over.append(code.call(Name("reversed"), code.method(mask, "unbind", -1)))
            names.append(f"{mask.id}_t")
        if len(names) > 1:
            return tuple(names), code.call(Name("zip"), *over, strict=True)
        if names:
            return tuple(names), over[0]
        scan = next(b.node.scan for b in self.lagged)
        assert scan is not None
        return ("_",), code.call(Name("range"), scope.plan.graph.graph.size_of(scan))

    def _stack(self, collected: Name, made: list[Ranked]) -> None:
        """Emit the values of all steps, stacked along an axis before the event."""
        items: Code = collected
        if self.is_reverse:
            items = code.Subscript(collected, (code.Slice(step=-1),))
        if len(made) == 1:
            name, rank = made[0]
            self.scope.assign(name, code.call(code.torch("stack"), items, -1 - rank))
            return
        stack = code.function(f"{SEQUENCES}.stack_steps")
        ranks = shape_of(rank for _, rank in made)
        self.scope.assign(tuple(name for name, _ in made), code.call(stack, items, ranks))
