"""A loop over the steps of a sequence: nodes that depend on each other from step to step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.codegen.emit.steps import initial
from specc.codegen.plan import Before, Factor, Let, ProgramPlan, data_of

if TYPE_CHECKING:
    from specc.codegen.emit.body import Body


class Loop:
    """Writes one loop into a body: draws its random nodes, computes the others, stacks them all."""

    def __init__(self, body: Body, program: ProgramPlan, names: tuple[str, ...]) -> None:
        self.body, self.program, self.names = body, program, names
        self.befores = [program.befores[n] for n in names if n in program.befores]
        self.lets = [program.lets[n] for n in names if n in program.lets]
        self.factors = [program.factors[n] for n in names if n in program.factors]
        self.made: list[tuple[str, int]] = []

    def write(self, function: str, noise: str) -> None:
        """`for x_t in x.unbind(-2): ...`; random nodes are drawn by `function`."""
        body, out = self.body, self.body.out
        inputs = self._sequences()
        self._mask()
        first = self.lets[0].node if self.lets else self.factors[0].node
        with out.about(f"{self.program.name}.{first.name}"):
            for before in self.befores:
                start = self._start(before, inputs, noise)
                out.statement(f"{body.python(before.node.name)} = {start}")
            collected = f"{first.scan}_steps"
            out.statement(f"{collected} = []")
            self._header(inputs)
            with out.indented():
                self._step(function)
                made = ", ".join(name for name, _ in self.made)
                item = f"({made})" if len(self.made) > 1 else made
                out.statement(f"{collected}.append({item})")
                for before in self.befores:
                    out.statement(f"{body.python(before.node.name)} = {self._kept(before)}")
            self._stack(collected)
        # Behind the loop their names hold what the last step leaves, and not the values of all.
        body.known.difference_update(before.node.id for before in self.befores)

    def _mask(self) -> str:
        """The mask of a sequence whose rows begin at steps of their own; none otherwise."""
        for before in self.befores:
            if before.lengths is not None and before.node.scan is not None:
                return self.body.mask(before.node.scan, before.lengths)
        return ""

    def _kept(self, before: Before) -> str:
        """What goes on to the next step: in a row that has not begun, its start."""
        body, name = self.body, self.body.python(before.base)
        mask = self._mask()
        if not mask:
            return name
        body.imports.add("specc.runtime.functions.kept")
        rank = len(before.type.shape)
        return f"kept({name}, {body.python(before.node.name)}, {mask}_t, dims={rank})"

    @property
    def is_reverse(self) -> bool:
        """Whether the loop runs from the last step to the first."""
        return any(not before.is_before for before in self.befores)

    def _sequences(self) -> list[str]:
        """The values of all steps that the loop takes one by one."""
        body, found = self.body, dict[str, None]()
        taken_by: list[Factor | Let] = [*self.factors, *self.lets]
        for item in taken_by:
            taken = item.inputs + (item.given if isinstance(item, Factor) else ())
            outside = tuple(n for n in taken if n not in self.names)
            body.prepare(self.program.name, outside)
            found.update(dict.fromkeys(n for n in outside if self._is_sequence(n)))
        for before in self.befores:
            body.prepare(self.program.name, before.inputs)
        return list(found)

    def _is_sequence(self, name: str) -> bool:
        node = self.body.plan.graph.graph.lookup(self.program.name, data_of(name))
        assert node is not None
        plates = self.body.plan.graph.types[node.id].plates
        return any(plate in self.body.plan.graph.graph.scans for plate in plates)

    def _rank(self, name: str) -> int:
        node = self.body.plan.graph.graph.lookup(self.program.name, data_of(name))
        assert node is not None
        return len(self.body.plan.graph.types[node.id].shape)

    def _start(self, before: Before, inputs: list[str], noise: str) -> str:
        """The value before the first step, in full where it is drawn from."""
        body, shape = self.body, before.type.shape
        start = initial(body, before)
        like = noise or self._like(inputs)
        is_class = body.plan.graph.classes.get(before.node.id) is not None
        sizes: list[str] = [str(size) for size in shape]
        if noise:
            body.counts_rows = True
            outer = ["particles", *self._enumerated()] if body.layout.has_particles else []
            sizes = [*outer, "rows", *sizes]
            like = "noise.zeros(())"
        elif (mask := self._mask()) and not self._has_rows():
            sizes = [f"*{mask}.shape[:-1]", *sizes]
        kind = ", whole=True" if is_class else ""
        plain = noise and not is_class and before.number == 0
        joined = f"({', '.join(sizes)},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
        if plain:
            return f"noise.zeros({joined})"
        body.imports.add("specc.runtime.functions.initial")
        return f"initial({start}, {joined}, like={like}{kind})"

    def _like(self, inputs: list[str]) -> str:
        """A tensor on the device of the values: of a sequence, of a row, or a learnt one."""
        body = self.body
        found = [body.python(name) for name in (*inputs, *self._used())]
        if not found and "noise" in body.owners:
            return "noise.zeros(())"
        return found[0] if found else f"next({body.owners[self.program.name]}.parameters())"

    def _used(self) -> list[str]:
        """What the deterministic nodes take from outside the loop."""
        return [n for let in self.lets for n in let.inputs if n not in self.names]

    def _has_rows(self) -> bool:
        """Whether each row has its own values at the first step already, and not by its length."""
        graph = self.body.plan.graph
        return any(graph.type(self.program.name, name).is_local for name in self._used())

    def _enumerated(self) -> list[str]:
        return ["1"] * len(self.body.layout.enumerated)

    def _header(self, inputs: list[str]) -> None:
        """`for x_t, h_t in zip(x.unbind(-2), h.unbind(-2), strict=True):`."""
        body, out = self.body, self.body.out
        steps = [f"{body.python(name)}.unbind({-1 - self._rank(name)})" for name in inputs]
        steps = [f"reversed({step})" for step in steps] if self.is_reverse else steps
        names = [f"{body.python(name)}_t" for name in inputs]
        if mask := self._mask():
            steps.append(f"reversed({mask}.unbind(-1))")
            names.append(f"{mask}_t")
        if len(names) > 1:
            out.call(f"for {', '.join(names)} in zip", [*steps, "strict=True"], ":")
        elif names:
            out.line(f"for {names[0]} in {steps[0]}:")
        else:
            scan = next(b.node.scan for b in self.befores)
            assert scan is not None
            out.line(f"for _ in range({body.plan.graph.graph.size_of(scan)}):")

    def _step(self, function: str) -> None:
        body = self.body
        outer = body.in_step, body.stepping
        taken = {n: f"{body.python(n)}_t" for n in self._sequences()}
        body.in_step, body.stepping = taken, True
        for before in self.befores:
            body.hold(before.node)
            body.particles[before.node.name] = bool(function) and body.layout.has_particles
            if not function:
                body.particles[before.node.name] = self._has_particles()
        for name in self.names:
            if name in self.program.lets:
                self._let(self.program.lets[name])
            elif name in self.program.factors:
                self._draw(self.program.factors[name], function)
        body.in_step, body.stepping = outer

    def _has_particles(self) -> bool:
        return any(self.body.particles.get(name, False) for name in self._used())

    def _let(self, let: Let) -> None:
        self.body._let(let)
        self.made.append((self.body.python(let.node.name), len(let.type.shape)))

    def _draw(self, factor: Factor, function: str) -> None:
        body, name = self.body, factor.node.name
        way = function if function == "sample" or factor.entry.reparameterized else "sample"
        body.sample(factor, way)
        self.made.append((body.python(name), len(factor.type.shape)))
        if function == "sample" and "guide" not in body.owners:
            return
        for argument in factor.tensors if factor.causal is None else ():
            self.made.append((argument.local, len(argument.shape)))
        if factor.flow is not None and factor.node.id in body.pushed:
            self.made.append((factor.flow.base, len(factor.drawn)))
            self.made.append((factor.flow.log_det, 0))

    def _stack(self, collected: str) -> None:
        out, body = self.body.out, self.body
        items = f"{collected}[::-1]" if self.is_reverse else collected
        if len(self.made) == 1:
            name, rank = self.made[0]
            body.imports.add("torch")
            out.statement(f"{name} = torch.stack({items}, {-1 - rank})")
            return
        body.imports.add("specc.runtime.functions.stack_steps")
        names = ", ".join(name for name, _ in self.made)
        ranks = ", ".join(str(rank) for _, rank in self.made)
        out.statement(f"{names} = stack_steps({items}, ({ranks}))")
