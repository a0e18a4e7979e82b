"""The objective as one function: draws, densities, the bound, the loss."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from specc.codegen.emit.asked import (
    capabilities,
    is_shared,
    is_stochastic,
    write_points,
)
from specc.codegen.emit.body import Body
from specc.codegen.emit.file import PyFile, assemble
from specc.codegen.emit.terms import Terms, signed_as
from specc.codegen.emit.text import objective_formula, symbol
from specc.codegen.emit.values import values_behind
from specc.codegen.layout import Layout
from specc.codegen.plan import Plan
from specc.codegen.writer import Writer
from specc.graph.graph import GUIDE, MODEL, ROWS
from specc.objective.objective import Surrogate
from specc.objective.terms import (
    KL_WEIGHT,
    Divergence,
    LogProb,
    Part,
    Reduce,
    Sum,
    in_steps,
    leaves,
)


def write_objective(plan: Plan) -> PyFile:
    """The file with the loss."""
    return _ObjectiveWriter(plan).write()


def loss_inputs(plan: Plan) -> tuple[str, ...]:
    """The data that the loss takes, in the model's order; at least one, to count the rows by."""
    if plan.objective.has_likelihood:
        found = capabilities(plan, plan.programs[MODEL]).get("log_prob", ())
    else:
        used: dict[str, None] = {}
        for _, term in leaves(_reduced(plan)):
            programs = (GUIDE, MODEL) if not isinstance(term, LogProb) else (term.program,)
            for program in programs:
                factor = plan.programs[program].factors[term.node]
                used.update(values_behind(plan, program, factor.needs))
                used.update(dict.fromkeys(factor.values))
        for draw in plan.objective.draws.values():
            factor = plan.programs[draw.program].factors[draw.node]
            used.update(values_behind(plan, draw.program, factor.inputs))
        found = tuple(used)
    return plan.with_known(n for n in plan.data if n in found) or plan.counted


def shares(plan: Plan) -> dict[str, str]:
    """The arguments that are shares of rows with a value, with the data that each is of."""
    terms = (t for _, t in leaves(_reduced(plan)) if isinstance(t, LogProb))
    return {plan.missing[t.node].share: t.node for t in terms if t.rows == "known"}


def needs_data_size(plan: Plan) -> bool:
    """Whether terms of global nodes are weighed against the size of the data."""
    return any(is_shared(plan, part) for part in _parts(plan))


def _reduced(plan: Plan) -> Reduce:
    reduced = plan.objective.players[0].minimize.parts[0].term
    assert isinstance(reduced, Reduce)
    return reduced


def _parts(plan: Plan) -> tuple[Part, ...]:
    inner = _reduced(plan).term
    assert isinstance(inner, Sum)
    return inner.parts


SIGNALS = {
    "none": "logmeanexp(log_w, dim=0)",
    "mean": "score.baseline_mean(logmeanexp(log_w, dim=0))",
    "leave_one_out": "score.vimco(log_w)",
}
"""What a draw by score earns, for each baseline, under a log of a mean over particles."""


