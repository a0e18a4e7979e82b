"""Methods of a program that are called from outside: densities, samples, means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import SELF, Code, Name, Signed
from specc.codegen.code.statements import (
    Function,
    Parameter,
    Return,
    Statement,
)
from specc.codegen.dependencies import values_behind
from specc.codegen.layout import Layout
from specc.codegen.lower.chains import chain, mean_field, sample_by_chain
from specc.codegen.lower.change_of_variables import log_det
from specc.codegen.lower.densities import log_prob, parameters
from specc.codegen.lower.draws import draw, emit_values, enumerate_values, sample
from specc.codegen.lower.energies import (
    free_energy,
    log_pseudolikelihood,
    log_z,
    unnormalized_log_joint,
)
from specc.codegen.lower.energies import log_prob as log_prob_of_energy
from specc.codegen.lower.one_step import one_step, start_of_chain
from specc.codegen.lower.points import if_absent, points, without_unused
from specc.codegen.lower.posteriors import posterior_probs, sample_elements, sample_posterior
from specc.codegen.lower.scope import Scope
from specc.codegen.lower.terms import Terms
from specc.codegen.lower.value import PARTICLE
from specc.codegen.lower.values import prepare
from specc.codegen.opposed_chains import START, STEP
from specc.codegen.plan import Factor, Input, Plan, ProgramPlan
from specc.codegen.row_terms import drawn_of_prior, is_shared, prior_terms, split, summed_in
from specc.codegen.signatures import (
    PSEUDO,
    UNNORMALIZED,
    global_draws,
    guided_globals,
    has_prior_draws,
    is_stochastic,
    left_out_factors,
    likelihood_of_rows,
    mean_factors,
    posterior_elements,
    posterior_latents,
    predicted_factors,
    sampled_values,
    shared_points,
    weights_of,
)
from specc.graph.graph import GUIDE
from specc.objective.terms import LogProb, Part, Reduce, Sum, densities_in

NOISE = Parameter("noise", "Noise")
LONG = 70
"""The length up to which a formula is written out in a docstring."""

GUIDE_SAMPLE = "Draw `particles` values of the latents for each row, and log q of each draw."
GIVEN_SAMPLE = (
    "Draw the latents of each row, given `particles` values of {}, and log q of each draw."
)
GLOBAL_SAMPLE = "Draw `particles` values of each global latent, and log q of each draw."

TENSOR, TENSORS = "Tensor", "dict[str, Tensor]"


def capabilities(plan: Plan, program: ProgramPlan) -> Iterator[Function]:
    """Yield the methods that the plan lists for this program, in order."""
    lowering = _Lowering(plan, program)
    of_nodes = {let.method for let in program.lets.values()}
    for name in plan.methods[program.name]:
        if name not in of_nodes:
            yield lowering.method(name)


class _Lowering:
    """Lowers the methods of one program."""

    def __init__(self, plan: Plan, program: ProgramPlan) -> None:
        self.plan, self.program = plan, program
        self.lowered: dict[str, Callable[[], Function]] = {
            "log_joint": self.log_joint,
            "log_prior": self.log_prior,
            "log_prob": self.log_prob,
            "log_likelihood": self.log_likelihood,
            "log_det": lambda: log_det(program),
            "sample": self.sample,
            "log_z": lambda: log_z(plan, program),
            UNNORMALIZED: lambda: unnormalized_log_joint(plan, program),
            PSEUDO: lambda: log_pseudolikelihood(plan, program),
            "free_energy": lambda: free_energy(plan, program),
            "gibbs": lambda: chain(plan, program),
            "chain": lambda: chain(plan, program),
            "mean_field": lambda: mean_field(plan, program),
            "conditional_mean": self.conditional_mean,
            "impute": self.impute,
            "sample_and_log_prob": self.sample_and_log_prob,
            "sample_global": self.sample_global,
            "sample_prior": self.sample_prior,
            "sample_posterior": lambda: sample_posterior(plan, program),
            "sample_elements": lambda: sample_elements(plan, program),
            "posterior_probs": lambda: posterior_probs(plan, program),
            "sample_global_and_log_prob": self.sample_global_and_log_prob,
            "predict_log_proba": self.predict_log_proba,
            START: lambda: start_of_chain(plan, program),
            STEP: lambda: one_step(plan, program),
        }

    def method(self, name: str) -> Function:
        """Return the method with the name."""
        if self.plan.graph.graph.programs[self.program.name].energy is not None:
            of_energy = {"sample": sample_by_chain, "log_prob": log_prob_of_energy}
            if name in of_energy:
                return of_energy[name](self.plan, self.program)
        return self.lowered[name]()

    def _scope(
        self,
        layout: Layout | None = None,
        fills: frozenset[str] = frozenset(),
        has_noise: bool = False,
    ) -> Scope:
        owners = {self.program.name: SELF}
        layout = layout or Layout()
        return Scope(
            self.plan, self.plan.objective.draws, owners, layout, fills=fills, has_noise=has_noise
        )

    def _inputs(self, method: str) -> tuple[Input, ...]:
        return self.plan.methods[self.program.name][method]

    def _tensors(self, method: str) -> tuple[Parameter, ...]:
        return tuple(Parameter(self.plan.python[n], TENSOR) for n in self._inputs(method))

    def _values(self, scope: Scope, names: tuple[str, ...] | list[str]) -> Code:
        """Return the code `{"z": z}`."""
        return code.Dict(tuple((self.plan.python[name], scope.variable(name)) for name in names))

    # densities

    def log_joint(self) -> Function:
        """Return `log_joint`: the sum of the log-densities of all local nodes, [rows]."""
        factors = split(self.program)[0]
        shown = " + ".join(f"log p({f.conditional})" for f in factors)
        names = ", ".join(name for f in factors for name in f.values)
        shown = shown if len(shown) < LONG else f"log p({names})"
        summed = self._summed(self.plan.objective.joint)
        if summed:
            return self._joint(summed)
        parts = tuple(Part(1.0, LogProb(self.program.name, f.node.name)) for f in factors)
        return self._sum(self._scope(), "log_joint", parts, f"{shown}, for each row.")

    def log_likelihood(self) -> Function:
        """Return `log_likelihood`: the sum of the log-densities of the data, [rows]."""
        names = self._inputs("log_likelihood")
        density = likelihood_of_rows(self.plan)
        assert density is not None
        scope = self._scope(Layout.of(self.plan, self._summed(density), 1), self.plan.filled)
        for name in self._summed(density):
            with scope.on(self.program.name, name):
                emit_values(scope, self.program.factors[name], names)
        scope.add(Return(self._density(scope, density, names[0])))
        data = ", ".join(n for n in names if isinstance(n, str) and self._is_observed(n))
        given = ", ".join(n for n in names if isinstance(n, str) and not self._is_observed(n))
        return Function(
            name="log_likelihood",
            parameters=(),
            keywords=self._tensors("log_likelihood"),
            returns=TENSOR,
            docstring=f"log p({data} | {given}), for each row.",
            body=tuple(scope.statements),
        )

    def _summed(self, density: Sum | None) -> tuple[str, ...]:
        """Return the latents that are summed or integrated out of a density of the model."""
        if density is None:
            return ()
        inside = summed_in(part for part in density.parts if not is_shared(self.plan, part))
        return tuple(name for name in self.plan.objective.enumerated if name in inside)

    def _joint(self, summed: tuple[str, ...]) -> Function:
        """Return `log_joint` with some latents summed out, [rows], or [particles, rows]."""
        names, draws = self._inputs("log_joint"), self.plan.objective.draws
        guided = any(draw.program == GUIDE for draw in draws.values())
        layout = Layout.of(self.plan, summed, 2 if guided else 1)
        scope = self._scope(layout, self.plan.filled)
        for name in (n for n in names if isinstance(n, str) and n in draws and guided):
            self._make_room(scope, name)
        for name in summed:
            with scope.on(self.program.name, name):
                emit_values(scope, self.program.factors[name], names)
        assert self.plan.objective.joint is not None
        scope.add(Return(self._density(scope, self.plan.objective.joint, names[0])))
        shown = ", ".join(n for n in names if isinstance(n, str) and self._is_random(n))
        return Function(
            name="log_joint",
            parameters=(),
            keywords=self._tensors("log_joint"),
            returns=TENSOR,
            docstring=f"log p({shown}), {self._of_rows()}, {', '.join(summed)} summed out.",
            body=tuple(scope.statements),
        )

    def _of_rows(self) -> str:
        """Return what the rows of a density are."""
        return "of all rows, divided among them" if self.plan.objective.coupled else "for each row"

    def _make_room(self, scope: Scope, name: str) -> None:
        """Emit axes of size 1 for all values of other latents, after the particles of a latent."""
        scope.define(self.program.name, name, frozenset({PARTICLE}))
        dims = scope.value(self.program.name, name).count("rows", "plate", "step")
        dims = max(1, dims) + len(self.plan.graph.type(self.program.name, name).shape)
        room = code.function("specc.runtime.functions.elements.make_room")
        value = code.call(room, scope.variable(name), len(scope.layout.enumerated), dims=dims)
        scope.assign(scope.python(name), value)

    def log_prior(self) -> Function:
        """Return `log_prior`: the sum of the log-densities of all global nodes."""
        parts, names = prior_terms(self.plan, self.program), self._inputs("log_prior")
        summed = tuple(n for n in self.plan.objective.enumerated if n in summed_in(parts))
        scope = self._scope(Layout.of(self.plan, summed, 1))
        scope.weights = weights_of(self.plan, parts)
        for name in summed:
            with scope.on(self.program.name, name):
                emit_values(scope, self.program.factors[name], names)
        own = [self.program.factors[t.node] for p in parts for _, t in densities_in(p.term)]
        shown = " + ".join(f"log p({f.conditional})" for f in own)
        if summed or len(shown) >= LONG:
            shown = "log p of the global nodes"
        rest = f", {', '.join(summed)} summed out" if summed else ""
        return self._sum(scope, "log_prior", parts, f"{shown}{rest}.")

    def _sum(self, scope: Scope, name: str, parts: tuple[Part, ...], docstring: str) -> Function:
        """Return a method with the sum of some terms."""
        terms, found = Terms(scope), []
        for part in parts:
            node = next(t.node for _, t in densities_in(part.term))
            with scope.on(self.program.name, node):
                found.append(terms.part(part))
        scope.add(Return(code.Sum(tuple(found))))
        body = tuple(scope.statements)
        weights = (Parameter(w, "Tensor | float", "1.0") for w in scope.weights.values())
        return Function(name, (), (*self._tensors(name), *weights), TENSOR, docstring, body)

    def log_prob(self) -> Function:
        """Return `log_prob`: log p(x) with finite latents summed out, [rows]."""
        plan, names = self.plan, self._inputs("log_prob")
        stochastic = is_stochastic(plan)
        enumerated = self._summed(plan.objective.likelihood)
        layout = Layout.of(plan, enumerated, 1)
        scope = self._scope(layout, plan.filled, has_noise=stochastic)
        data = ", ".join(n for n in names if isinstance(n, str) and self._is_observed(n))
        summed = f", {', '.join(enumerated)} summed out" if enumerated else ""
        points(scope, self.program, SELF)
        count = len(scope.statements)
        for name in enumerated:
            with scope.on(self.program.name, name):
                emit_values(scope, self.program.factors[name], names)
        assert plan.objective.likelihood is not None
        scope.add(Return(self._density(scope, plan.objective.likelihood, names[0])))
        optional = (Parameter("noise", "Noise | None", "None"),) if stochastic else ()
        return Function(
            name="log_prob",
            parameters=(),
            keywords=(*self._tensors("log_prob"), *optional),
            returns=TENSOR,
            docstring=f"log p({data}), {self._of_rows()}{summed}.",
            body=without_unused(scope.statements, count),
        )

    def _density(self, scope: Scope, density: Sum, first: Input) -> Code:
        """Return the sum of the terms of a density of rows."""
        terms = Terms(scope)
        parts = [p for p in density.parts if not is_shared(self.plan, p)]
        if not parts:
            device = code.Attribute(scope.argument(first), "device")
            return code.call(code.torch("zeros"), scope.rows(first), device=device)
        result = tuple(terms.part(part) for part in parts)
        if scope.layout.has_particles:
            places = tuple(range(-1 - len(scope.layout.enumerated), -1))
            taken = places[0] if len(places) == 1 else places
            return code.method(code.summed(result), "squeeze", taken)
        # Separate sums leave axes of size 1 in place of the states of the others.
        sums = [p.term for p in parts if isinstance(p.term, Reduce)]
        if len(sums) <= 1 and not any(_is_nested(term) for term in sums):
            return code.Sum(result)
        total = result[0].term if len(result) == 1 else code.Sum(result)
        return code.method(total, "flatten")

    def _is_random(self, name: str) -> bool:
        factor = next((f for f in split(self.program)[0] if name in f.values), None)
        return factor is not None

    def _is_observed(self, name: str) -> bool:
        node = self.plan.graph.graph.model.nodes.get(name)
        return node is not None and node.role == "observed"

    # samples

    def sample(self) -> Function:
        """Return `sample`: ancestral samples of the model."""
        plan, program = self.plan, self.program
        drawn = (*guided_globals(plan), *posterior_elements(plan))
        shared, passed = {plan.python[n] for n in drawn}, drawn
        if has_prior_draws(plan, program):
            passed = (*posterior_latents(plan, program), *posterior_elements(plan))
        scope = self._scope()
        names: list[str] = []
        learnable = set(shared_points(program))
        points(scope, program, SELF, passed)
        for name in (n for n in program.order if n in program.factors):
            factor = program.factors[name]
            names += factor.values
            if name in learnable:
                continue
            with scope.on(program.name, name):
                if plan.python[name] not in shared:
                    draw(scope, program, name, "sample")
                    continue
                prepare(scope, program.name, factor.inputs)
                with scope.block() as body:
                    draw(scope, program, name, "sample")
                scope.add(if_absent(scope, name, body))
        for name in sampled_values(plan, program):
            prepare(scope, program.name, (name,))
            names.append(name)
        scope.add(Return(self._values(scope, names)))
        given = tuple(Parameter(plan.python[n], "Tensor | None", "None") for n in passed)
        return Function(
            name="sample",
            parameters=(NOISE, Parameter("rows", "int")),
            keywords=(*self._tensors("sample"), *given),
            returns=TENSORS,
            docstring="Draw `rows` rows from the model, each node given its parents.",
            body=tuple(scope.statements),
        )

    def sample_and_log_prob(self) -> Function:
        """Return `sample_and_log_prob`: samples of the guide, and their log-density."""
        plan, program, names = self.plan, self.program, self._inputs("sample_and_log_prob")
        draws = plan.objective.draws
        scope = self._scope(Layout(2), plan.filled)
        scope.counts = plan.counts
        shared = [name for name in names if name in guided_globals(plan)]
        for name in shared:  # each particle of a row has a value of its own
            scope.define(program.name, name, frozenset({PARTICLE}))
        self._return_draws(scope, [f for f in split(program)[0] if f.node.name in draws])
        return Function(
            name="sample_and_log_prob",
            parameters=(NOISE, Parameter("particles", "int")),
            keywords=self._tensors("sample_and_log_prob"),
            returns="tuple[dict[str, Tensor], Tensor]",
            docstring=GUIDE_SAMPLE if not shared else GIVEN_SAMPLE.format(", ".join(shared)),
            body=(*scope.head(names), *scope.statements),
        )

    def _return_draws(self, scope: Scope, factors: Sequence[Factor]) -> None:
        """Emit draws of several nodes, and `return {"z": z}, log_q_z`."""
        terms, densities = Terms(scope), []
        for factor in factors:
            with scope.on(self.program.name, factor.node.name):
                draw(scope, self.program, factor.node.name, "rsample")
                term = terms.term(self.plan.objective.draws[factor.node.name].density)
                densities.append(Signed(False, Name(term)))
        log_q = densities[0].term
        if len(densities) > 1:
            log_q = Name("log_q")
            scope.assign("log_q", code.Sum(tuple(densities)))
        values = [value for factor in factors for value in factor.values]
        scope.add(Return(code.Tuple((self._values(scope, values), log_q))))

    def sample_global_and_log_prob(self) -> Function:
        """Return `sample_global_and_log_prob`: samples of global latents, and their log-density."""
        scope = self._scope(Layout(2))
        self._return_draws(scope, global_draws(self.plan))
        return Function(
            name="sample_global_and_log_prob",
            parameters=(NOISE, Parameter("particles", "int")),
            keywords=(),
            returns="tuple[dict[str, Tensor], Tensor]",
            docstring=GLOBAL_SAMPLE,
            body=tuple(scope.statements),
        )

    def sample_global(self) -> Function:
        """Return `sample_global`: samples of the global latents from the guide."""
        scope = self._scope()
        scope.has_densities = False
        for factor in global_draws(self.plan):
            with scope.on(self.program.name, factor.node.name):
                draw(scope, self.program, factor.node.name, "sample")
        scope.add(Return(self._values(scope, guided_globals(self.plan))))
        docstring = "Draw one value of each global latent."
        body = tuple(scope.statements)
        return Function("sample_global", (NOISE,), (), TENSORS, docstring, body)

    def sample_prior(self) -> Function:
        """Return `sample_prior`: samples of the latents that rows share from their prior."""
        scope, program = self._scope(), self.program
        wanted = drawn_of_prior(self.plan, program)
        used: set[Input] = {*wanted}
        for factor in reversed(split(program)[1]):  # a latent that is summed out may be a parent
            if used & {*factor.values}:
                used |= {*values_behind(self.plan, program.name, factor.needs)}
        for factor in (each for each in split(program)[1] if used & {*each.values}):
            with scope.on(program.name, factor.node.name):
                draw(scope, program, factor.node.name, "sample")
        scope.add(Return(self._values(scope, wanted)))
        docstring = "Draw one value of each latent that rows share, given its parents."
        body = tuple(scope.statements)
        return Function("sample_prior", (NOISE,), (), TENSORS, docstring, body)

    # means, probabilities and imputation

    def conditional_mean(self) -> Function:
        """Return `conditional_mean`: the mean of each observed node given its parents."""
        scope, items = self._scope(), []
        for factor in mean_factors(self.plan, self.program):
            with scope.on(self.program.name, factor.node.name):
                parameters(scope, factor)
                value = code.call(scope.density(factor, "mean"), *scope.arguments(factor))
                items.append((self.plan.python[factor.node.name], value))
        scope.add(Return(code.Dict(tuple(items))))
        given = " given its parents" if self._inputs("conditional_mean") else ""
        docstring = f"The mean of each observed node{given}."
        body = tuple(scope.statements)
        keywords = self._tensors("conditional_mean")
        return Function("conditional_mean", (), keywords, TENSORS, docstring, body)

    def predict_log_proba(self) -> Function:
        """Return `predict_log_proba`: log q of every value of finite data under the guide."""
        factors = predicted_factors(self.plan)
        shown = ", ".join(f"log q({factor.conditional})" for factor in factors)
        statements: list[Statement] = []
        items: list[tuple[str, Code]] = []
        for factor in factors:
            name = factor.node.name
            scope = self._scope(Layout(1, (name,)))
            with scope.on(self.program.name, name):
                parameters(scope, factor)
                enumerate_values(scope, factor, factor.inputs)
                local = f"log_q_{self.plan.python[name]}"
                log_prob(scope, factor, local)
                value = code.method(Name(local), "movedim", 0, -1)
                items.append((self.plan.python[name], value))
            statements += scope.statements
        statements.append(Return(code.Dict(tuple(items))))
        docstring = f"{shown} of every value: [rows, values]."
        keywords = self._tensors("predict_log_proba")
        body = tuple(statements)
        return Function("predict_log_proba", (), keywords, TENSORS, docstring, body)

    def impute(self) -> Function:
        """Return `impute`: the data, with a sample for each missing entry."""
        factors = left_out_factors(self.plan)
        fills = frozenset(factor.node.name for factor in factors)
        scope = self._scope(Layout(), fills, has_noise=True)
        scope.counts = self.plan.counts
        for factor in factors:
            with scope.on(self.program.name, factor.node.name):
                sample(scope, factor, "sample")
        scope.add(Return(self._values(scope, [factor.node.name for factor in factors])))
        return Function(
            name="impute",
            parameters=(NOISE,),
            keywords=self._tensors("impute"),
            returns=TENSORS,
            docstring="The data, with a draw for each entry without a value.",
            body=(*scope.head([factor.node.name for factor in factors]), *scope.statements),
        )


def _is_nested(term: Reduce) -> bool:
    inner = term.term.parts if isinstance(term.term, Sum) else ()
    return any(isinstance(part.term, Reduce) for part in inner)
