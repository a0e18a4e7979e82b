"""Lowers the loss of a player to a function: draws, densities, bound, score gradients."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Name, Signed
from specc.codegen.code.statements import (
    Assign,
    Comment,
    Function,
    Parameter,
    Return,
    spaced,
)
from specc.codegen.layout import Layout
from specc.codegen.lower.chains import contrast, draw_units
from specc.codegen.lower.densities import LOGMEANEXP, parameters
from specc.codegen.lower.draws import draw, emit_values
from specc.codegen.lower.moves import move_latents
from specc.codegen.lower.noising import NoisedLatents
from specc.codegen.lower.points import points
from specc.codegen.lower.scope import NOISE, Scope
from specc.codegen.lower.surrogates import DATA_SIZE, Surrogates
from specc.codegen.lower.terms import Terms, signed_as
from specc.codegen.lower.values import prepare
from specc.codegen.names import python_names
from specc.codegen.plan import Plan
from specc.codegen.row_terms import is_shared
from specc.codegen.signatures import density_method, is_stochastic
from specc.codegen.text import bounds_by_row, term_formula
from specc.graph.graph import MODEL, NETWORKS
from specc.objective.objective import Player
from specc.objective.passes.buffers import find_buffers
from specc.objective.passes.row_sources import by_source
from specc.objective.terms import (
    KL_WEIGHT,
    Divergence,
    Energy,
    LogProb,
    Part,
    Reduce,
    Term,
    densities_in,
    in_steps,
    noising_chain,
)

TENSORS = "dict[str, Tensor]"
BUFFERS = "specc.runtime.functions.buffers"


def loss(plan: Plan, player: Player) -> Function:
    """Return the function `loss(model, guide, noise, *, x)`, the loss per row and its terms."""
    return _Loss(plan, player).function()


class _Loss:
    """Lowers one loss."""

    def __init__(self, plan: Plan, player: Player) -> None:
        self.plan, self.player = plan, player
        owners: dict[str, Code] = {name: Name(name) for name in plan.programs}
        owners |= {n: Name(p.copy_of) for n, p in plan.graph.graph.programs.items() if p.copy_of}
        layout = Layout.of(plan, player.enumerated, player.particles)
        self.scope = Scope(
            plan, player.draws, owners, layout, fills=plan.filled, has_noise=True, has_shapes=True
        )
        self.scope.relaxes = True
        self.loss = plan.losses[player.name]
        self.inputs = self.loss.inputs
        self.scope.counts, self.scope.weights = plan.counts, self.loss.weights
        self.terms = Terms(self.scope)
        self.bound = self.terms.fresh(player.variable)
        self.log_w = Name("log_w")
        self.after: list[tuple[str, Code]] = []
        self.by_source: list[tuple[str, Code]] = []
        self.values: dict[Term, Code] = {}
        self.gradients = Surrogates(plan, player, self.scope, self.terms, self.after)

    def function(self) -> Function:
        plan, player = self.plan, self.player
        keywords = [Parameter(plan.python[n], "Tensor") for n in self.inputs]
        if self.loss.needs_data_size:
            keywords.append(Parameter("data_size", "int"))
        keywords += [Parameter(name, "float", "1.0") for name in self.loss.shares]
        keywords += [Parameter(name, "Tensor") for name in self.loss.weights.values()]
        weights = [KL_WEIGHT] if player.warm_up else []
        weights += self.loss.scalars
        keywords += [Parameter(name, "Tensor | float", "1.0") for name in weights]
        for name, target in self.loss.scalars.items():
            self.scope.assign(name, code.call(code.target(target), Name(name)))
            self.scope.comment()
        if name := density_method(plan, player):
            self._likelihood(name)
        else:
            self._bound()
        programs = (Parameter(name, p.class_name) for name, p in plan.programs.items())
        state = (Parameter("state", TENSORS),) if player.state else ()
        what = "the state after it, and its parts" if state else "and its parts"
        returned = ["Tensor", TENSORS, *([TENSORS] if player.state else [])]
        minus = f", -{self.bound}" if player.is_bound else ""
        return Function(
            name=self.loss.function,
            parameters=(*programs, Parameter("noise", "Noise"), *state),
            keywords=tuple(keywords),
            returns=f"tuple[{', '.join(returned)}]",
            docstring=f"The loss per row{minus}, {what}.{self._legend()}",
            body=spaced(self.scope.statements),
            is_method=False,
        )

    def _legend(self) -> str:
        """Return the sentence of the docstring that explains the symbols in shapes."""
        shapes = [s.shape for s in self.scope.statements if isinstance(s, Assign) and s.shape]
        plates = " and ".join(self.loss.weights)
        chosen = f" Of {plates} it has the elements in the batch, with their weights."
        chosen = chosen if plates else ""
        if not shapes:
            return chosen
        has_particles = any("K" in shape for shape in shapes)
        return f" Shapes: B rows{', K particles' if has_particles else ''}.{chosen}"

    # an exact likelihood

    def _likelihood(self, name: str) -> None:
        plan, scope = self.plan, self.scope
        given: dict[str, object] = {plan.python[n]: scope.variable(n) for n in self.inputs}
        noise = {"noise": Name("noise")} if is_stochastic(plan) else {}
        own = self._points(name)
        scope.assign("log_p", code.method(Name(MODEL), name, **own, **given, **noise))
        mean, bound = code.method(Name("log_p"), "mean"), Name(self.bound)
        if not self.loss.needs_data_size:
            scope.assign(self.bound, mean)
            self._return(bound, ((self.bound, bound),))
            return
        shared: list[Name] = []
        if "log_prior" in plan.methods[MODEL]:
            values = self._points("log_prior")
            values |= {name: Name(name) for name in self.loss.weights.values()}
            scope.assign("log_prior", code.method(Name(MODEL), "log_prior", **values))
            shared.append(Name("log_prior"))
        if plan.objective.is_sampled:
            scope.assign("log_det", code.method(Name(MODEL), "log_det"))
            shared.append(Name("log_det"))
        whole = code.summed(tuple(Signed(False, each) for each in shared))
        share = code.Binary("/", whole, DATA_SIZE)
        scope.assign(self.bound, code.Binary("+", mean, share))
        names = " + ".join(each.id for each in shared)
        shown = f"({names})" if len(shared) > 1 else names
        parts = (self.bound, bound), ("log_prob", mean), (f"{shown} / data_size", share)
        self._return(bound, parts)

    def _points(self, method: str) -> dict[str, object]:
        """Return the latents among the inputs of a method that are tensors of the model."""
        plan = self.plan
        learnable = {i.node.name: i.attribute for i in plan.programs[MODEL].learnable}
        named = (n for n in plan.methods[MODEL][method] if isinstance(n, str) and n in learnable)
        return {plan.python[n]: code.Attribute(Name(MODEL), learnable[n]) for n in named}

    def _return(self, value: Code, parts: tuple[tuple[str, Code], ...]) -> None:
        """Emit `return -elbo, {...}`."""
        loss = code.Unary("-", value) if self.player.is_bound else value
        if not self.player.state:
            self.scope.add(Return(code.Tuple((loss, code.Dict(parts)))))
            return
        after = self._collected("after", tuple(self.after))
        self.scope.add(Return(code.Tuple((loss, after, self._collected("parts", parts)))))

    def _collected(self, wanted: str, pairs: tuple[tuple[str, Code], ...]) -> Code:
        """Return a dictionary, which has a variable if it has several entries."""
        found = code.Dict(pairs)
        if len(pairs) < 2:
            return found
        name = self.terms.fresh(wanted)
        self.scope.assign(name, found)
        return Name(name)

    # a bound with draws

    def _bound(self) -> None:
        scope, player = self.scope, self.player
        points(scope, scope.plan.programs[MODEL], Name(MODEL))
        chain = noising_chain(player.minimize)
        own = () if chain is None else (chain.latent, chain.end)
        for number, name in enumerate(name for name in player.draws if name not in own):
            if number:
                scope.comment()
            self._draw(name)
        if chain is not None:
            scope.comment()
            variables = self.terms.fresh("noised"), self.terms.fresh("t", "step")
            self.terms.noised = NoisedLatents(scope, chain, *variables)
            self.terms.noised.draw()
        self._buffers()
        self._model_terms()
        if player.chain is None:
            scope.comment()
        for sentence in bounds_by_row(self.plan, player)[:1]:
            scope.comment(sentence)
        shared = [p for p in player.parts if is_shared(self.plan, p)]
        local = [p for p in player.parts if not is_shared(self.plan, p)]
        if not player.is_bound:
            self._values(local)
            return
        several = len(player.parts) > 1
        self.values = {part.term: self._variable(part.term, several) for part in player.parts}
        groups = by_source(self.plan.graph, [part for part in local if not part.floor])
        by_row = {
            source: [signed_as(part, self.values[part.term]) for part in group]
            for source, group in groups.items()
        }
        weighed = [signed_as(part, self.values[part.term]) for part in shared]
        if self._is_logmeanexp():
            (signed,) = by_row.values()
            log_w = self.terms.fresh("log_w")
            is_plain = scope.layout.has_particles and not shared and not scope.layout.enumerated
            shape = "[K, B]" if is_plain else ""
            scope.assign(log_w, code.Sum(tuple(signed)), shape)
            self.log_w = Name(log_w)
            self.gradients.weigh_gradients(self.log_w)
            self._set(code.method(code.call(LOGMEANEXP, self.log_w, dim=0), "mean"))
        else:
            self._mean(by_row, weighed)
        for part in (part for part in local if part.floor):
            mean = code.method(self.values[part.term], "mean")
            least = code.method(mean, "clamp", min=part.floor)
            before = Signed(False, Name(self.bound))
            self._set(code.Sum((before, signed_as(part, least))))
        self._finish()
        self._head()

    def _values(self, parts: list[Part]) -> None:
        """Emit a loss without densities: the mean of the sum of its values, for each source.

        If there are several, the values without their coefficients are parts of the loss.
        """
        scope = self.scope
        minimized = [replace(part, coefficient=-part.coefficient) for part in parts]
        if all(isinstance(part.term, Energy) for part in parts):
            phases = contrast(scope, self.terms, minimized)
            self._set(code.summed(tuple(phases.values())))
            self._head()
            self._return(Name(self.bound), tuple((key, v.term) for key, v in phases.items()))
            return
        values = {p.term: self._variable(p.term, len(parts) > 1) for p in parts}
        groups = by_source(self.plan.graph, minimized).items()
        signed = {key: [signed_as(p, values[p.term]) for p in own] for key, own in groups}
        self._set(self._means(signed))
        self._head()
        means = {
            term_formula(self.plan, term): code.method(value, "mean")
            for term, value in values.items()
            if len(parts) > 1 and not isinstance(value, code.Literal)
        }
        self._return(Name(self.bound), (*self.by_source, *means.items()))

    def _variable(self, term: Term, is_shown: bool) -> Code:
        """Return the value of a term; one that is also a part of the loss gets a variable."""
        value = self.terms.value(term)
        if not is_shown or isinstance(value, (Name, code.Literal)):
            return value
        name = self.terms.fresh(*python_names(term_formula(self.plan, term)))
        self.scope.assign(name, value)
        return Name(name)

    def _is_logmeanexp(self) -> bool:
        return self.player.bound.how == "logmeanexp" and self.player.particles > 1

    def _set(self, value: Code) -> None:
        self.scope.assign(self.bound, value)

    def _head(self) -> None:
        """Prepend the number of particles and of rows, if the statements read them."""
        head = list(self.scope.head(self.inputs))
        if self.scope.layout.has_particles:
            head.insert(0, Assign(("particles",), code.Literal(self.player.particles)))
        self.scope.statements[:0] = [*head, Comment()] if head else []

    def _draw(self, name: str) -> None:
        scope, drawn = self.scope, self.player.draws[name]
        if drawn.entry.chain and self.player.moves is not None:
            self.after += move_latents(scope, self.terms, self.player)
            return
        if drawn.entry.chain:
            self.after += draw_units(scope, self.terms, self.player, drawn.program)
            return
        factor, program = scope.factor(drawn.program, name), self.plan.program(drawn.program)
        if drawn.is_point:
            return
        with scope.on(drawn.program, name):
            scope.comment(f"{program.density_name}({factor.conditional}) = {factor.sampled_from}")
            if not drawn.has_axis:
                draw(scope, program, name, "rsample" if drawn.is_pathwise else "sample")
                return
            if drawn.program != MODEL:
                prepare(scope, drawn.program, factor.inputs)
                if factor.causal is None:
                    parameters(scope, factor)
            emit_values(scope, factor, self.inputs)

    def _buffers(self) -> None:
        """Emit `past = held[at]`, one of the last rows of a node for each row of the batch.

        Buffers of one size are filled alike and choose the same rows.
        """
        scope, chosen = self.scope, dict[int, Name]()
        for buffer in find_buffers(self.plan.graph.graph, self.player.minimize):
            let = self.plan.program(NETWORKS).lets[buffer.node.name]
            source = let.inputs[0]
            scope.comment()
            scope.comment(f"one of the last {buffer.rows} rows of {source}, for each row")
            prepare(scope, NETWORKS, let.inputs)
            if buffer.rows not in chosen:
                filled = self.terms.fresh(f"filled_{buffer.rows}")
                chosen[buffer.rows] = Name(self.terms.fresh(f"past_{buffer.rows}"))
                function = code.function(f"{BUFFERS}.choose")
                value = code.call(function, NOISE, self._before(buffer.filled), Name("rows"))
                scope.assign((filled, chosen[buffer.rows].id), value)
                self.after.append((buffer.filled, Name(filled)))
            name = buffer.node.name
            held = self.terms.fresh(f"{scope.python(source)}_held")
            push = code.function(f"{BUFFERS}.buffer")
            scope.assign(held, code.call(push, scope.variable(source), self._before(name)))
            self.after.append((name, Name(held)))
            scope.mark_value(buffer.node)
            past = code.Subscript(Name(held), (chosen[buffer.rows],))
            scope.assign(scope.python(name), past)
            scope.inherit(NETWORKS, name, ())

    def _before(self, name: str) -> Code:
        """Return a tensor of the state before this step."""
        return code.Subscript(Name("state"), (code.Literal(name),))

    def _model_terms(self) -> None:
        for term in dict.fromkeys(self._densities()):
            self.scope.comment()
            self.scope.comment(f"{term_formula(self.plan, term)}")
            self.terms.term(term)
        for part in self.player.parts:
            if isinstance(part.term, Reduce):
                if any(True for _ in in_steps(part.term)):
                    self.scope.comment()
                self.terms.term(part.term)

    def _densities(self) -> list[LogProb | Divergence]:
        """Return the densities with a variable of their own; sums over states have the others."""
        bound = self.player.bound
        hidden = {term for inside in in_steps(bound) for _, term in densities_in(inside)}
        return [term for _, term in densities_in(bound) if term not in hidden]

    def _means(self, by_row: Mapping[str, list[Signed]]) -> Code:
        """The mean over rows of a sum of terms; those of several sources have a mean each."""
        means = {
            source: code.method(code.summed(tuple(signed)), "mean")
            for source, signed in by_row.items()
        }
        if len(means) == 1:
            return next(iter(means.values()))
        for source, mean in means.items():
            name = self.terms.fresh(f"mean_{source}")
            self.scope.assign(name, mean)
            self.by_source.append((f"mean over {source}", Name(name)))
        return code.Sum(tuple(Signed(False, name) for _, name in self.by_source))

    def _mean(self, by_row: Mapping[str, list[Signed]], weighed: list[Signed]) -> None:
        """Emit the mean over rows; terms of global nodes are divided by the number of rows."""
        shared = code.method(code.Sum(tuple(weighed)), "mean") if weighed else None
        if not by_row:
            assert shared is not None
            self._set(code.Binary("/", shared, DATA_SIZE))
            return
        self._set(self._means(by_row))
        if shared is not None:
            share = code.Binary("/", shared, DATA_SIZE)
            self._set(code.Binary("+", Name(self.bound), share))

    # score gradients

    def _finish(self) -> None:
        surrogates = self.player.surrogates
        names: list[str] = []
        if surrogates:
            self.scope.comment()
        if surrogates and self._is_logmeanexp():
            names += self.gradients.of_particles(self.log_w)
        else:
            names += [self.gradients.of_node(s) for s in surrogates]
        value: Code = Name(self.bound)
        if names:
            value = code.Sum(tuple(Signed(False, Name(n)) for n in (self.bound, *names)))
        reported = (self._reported(term, value) for term, value in self.values.items())
        parts = [*self.by_source, *(part for part in reported if part is not None)]
        self._return(value, ((self.bound, Name(self.bound)), *parts))

    def _reported(self, term: Term, value: Code) -> tuple[str, Code] | None:
        """Return an entry of the returned terms, `"log p(x | z)": log_p_x.mean()`, in nats per row.

        With their signs and coefficients the entries add up to the bound, unless it is the log of
        a mean. A term of global nodes is divided by the number of rows of the data. A number has
        no entry, and neither has a single term that is not a density, since it is the bound.
        """
        is_density = isinstance(term, (LogProb, Divergence))
        if isinstance(value, code.Literal) or (len(self.values) < 2 and not is_density):
            return None
        name, mean = term_formula(self.plan, term), code.method(value, "mean")
        if not is_shared(self.plan, Part(1.0, term)):
            return name, mean
        return f"{name} / data_size", code.Binary("/", mean, DATA_SIZE)
