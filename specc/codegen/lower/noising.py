"""Lowers one random step of a noising chain: closed-form draws of it, and its divergence."""

from __future__ import annotations

from msgspec import Struct

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Literal, Name
from specc.codegen.loops import outside
from specc.codegen.lower.densities import parameters
from specc.codegen.lower.loops import Loop, Ranked, initial
from specc.codegen.lower.scope import NOISE, Scope, shape_of, sum_last
from specc.codegen.lower.value import PARTICLE, Axis
from specc.codegen.lower.values import let_step, prepare
from specc.codegen.plan import Factor, Input, LaggedValue
from specc.graph.graph import GUIDE, MODEL
from specc.graph.nodes import Lagged
from specc.objective.terms import Noising

NOISING = "specc.runtime.functions.noising"
AT_STEP = code.function("specc.runtime.functions.sequences.at_step")


class NoisedLatents(Struct, frozen=True):
    """The latents of a noising chain in a loss.

    `noised` is the variable of the chain in closed form, and `step` that of the random step.
    """

    scope: Scope
    chain: Noising
    noised: str
    step: str

    def draw(self) -> None:
        """Emit the chain in closed form, one of its steps, and the value that the model reads.

        z_prev = zero_and_one(noise, (1, 49, 2))
        z_loc, z_scale = guide.z_loc_scale(b, z_prev)
        last_z_t = zero_and_one(noise, (1, 2))
        top_loc, top_scale = guide.top_loc_scale(last_z_t)
        noised = NoisingChain(guide.initial_z(x), (z_loc, z_scale), (top_loc, top_scale), dims=1)
        t = random_step(noise, 49, (rows,))
        z_0 = noised.sample(noise, 0, (rows,))
        """
        scope, chain = self.scope, self.chain
        scope.comment(f"q({chain.latent}, {chain.end} | ...) in closed form: the mean of a step is")
        scope.comment("affine in the value before it, so that those at 0 and at 1 determine it")
        latent, end = self._factor(GUIDE, chain.latent), self._factor(GUIDE, chain.end)
        lagged = self._lagged(GUIDE)
        last = scope.plan.program(GUIDE).lets[self._last()]
        prepare(scope, GUIDE, lagged.inputs)
        with scope.on(GUIDE, chain.latent):
            steps = self._at_zero_and_one(lagged.node.name, latent, (1, chain.steps))
        with scope.on(GUIDE, chain.end):
            ends = self._at_zero_and_one(last.node.name, end, (1,))
        with scope.on(GUIDE, chain.latent):
            dims = len(latent.type.shape)
            made = code.function(f"{NOISING}.NoisingChain")
            start = initial(scope, lagged)
            scope.assign(self.noised, code.call(made, start, steps, ends, dims=dims))
            scope.comment()
            scope.comment(f"one of the {chain.steps} steps of {chain.latent}, for each row")
            drawn = code.function(f"{NOISING}.random_step")
            scope.assign(self.step, code.call(drawn, NOISE, chain.steps, self._outer(latent)))
            self._read(latent)

    def _at_zero_and_one(self, before: str, factor: Factor, outer: tuple[int, ...]) -> Code:
        """Emit the parameters of a step at the values 0 and 1 before it, and return them."""
        scope = self.scope
        node = scope.plan.graph.graph.programs[GUIDE].nodes[before]
        ones = (1,) if scope.layout.has_particles else ()
        scope.mark_value(node)
        shape = shape_of((*ones, *outer, *factor.type.shape))
        both = code.call(code.function(f"{NOISING}.zero_and_one"), NOISE, shape)
        scope.assign(scope.python(before), both)
        scope.define(GUIDE, before, frozenset())
        before_shapes, scope.has_shapes = scope.has_shapes, False  # they have the axis of 0 and 1
        parameters(scope, factor)
        scope.has_shapes = before_shapes
        scope.unmark_value(node)
        return code.Tuple(tuple(scope.arguments(factor)))

    def _read(self, latent: Factor) -> None:
        """Emit the value at the step that the model uses: `z_0 = noised.sample(noise, 0, ...)`."""
        scope, chain = self.scope, self.chain
        if not chain.reader:
            return
        reader = scope.plan.program(MODEL).lets[chain.reader].node
        scope.comment()
        scope.comment(f"q({chain.reader} | ...)")
        scope.mark_value(reader)
        scope.assign(scope.python(chain.reader), self._sample(Literal(chain.place), latent))
        scope.define(MODEL, chain.reader, self._particles())

    def divergence(self, name: str, local: str) -> str:
        """Emit the divergence of the random step, or that of the end; return its variable."""
        with self.scope.on(GUIDE, name):
            if name == self.chain.end:
                self._of_end(local)
            else:
                self._of_step(local)
        return local

    def _of_end(self, local: str) -> None:
        """Emit `kl_top = normal.kl_normal(top_loc, top_scale, 0.0, 1.0).sum(-1)`."""
        q, p = self._both(self.chain.end)
        found = code.method(Name(self.noised), "marginal", self.chain.steps)
        self.scope.assign(_locals(q), found)
        parameters(self.scope, p)
        self._kl(local, q, p)

    def _of_step(self, local: str) -> None:
        """Emit the divergence of a step of the model from that of the guide, given its start.

        z_next = noised.sample(noise, t + 1, (rows,))
        z_loc, z_scale = noised.bridge(t, z_next)
        prior_z_loc, prior_z_scale = model.z_loc_scale(z_next, b[t])
        kl_z = normal.kl_normal(z_loc, z_scale, prior_z_loc, prior_z_scale).sum(-1)
        """
        scope, (q, p) = self.scope, self._both(self.chain.latent)
        after = scope.python(self._lagged(MODEL).node.name)
        place = code.Binary("+", Name(self.step), Literal(1))
        scope.assign(after, self._sample(place, q))
        bridge = code.method(Name(self.noised), "bridge", Name(self.step), Name(after))
        scope.assign(_locals(q), bridge)
        program = scope.plan.program(MODEL)
        loop = Loop(scope, program, program.loop_of(self.chain.latent), draws=True)

        def step(each: str) -> list[Ranked]:
            if each not in program.factors:
                return let_step(scope, program, each)
            parameters(scope, program.factors[each])
            return []

        prepare(scope, MODEL, outside(program, loop.names))
        loop.at(self._pick, step)
        self._kl(local, q, p)
        scope.unmark_value(self._lagged(MODEL).node)

    def _pick(self, name: Input) -> Code:
        """Return a value of the model at the random step: `b[t]`."""
        value = self.scope.value(MODEL, name)
        if value.is_local or value.outer:
            return code.call(AT_STEP, Name(value.name), Name(self.step), dims=value.rank)
        return code.Subscript(Name(value.name), (Name(self.step),))

    def _kl(self, local: str, q: Factor, p: Factor) -> None:
        given = (*map(Name, _locals(q)), *self.scope.arguments(p))
        kl = code.call(self.scope.density(q, f"kl_{p.entry.name}"), *given)
        self.scope.assign(local, sum_last(kl, len(q.type.shape)))

    def _sample(self, place: Code, latent: Factor) -> Code:
        return code.method(Name(self.noised), "sample", NOISE, place, self._outer(latent))

    def _outer(self, latent: Factor) -> Code:
        """Return the shape of what each row, or each particle of it, has one of."""
        particles = (Name("particles"),) if self.scope.layout.has_particles else ()
        return shape_of((*particles, self.scope.count(latent.type)))

    def _particles(self) -> frozenset[Axis]:
        return frozenset({PARTICLE} if self.scope.layout.has_particles else ())

    def _factor(self, program: str, name: str) -> Factor:
        return self.scope.factor(program, name)

    def _both(self, name: str) -> tuple[Factor, Factor]:
        return self._factor(GUIDE, name), self._factor(MODEL, name)

    def _lagged(self, program: str) -> LaggedValue:
        """The neighbouring value of the sequence in a program."""
        own = self.scope.plan.program(program)
        loop = own.loop_of(self.chain.latent)
        (found,) = (own.lagged[name] for name in loop if name in own.lagged)
        return found

    def _last(self) -> str:
        """The node of the guide with the value at the last step."""
        own = self.scope.plan.program(GUIDE)
        nodes = self.scope.plan.graph.graph.programs[GUIDE].nodes
        used = (n for n, let in own.lets.items() if self.chain.latent in let.inputs)
        return next(n for n in used if not isinstance(nodes[n], Lagged))


def _locals(factor: Factor) -> tuple[str, ...]:
    """Return the variables of the parameters of a factor."""
    return tuple(argument.local for argument in factor.arguments)