class _ObjectiveWriter:
    """Writes one loss function."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.objective = plan, plan.objective
        self.out = Writer()
        self.imports = {"torch.Tensor", "specc.runtime.noise"}
        owners = {name: name for name in plan.programs} | {"noise": "noise"}
        layout = Layout.of(plan, self.objective.particles)
        self.body = Body(plan, self.out, self.imports, owners, layout, fills=plan.filled)
        self.terms = Terms(self.body)
        self.reduced = _reduced(plan)
        self.bound = self.terms._fresh(self.objective.entry.variable)

    def write(self) -> PyFile:
        plan = self.plan
        items = [f"{name}: {p.class_name}" for name, p in plan.programs.items()]
        keywords = [f"{plan.python[n]}: Tensor" for n in loss_inputs(plan)]
        if needs_data_size(plan):
            keywords.append("data_size: int")
        keywords += [f"{name}: float = 1.0" for name in shares(plan)]
        if plan.objective.warm_up:
            keywords.append(f"{KL_WEIGHT}: Tensor | float = 1.0")
        items += ["noise: Noise", *(["*", *keywords] if keywords else [])]
        self.out.call("def loss", items, " -> tuple[Tensor, dict[str, Tensor]]:")
        with self.out.indented():
            self.out.docstring(f"The loss per row, -{self.bound}, and its parts.")
            if plan.objective.has_likelihood:
                self._likelihood()
            else:
                self._bound()
        local = [
            f"from .{name} import {program.class_name}"
            for name, program in sorted(plan.programs.items())
        ]
        return assemble("objective.py", self._docstring(), self.imports, local, self.out)

    def _docstring(self) -> str:
        title = self.objective.entry.title
        name = self.plan.graph.graph.spec.document.name
        lines = [f"The objective of `{name}`: the {title}.", ""]
        lines += _wrapped_formula(f"{self.bound} = {objective_formula(self.plan)}")
        notes = [
            line
            for d in self.objective.decisions
            for line in _wrapped_formula(f"{d.subject}: {d.choice}; {d.reason}")
        ]
        if not notes:
            return "\n".join([*lines, "", "Nothing is drawn: the density is exact."])
        return "\n".join([*lines, "", "where", "", *notes])

    # an exact likelihood

    def _likelihood(self) -> None:
        plan, out = self.plan, self.out
        names = loss_inputs(plan)
        items = [f"{plan.python[n]}={plan.python[n]}" for n in names]
        given = ", ".join([*items, "noise=noise"] if is_stochastic(plan) else items)
        out.statement(f"log_p = model.log_prob({given})")
        if not needs_data_size(plan):
            out.statement(f"{self.bound} = log_p.mean()")
            out.statement(f'return -{self.bound}, {{"{self.bound}": {self.bound}}}')
            return
        prior = capabilities(plan, plan.programs[MODEL])["log_prior"]
        points = ", ".join(f"{plan.python[n]}=model.{self._attribute(n)}" for n in prior)
        out.statement(f"log_prior = model.log_prior({points})")
        out.statement(f"{self.bound} = log_p.mean() + log_prior / data_size")
        parts = [
            f'"{self.bound}": {self.bound}',
            '"log_prob": log_p.mean()',
            '"log_prior / data_size": log_prior / data_size',
        ]
        out.collection(f"return -{self.bound}, ", parts)

    def _attribute(self, name: str) -> str:
        program = self.plan.programs[MODEL]
        return next(i.attribute for i in program.learnt if i.node.name == name)

    # a bound with draws

    def _bound(self) -> None:
        mark = self.out.mark()
        if MODEL in self.plan.programs:
            write_points(self.plan, self.plan.programs[MODEL], self.body, MODEL)
        for number, draw in enumerate(self.objective.draws.values()):
            if number:
                self.out.line()
            self._draw(draw.node)
        self._head(mark)
        self._model_terms()
        self.out.line()
        shared = [p for p in _parts(self.plan) if is_shared(self.plan, p)]
        local = [p for p in _parts(self.plan) if p not in shared]
        floored = [part for part in local if part.floor]
        signed = [self.terms.part(part) for part in local if not part.floor]
        weighed = [self.terms.part(part) for part in shared]
        if self.reduced.how == "logmeanexp" and self.objective.particles > 1:
            self._logmeanexp(signed)
        else:
            self._mean(signed, weighed)
        for part in floored:
            name = f"{self.terms.term(part.term)}.mean().clamp(min={part.floor!r})"
            self.out.statement(f"{self.bound} = {self.bound} {signed_as(part, name)}")
        self._finish()

    def _head(self, mark: int) -> None:
        """What the draws turned out to need: the number of particles, and of rows."""
        lines = []
        if self.body.layout.has_particles:
            lines.append(f"particles = {self.objective.particles}")
        if self.body.counts_rows:
            lines.append(f"rows = {self.plan.python[loss_inputs(self.plan)[0]]}.shape[0]")
        self.out.insert(mark, [*lines, ""] if lines else [])

    def _draw(self, name: str) -> None:
        draw = self.objective.draws[name]
        factor = self.body.factor(draw.program, name)
        if draw.kind == "delta":
            return
        letter = self.plan.programs[draw.program].letter
        with self.out.about(f"{draw.program}.{name}"):
            self.out.comment(f"{letter}({factor.symbol}) = {factor.story}")
            if draw.has_axis:
                if draw.program == GUIDE:
                    self.body.prepare(GUIDE, factor.inputs)
                    if factor.causal is None:
                        self.body.parameters(factor)
                self.body.spread(factor, loss_inputs(self.plan))
                return
            way = "rsample" if draw.kind == "pathwise" else "sample"
            self.body.draw(self.plan.programs[draw.program], name, way)

    def _model_terms(self) -> None:
        for term in self._leaves():
            self.out.line()
            self.out.comment(f"{symbol(self.plan, term)}")
            self.terms.leaf(term)
        for part in _parts(self.plan):
            if isinstance(part.term, Reduce):
                if any(True for _ in in_steps(part.term)):
                    self.out.line()
                self.terms.term(part.term)

    def _leaves(self) -> list[LogProb | Divergence]:
        """The densities that are written one by one: not those that are taken step by step."""
        hidden = {term for whole in in_steps(self.reduced) for _, term in leaves(whole)}
        return [term for _, term in leaves(self.reduced) if term not in hidden]

    def _mean(self, signed: list[str], weighed: list[str]) -> None:
        out = self.out
        if not signed:
            out.sum(f"{self.bound} = ", weighed, ".mean() / data_size")
        elif len(signed) == 1 and signed[0].startswith("+ "):
            out.statement(f"{self.bound} = {signed[0][2:]}.mean()")
        else:
            out.sum(f"{self.bound} = ", signed, ".mean()")
        if signed and weighed:
            joined = " ".join([weighed[0].removeprefix("+ ").replace("- ", "-"), *weighed[1:]])
            out.statement(f"{self.bound} = {self.bound} + ({joined}).mean() / data_size")

    def _logmeanexp(self, signed: list[str]) -> None:
        self.imports.add("specc.runtime.functions.logmeanexp")
        name = self.terms._fresh("log_w")
        self.out.sum(f"{name} = ", signed)
        self.out.statement(f"{self.bound} = logmeanexp({name}, dim=0).mean()")

    # score gradients

    def _finish(self) -> None:
        surrogates = self.objective.players[0].surrogates
        names = []
        if surrogates:
            self.imports.add("specc.runtime.draws.score")
            self.out.line()
        if surrogates and self.reduced.how == "logmeanexp" and self.objective.particles > 1:
            names += self._particle_surrogates(surrogates)
        else:
            names += [self._surrogate(s) for s in surrogates]
        loss = f"-{self.bound}"
        if names:
            loss = f"-({self.bound} + {' + '.join(names)})"
        parts = [f'"{self.bound}": {self.bound}']
        parts += [self._shown_part(t) for t in self._shown()]
        self.out.collection(f"return {loss}, ", parts)

    def _shown(self) -> list[LogProb | Divergence]:
        reduced = {
            t for p in _parts(self.plan) if isinstance(p.term, Reduce) for _, t in leaves(p.term)
        }
        return [t for t in dict.fromkeys(self._leaves()) if t not in reduced]

    def _shown_part(self, term: LogProb | Divergence) -> str:
        """`"log p(x | z)": log_p_x.mean()`, in nats a row: a term of all rows over their number."""
        name, value = symbol(self.plan, term), f"{self.terms.leaf(term)}.mean()"
        if not is_shared(self.plan, Part(1.0, term)):
            return f'"{name}": {value}'
        return f'"{name} / data_size": {value} / data_size'

    def _particle_surrogates(self, surrogates: tuple[Surrogate, ...]) -> list[str]:
        """Under a log of a mean, every node's signal is the bound of its row, less a baseline."""
        out, names = self.out, []
        baselines = list(dict.fromkeys(s.baseline for s in surrogates))
        for baseline in baselines:
            mark = f"_{baseline}" if len(baselines) > 1 else ""
            out.statement(f"signal{mark} = {SIGNALS[baseline]}")
            logs = [
                self.terms.leaf(self.objective.draws[s.node].density)
                for s in surrogates
                if s.baseline == baseline
            ]
            score = f"score.surrogate({' + '.join(logs)}, signal{mark})"
            out.statement(f"surrogate{mark} = {score}.sum(0).mean()")
            names.append(f"surrogate{mark}")
        return names

    def _surrogate(self, surrogate: Surrogate) -> str:
        """The signal of one node: the terms downstream of it, less a baseline."""
        node, out = surrogate.node, self.out
        factor = self.body.factor(GUIDE, node)
        log_q = self.terms.leaf(self.objective.draws[node].density)
        kept = self.body.axes.get(node, frozenset())
        over = tuple(n for n in self.objective.draws if n in self._weights(kept))
        costs = [replace(c, coefficient=-c.coefficient) for c in surrogate.costs]
        local = [c for c in costs if not is_shared(self.plan, c)]
        shared = [c for c in costs if is_shared(self.plan, c)]
        signal = f"signal_{node}"
        if ROWS in factor.type.plates:
            out.sum(f"{signal} = ", [self.terms.partial(c, frozenset(over)) for c in local])
        else:
            self._shared_signal(signal, local, shared, frozenset(over))
        if surrogate.baseline == "mean" and ROWS in factor.type.plates:
            out.statement(f"{signal} = score.baseline_mean({signal})")
        elif surrogate.baseline == "leave_one_out":
            out.statement(f"{signal} = score.baseline_leave_one_out({signal})")
        value = f"score.surrogate({log_q}, {signal})"
        if over:
            weight = self.terms.weight(over)
            value = f"({weight}.detach() * {value}).sum({self.terms._axes(over)})"
        out.statement(f"surrogate_{node} = {value}.mean()")
        return f"surrogate_{node}"

    def _weights(self, axes: frozenset[str]) -> frozenset[str]:
        """The enumerated nodes whose probabilities weigh what varies with `axes`."""
        closed, stack = set(axes), list(axes)
        while stack:
            factor = self.body.factor(GUIDE, stack.pop())
            for used in values_behind(self.plan, GUIDE, factor.inputs):
                for axis in self.body.axes.get(used, frozenset()) - closed:
                    closed.add(axis)
                    stack.append(axis)
        return frozenset(closed)

    def _shared_signal(
        self, signal: str, local: list[Part], shared: list[Part], over: frozenset[str]
    ) -> None:
        """A global node's signal counts the mean over rows, and global terms by the data's size."""
        out = self.out
        if local:
            parts = [self.terms.partial(c, over) for c in local]
            out.sum(f"{signal} = ", parts, ".mean(-1, keepdim=True)")
        if shared:
            parts = [self.terms.partial(c, over) for c in shared]
            before = f"{signal} + " if local else ""
            out.sum(f"{signal} = {before}", parts, " / data_size")


def _wrapped_formula(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=96,
        initial_indent="    ",
        subsequent_indent="        ",
        break_long_words=False,
        break_on_hyphens=False,
    )
