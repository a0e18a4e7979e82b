"""The statements that make values and densities: shared by the classes and by the objective."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specc.catalog.entry import Shape
from specc.codegen.emit.joint import join, split
from specc.codegen.emit.loop import Loop
from specc.codegen.emit.missing import agree, fill, masked_log_prob
from specc.codegen.emit.steps import is_alike, write_before, write_stepped
from specc.codegen.layout import Layout, over_last
from specc.codegen.plan import (
    Argument,
    Factor,
    Flow,
    Let,
    LinkModule,
    Missing,
    Plan,
    ProgramPlan,
    data_of,
)
from specc.codegen.writer import Writer
from specc.graph.graph import MODEL, ROWS, Node, Type
from specc.graph.passes.events import broadcast
from specc.objective.passes.draws import states
from specc.objective.terms import Rows


@dataclass(slots=True)
class Body:
    """Writes the body of one function.

    `owners` says what each program is called there (`self` inside its own class). `particles` and
    `axes` hold, for each value made so far, whether it has a particle axis and which enumerated.
    `pushed` are the nodes whose base draw and log-determinant are at hand since they were drawn.
    While `stepping` through a sequence the variables in `in_step` stand for one step of others, and
    no value has an axis of steps; with `open_steps` densities keep it. `masks` are the sequences
    whose mask of steps is at hand.
    Of the data in `fills` what is missing is drawn, and the rest kept.
    `counts_rows` says that a shape written so far uses the variable `rows`.
    """

    plan: Plan
    out: Writer
    imports: set[str]
    owners: Mapping[str, str]
    layout: Layout
    particles: dict[str, bool] = field(default_factory=dict)
    axes: dict[str, frozenset[str]] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)
    ready: set[tuple[str, str]] = field(default_factory=set)
    pushed: set[tuple[str, str]] = field(default_factory=set)
    in_step: dict[str, str] = field(default_factory=dict)
    masks: set[str] = field(default_factory=set)
    drawn: set[str] = field(default_factory=set)
    stepping: bool = False
    open_steps: bool = False
    fills: frozenset[str] = frozenset()
    counts_rows: bool = False

    def factor(self, program: str, name: str) -> Factor:
        """The factor of a node."""
        return self.plan.programs[program].factors[name]

    def python(self, name: str) -> str:
        """The variable that holds a node's value."""
        return self.plan.python[name]

    def prepare(self, program: str, inputs: tuple[str, ...]) -> None:
        """Make the deterministic nodes that come before."""
        for name in inputs:
            found = self.plan.graph.graph.lookup(program, name)
            if found is None or found.id in self.known:
                continue
            own = self.plan.programs[found.program]
            if name in own.befores:
                write_before(self, own.befores[name])
            elif name in own.lets and own.let_loop_of(name):
                self._let_loop(own, own.let_loop_of(name))
            elif name in own.lets:
                self._let(own.lets[name])
            elif found.parts:
                join(self, found)
            elif found.is_stepped:
                write_stepped(self, found)

    def hold(self, node: Node) -> None:
        """Note that a node's variable has its value now, and not that of another program's node."""
        self.known = {(program, name) for program, name in self.known if name != node.name}
        self.known.add(node.id)

    def _let(self, let: Let) -> None:
        program = let.node.program
        self.prepare(program, let.inputs)
        self.hold(let.node)
        with self.out.about(f"{program}.{let.node.name}"):
            given = ", ".join(self._given(program, let.type, name) for name in let.inputs)
            value = f"{self.owners[program]}.{let.method}({given})"
            if is_alike(self, let):
                assert let.node.scan is not None
                self.imports.add("specc.runtime.functions.each_step")
                steps = self.plan.graph.graph.size_of(let.node.scan)
                value = f"each_step({value}, {steps}, dims={len(let.type.shape)})"
            self.out.statement(f"{self.python(let.node.name)} = {value}")
        self.inherit(let.node.name, let.inputs)

    def _given(self, program: str, kind: Type, name: str) -> str:
        """The variable of an input; one that does not vary over the steps gets their axis."""
        if name in self.in_step:
            return self.in_step[name]
        node = self.plan.graph.graph.lookup(program, data_of(name))
        assert node is not None
        own = self.plan.graph.types[node.id]
        varies = own.is_local or self.particles.get(name, False)
        if self.stepping or _steps(kind) == _steps(own) or not varies:
            return self.python(name)
        # Left of the elements of a plate, which an index takes one of.
        plates = sum(plate in self.plan.graph.graph.plates for plate in own.plates)
        return f"{self.python(name)}.unsqueeze({-1 - plates - len(own.shape)})"

    # steps of a sequence

    def _let_loop(self, program: ProgramPlan, names: tuple[str, ...]) -> None:
        """Deterministic nodes that wait for each other from step to step."""
        Loop(self, program, names).write("", "")

    def draw(self, program: ProgramPlan, name: str, function: str) -> None:
        """A node by `sample` or `rsample`, with those that are drawn step by step with it."""
        loop = program.loop_of(name)
        if name in self.drawn:
            return
        if not loop:
            factor = program.factors[name]
            self.sample(factor, function if factor.entry.reparameterized else "sample")
            return
        self.drawn.update(loop)
        Loop(self, program, loop).write(function, "noise")

    def inherit(self, name: str, inputs: tuple[str, ...]) -> None:
        """Note that a value has the particle axis and the enumerated axes of what it is made of."""
        self.particles[name] = any(self.particles.get(i, False) for i in inputs)
        self.axes[name] = self._axes_of(inputs)

    def takes_before(self, program: str, name: str) -> bool:
        """Whether a density depends on the step before of a node that is summed out."""
        factor = self.factor(program, name)
        shifted = {n for n in self.layout.enumerated if n in self.plan.programs[MODEL].befores}
        return bool(self._axes_of(factor.inputs) & shifted)

    def parameters(self, factor: Factor) -> None:
        """`z_loc, z_scale = guide.q_z(x)`, once."""
        if factor.node.id in self.ready or not factor.tensors:
            return
        self.ready.add(factor.node.id)
        self.prepare(factor.node.program, factor.inputs)
        self._parameters(factor)

    def _parameters(self, factor: Factor) -> None:
        names = ", ".join(a.local for a in factor.tensors)
        program = factor.node.program
        given = ", ".join(self._given(program, factor.type, name) for name in factor.given)
        owner = self.owners[factor.node.program]
        self.out.statement(f"{names} = {owner}.{factor.method}({given})")

    def arguments(self, factor: Factor, detached: bool = False) -> list[str]:
        """The parameters of a factor as they stand in a call."""
        return [_argument(a, detached) for a in factor.arguments]

    def called(self, factor: Factor, function: str) -> str:
        """`normal.log_prob`."""
        self.imports.add(f"specc.runtime.distributions.{factor.entry.stem}")
        return f"{factor.entry.stem}.{function}"

    # values

    def sample(self, factor: Factor, function: str) -> None:
        """`z = normal.rsample(noise, z_loc, z_scale)`, and through its bijections."""
        name = factor.node.name
        filled = self._filled(factor)
        local = self.python(name) if filled is None else filled.drawn
        local = factor.flow.base if factor.flow is not None else local
        if factor.causal is not None:
            self._draw_in_order(factor, factor.causal, function, local)
        else:
            self.parameters(factor)
            items = ["noise", *self.arguments(factor)]
            shape = self._shape(factor)
            if shape is not None:
                items.append(f"shape={shape}")
            self.out.call(f"{local} = {self.called(factor, function)}", items, "")
        if factor.flow is not None:
            self._push(factor, factor.flow)
        if self._filled(factor) is not None:
            fill(self, factor, self.plan.missing[name])
        self.inherit(name, factor.inputs)
        self.particles[name] = self.layout.has_particles
        split(self, factor.node)

    def _filled(self, factor: Factor) -> Missing | None:
        """What a draw is merged with: the data, where they have values."""
        name = factor.node.name
        return self.plan.missing[name] if name in self.fills else None

    def _draw_in_order(self, factor: Factor, link: LinkModule, function: str, local: str) -> None:
        """`x = ancestral(draw, ...)`, where draw(x) draws each entry given those before it."""
        self.prepare(factor.node.program, factor.inputs)
        name, owner = self.python(factor.node.name), self.owners[factor.node.program]
        drawn = f"draw_{factor.node.name}"
        self.out.line()
        self.out.line(f"def {drawn}({name}: Tensor) -> Tensor:")
        with self.out.indented():
            self._parameters(factor)
            items = ["noise", *self.arguments(factor)]
            self.out.call(f"return {self.called(factor, function)}", items, "")
        self.out.line()
        sizes = _tuple(self._sizes(factor, self.layout.has_particles))
        items = [drawn, f"noise.zeros({sizes})", f"{owner}.{link.attribute}.order"]
        kind = "ancestral_mixture" if factor.members > 1 else "ancestral"
        self.imports.add(f"specc.runtime.draws.ancestral.{kind}")
        self.out.call(f"{local} = {kind}", ["noise", *items] if factor.members > 1 else items, "")

    def _push(self, factor: Factor, flow: Flow) -> None:
        """`z, z_log_det = guide.push_z(z_base)`; the density of a plain draw goes back through."""
        self.prepare(factor.node.program, flow.inputs)
        value = self.python(factor.node.name)
        call = self._through(factor, flow, flow.push, flow.base, takes_noise=flow.scored)
        if not flow.scored:
            self.out.statement(f"{value} = {call}.detach()")
            return
        self.out.statement(f"{value}, {flow.log_det} = {call}")
        self.pushed.add(factor.node.id)

    def _through(
        self, factor: Factor, flow: Flow, method: str, value: str, *, takes_noise: bool = True
    ) -> str:
        """`guide.push_z(z_base, h)`."""
        owner = self.owners[factor.node.program]
        program = factor.node.program
        items = [value, *(self._given(program, factor.type, name) for name in flow.inputs)]
        if flow.stochastic and takes_noise and "noise" in self.owners:
            items.append("noise=noise")
        return f"{owner}.{method}({', '.join(items)})"

    def _shape(self, factor: Factor) -> str | None:
        """The shape to draw, or None where the parameters already have it."""
        needs = self.layout.has_particles and not self._has(factor.given, self.particles)
        local = ROWS in factor.type.plates
        if _cover(factor.tensors, factor) and not needs and (local or not factor.given):
            return None
        full = next((a for a in factor.tensors if self._is_full(a, factor)), None)
        if full is not None and local and needs:
            ones = self._ones_before(factor.given)
            return f"({', '.join(['particles', *ones, f'*{full.local}.shape'])})"
        return _tuple(self._sizes(factor, needs or self.layout.has_particles))

    def _is_full(self, argument: Argument, factor: Factor) -> bool:
        """Whether one parameter has all the axes that any has: its shape is that of a draw."""
        alike = argument.parameter.dims == factor.entry.result_dims
        axes = self._axes_of(factor.given)
        return alike and _cover((argument,), factor) and self._axes_of(argument.inputs) == axes

    def _has(self, inputs: tuple[str, ...], flags: Mapping[str, bool]) -> bool:
        return any(flags.get(name, False) for name in inputs)

    def _axes_of(self, inputs: tuple[str, ...]) -> frozenset[str]:
        return frozenset().union(*(self.axes.get(name, frozenset()) for name in inputs))

    def _ones_before(self, inputs: tuple[str, ...]) -> list[str]:
        """Enumerated axes to the left of those that the parameters already have."""
        present = self._axes_of(inputs)
        order = self.layout.enumerated
        first = min((order.index(a) for a in present), default=len(order))
        return ["1"] * first

    def _sizes(self, factor: Factor, particles: bool) -> list[str]:
        plates = self.plan.graph.graph.plates
        local = ROWS in factor.type.plates
        self.counts_rows = self.counts_rows or local
        inner = ["rows"] if local else [str(plates[p]) for p in factor.type.plates]
        if local and not self.stepping:
            inner += [str(self.plan.graph.graph.size_of(p)) for p in _steps(factor.type)]
        present, axes = self._axes_of(factor.given), self.layout.enumerated
        if not particles:
            axes = axes[min((axes.index(a) for a in present), default=len(axes)) :]
        outer = ["particles"] if particles else []
        outer += [str(self._states(a)) if a in present else "1" for a in axes]
        outer += ["1"] if outer and not inner else []
        return [*outer, *inner, *(str(size) for size in factor.drawn)]

    def _states(self, name: str) -> int:
        draw = self.plan.objective.draws[name]
        node = self.plan.graph.graph.node((draw.program, name))
        if draw.kind == "integrate":
            return 1 + math.prod(self.plan.graph.types[node.id].shape)
        return int(states(self.plan.graph, node))

    def spread(self, factor: Factor, data: Sequence[str]) -> None:
        """The axis of a node that is summed or integrated out."""
        if self.plan.objective.draws[factor.node.name].kind == "integrate":
            self._basis(factor)
        else:
            self.enumerate(factor, data)

    def _basis(self, factor: Factor) -> None:
        """`z = basis(8, like=x).view(9, 1, 8)`: values by which an affine map is known."""
        name, shape = factor.node.name, factor.type.shape
        seen = self.plan.programs[MODEL].factors.values()
        like = next(f for f in seen if f.node.role == "observed" and f.entry.gaussian)
        self.imports.add("specc.runtime.functions.basis")
        ones = (1,) * (-self.layout.axis(name) - 1 + len(_steps(factor.type)))
        sizes = ", ".join(map(str, [self._states(name), *ones, *shape]))
        made = f"basis({math.prod(shape)}, like={self.python(like.node.name)}).view({sizes})"
        self.out.statement(f"{self.python(name)} = {made}")
        self.axes[name] = frozenset((name,))

    def enumerate(self, factor: Factor, data: Sequence[str]) -> None:
        """Every value of a finite node on its own axis, of the type of the data at hand."""
        name = factor.node.name
        filled = self._filled(factor)
        if filled is not None:
            self.out.statement(f"{filled.data} = {self.python(name)}")
        classes = self.plan.graph.classes.get(factor.node.id)
        if factor.entry.result_dims:
            classes = factor.type.shape[-1]
        self.imports.add("torch")
        items = [f"classes={classes}"] if classes is not None else ["classes=None"]
        items += [f"dtype={self._dtype(factor, data)}", f"device={self.python(data[0])}.device"]
        python = self.python(name)
        self.out.call(f"{python} = {self.called(factor, 'enumerate_values')}", items, "")
        right = -self.layout.axis(name) - 1
        independent = factor.type.shape[: len(factor.type.shape) - len(factor.entry.result_dims)]
        if independent:
            self.imports.add("specc.runtime.draws.enumeration")
            self.out.statement(f"{python} = enumeration.every_state({python}, {independent})")
        steps = (1,) * len(_steps(factor.type))
        sizes = [self._states(name), *(1,) * right, *steps, *factor.type.shape]
        self.out.statement(f"{python} = {python}.view({', '.join(map(str, sizes))})")
        self.axes[name] = frozenset((name,))
        if filled is not None:
            agree(self, factor, filled)

    def _dtype(self, factor: Factor, data: Sequence[str]) -> str:
        """The type of every value of a finite node: whole numbers where they are of classes."""
        if factor.node.id in self.plan.graph.classes:
            return "torch.long"
        if "noise" in self.owners:
            return "noise.dtype"
        known = (name for name in data if name in self.plan.data)
        floats = [name for name in known if self.plan.dtype(name).startswith("float")]
        return f"{self.python(floats[0])}.dtype" if floats else "torch.get_default_dtype()"

    # densities

    def log_prob(
        self, factor: Factor, local: str, detached: bool = False, rows: Rows = "all"
    ) -> None:
        """`log_p_x = bernoulli.log_prob(x, x_logits).sum(-1)`, in some rows or all."""
        missing = self.plan.missing.get(factor.node.name)
        if missing is not None and (rows != "all" or not missing.fills):
            masked_log_prob(self, factor, missing, local, rows, self.arguments(factor, detached))
            return
        value, more = self.python(factor.node.name), ""
        if factor.flow is not None:
            value, more = factor.flow.base, self._log_det(factor, factor.flow)
        items = [value, *self.arguments(factor, detached)]
        called = self.called(factor, "log_prob")
        plain = factor.flow is None and factor.members == 1
        if plain and not self.open_steps and factor.lengths is None:
            self.out.call(f"{local} = {called}", items, self._summed(factor))
            return
        before, summed = f"{local} = {called}", over_last(factor.event_axes)
        plated = self.over_plates(factor, local)
        whole = f"{before}({', '.join(items)}){summed}{more}"
        if not plated and factor.members == 1 and self.out.fits(whole):
            self.out.statement(whole)
            return
        self.out.call(before, items, summed)
        if factor.members > 1:
            self.imports.add("specc.runtime.functions.logmeanexp")
            self.out.statement(f"{local} = logmeanexp({local}, dim=0)")
            more = ""
        elif more:
            self.out.statement(f"{local} = {local}{more}")
        if plated:
            self.out.statement(f"{local} = {plated}")

    def _log_det(self, factor: Factor, flow: Flow) -> str:
        """What a log-determinant adds to the density of the base draw: `- z_log_det`."""
        if factor.node.id in self.pushed:
            return f" - {flow.log_det}"
        self.prepare(factor.node.program, flow.inputs)
        call = self._through(factor, flow, flow.pull, self.python(factor.node.name))
        self.out.statement(f"{flow.base}, {flow.log_det} = {call}")
        return f" + {flow.log_det}"

    def divergence(self, local: str, q: Factor, p: Factor) -> None:
        """`kl_z = normal.kl_normal(z_loc, z_scale, 0.0, 1.0).sum(-1)`."""
        items = [*self.arguments(q), *self.arguments(p)]
        called = self.called(q, f"kl_{p.entry.name}")
        if q.lengths is None:
            self.out.call(f"{local} = {called}", items, self._summed(q))
            return
        self.out.call(f"{local} = {called}", items, over_last(q.event_axes))
        self.out.statement(f"{local} = {self.over_plates(q, local)}")

    def _summed(self, factor: Factor) -> str:
        plates = [p for p in factor.type.plates if p != ROWS]
        count = factor.event_axes + len(plates)
        return over_last(count) + self._kept(factor)

    def over_plates(self, factor: Factor, local: str) -> str:
        """A density summed over its plates: steps that a row does not have do not count."""
        plates = [p for p in factor.type.plates if p != ROWS]
        if self.open_steps:
            plates = [p for p in plates if p not in _steps(factor.type)]
        if not plates:
            return ""
        if factor.lengths is not None and factor.scan is not None:
            local = f"({local} * {self.mask(factor.scan, factor.lengths)})"
        return f"{local}{over_last(len(plates))}{self._kept(factor)}"

    def mask(self, plate: str, lengths: str) -> str:
        """`t_mask`: which steps of a sequence each row has."""
        name = self.plan.masks[plate]
        if plate not in self.masks:
            self.masks.add(plate)
            self.imports.add("specc.runtime.functions.step_mask")
            steps = self.plan.graph.graph.size_of(plate)
            self.out.statement(f"{name} = step_mask({self.python(lengths)}, {steps})")
        return name

    def _kept(self, factor: Factor) -> str:
        """The axis of rows that a density summed over a plate keeps beside particles."""
        shared = ROWS not in factor.type.plates and bool(factor.type.plates)
        return ".unsqueeze(-1)" if shared and self.particles.get(factor.node.name) else ""


def _steps(kind: Type) -> tuple[str, ...]:
    """The plates of sequences over which the values of rows vary."""
    return tuple(p for p in kind.plates if p != ROWS) if kind.is_local else ()


def _tuple(items: list[str]) -> str:
    return f"({', '.join(items)},)" if len(items) == 1 else f"({', '.join(items)})"


def _argument(argument: Argument, detached: bool) -> str:
    if argument.number is not None:
        return repr(argument.number)
    return f"{argument.local}.detach()" if detached else argument.local


def _cover(arguments: Sequence[Argument], factor: Factor) -> bool:
    """Whether the parameters together broadcast to the shape of a draw, over all its plates."""
    batch: Shape | None = ()
    plates: frozenset[str] = frozenset()
    for argument in arguments:
        own = argument.own[: len(argument.own) - len(argument.parameter.dims)]
        batch = None if batch is None else broadcast(batch, own)
        plates |= argument.plates
    result = factor.drawn[: len(factor.drawn) - len(factor.entry.result_dims)]
    return bool(arguments) and batch == result and set(factor.type.plates) <= plates
