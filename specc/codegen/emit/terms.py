"""Terms of the objective as statements: each leaf a named local, each sum and reduction on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from specc.codegen.emit.body import Body
from specc.codegen.emit.joint import join
from specc.graph.graph import GUIDE, MODEL
from specc.objective.terms import Divergence, LogProb, Part, Reduce, Sum, Term


@dataclass(slots=True)
class Terms:
    """Writes terms into a body; a term that was written before is only named again.

    While `weighing` a term over the values of some nodes, sums over others keep their axes, so that
    the axes of the former stand where they stood.
    """

    body: Body
    written: dict[Term, str] = field(default_factory=dict)
    weights: dict[tuple[str, ...], str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    weighing: bool = False

    def part(self, part: Part) -> str:
        """A signed term of a sum: `- 4.0 * kl_z`."""
        return signed_as(part, self.term(part.term))

    def term(self, term: Term) -> str:
        """The local variable that holds a term."""
        match term:
            case LogProb() | Divergence():
                return self.leaf(term)
            case Reduce():
                return self._reduce(term)
            case Sum():
                raise AssertionError("a sum is written where it is reduced")

    def leaf(self, term: LogProb | Divergence) -> str:
        """`log_p_x`, computed here unless it was before."""
        if term not in self.written:
            self.written[term] = self._leaf(term)
        return self.written[term]

    def _leaf(self, term: LogProb | Divergence) -> str:
        body = self.body
        if isinstance(term, Divergence):
            q, p = body.factor(GUIDE, term.node), body.factor(MODEL, term.node)
            with body.out.about(f"{GUIDE}.{term.node}"):
                body.parameters(q)
                body.parameters(p)
                local = self._fresh(f"kl_{term.node}")
                body.divergence(local, q, p)
            return local
        factor = body.factor(term.program, term.node)
        letter = body.plan.programs[term.program].letter
        draw = body.plan.objective.draws.get(term.node)
        known = "_known" if term.rows == "known" else ""
        detached = draw is not None and draw.option == "sticking" and term.program == GUIDE
        with body.out.about(f"{term.program}.{term.node}"):
            join(body, factor.node)
            body.parameters(factor)
            local = self._fresh(f"log_{letter}_{term.node}{known}")
            body.log_prob(factor, local, detached and "model" in body.owners, term.rows)
        return local

    def _fresh(self, wanted: str) -> str:
        if not self.taken:
            self.taken |= self._named()
        while wanted in self.taken:
            wanted += "_"
        self.taken.add(wanted)
        return wanted

    def _named(self) -> set[str]:
        """Every variable that the plan names."""
        taken = set(self.body.plan.python.values())
        taken |= {
            a.local
            for p in self.body.plan.programs.values()
            for f in p.factors.values()
            for a in f.arguments
        }
        return taken

    def _reduce(self, term: Reduce) -> str:
        if term in self.written:
            return self.written[term]
        if term.how == "forward":
            name = self._forward(term)
        elif term.how == "integrate":
            name = self._integrate(term)
        elif term.how == "logsumexp":
            name = self._summed_out(term)
        else:
            assert term.how == "weighted"
            name = self._weighted(term)
        self.written[term] = name
        return name

    def _summed_out(self, term: Reduce) -> str:
        """`log_p = (log_p_y + log_p_x).logsumexp(0)`."""
        parts = term.term.parts if isinstance(term.term, Sum) else (Part(1.0, term.term),)
        signed = [self.part(part) for part in parts]
        name = self._fresh("log_p")
        out = self.body.out
        over = f".logsumexp({self._axes(term.axes)})"
        fitting = self._fitting(term.axes)
        if not fitting:
            out.sum(f"{name} = ", signed, over)
            return name
        self.body.imports.add("torch")
        out.sum(f"{name} = ", signed)
        impossible = f"torch.where({' & '.join(fitting)}, {name}, -torch.inf)"
        out.statement(f"{name} = {impossible}{over}")
        return name

    def _forward(self, term: Reduce) -> str:
        """`log_p = forward(log_p_z, log_p_x, axis=-3)`: the states of a sequence, summed out."""
        body, out = self.body, self.body.out
        (state,) = term.axes
        parts = term.term.parts if isinstance(term.term, Sum) else (Part(1.0, term.term),)
        pairs: list[str] = []
        singles: list[str] = []
        body.open_steps = True
        for part in parts:
            name = self.part(part)
            assert isinstance(part.term, LogProb)
            before = body.takes_before(part.term.program, part.term.node)
            (pairs if before else singles).append(name)
        body.open_steps = False
        factor, axis = body.factor(MODEL, state), body.layout.axis(state) - 1
        mask = body.mask(factor.scan, factor.lengths) if factor.scan and factor.lengths else ""
        name = self._fresh("log_p")
        own = {
            state,
            *(n for n in body.layout.enumerated if n in body.plan.programs[MODEL].befores),
        }
        kept = body.layout.has_particles or not own >= set(body.layout.enumerated)
        if not pairs:
            out.sum(f"{name} = ", singles, f".logsumexp({axis}{', keepdim=True' if kept else ''})")
            out.statement(f"{name} = {f'({name} * {mask})' if mask else name}.sum(-1)")
            return name
        body.imports.add("specc.runtime.functions.forward")
        items = [self._named_sum(pairs, "log_pair"), self._named_sum(singles, "log_single")]
        items += [f"axis={axis}", *([f"mask={mask}"] if mask else [])]
        items += ["reverse=True"] if factor.node.reverse else []
        out.call(f"{name} = forward", items, "" if kept else f".squeeze(({axis}, {axis + 1}))")
        return name

    def _integrate(self, term: Reduce) -> str:
        """`log_p = integrate(z, (0.0, 1.0), [(x, x_loc, x_scale)], axis=-2)`.

        Of data that may be missing there is `x_known` beside the rest.
        """
        body = self.body
        (latent,) = term.axes
        assert isinstance(term.term, Sum)
        factor, given = body.factor(MODEL, latent), {}
        for part in term.term.parts:
            assert isinstance(part.term, LogProb)
            own = body.factor(MODEL, part.term.node)
            with body.out.about(f"{MODEL}.{part.term.node}"):
                body.parameters(own)
            given[own.node.name] = ", ".join(body.arguments(own))
        prior = given.pop(latent)
        missing = body.plan.missing
        known = {n: f", {missing[n].known}" if n in missing else "" for n in given}
        seen = [f"({body.python(n)}, {values}{known[n]})" for n, values in given.items()]
        axis, function = body.layout.axis(latent), "kalman" if factor.scan else "integrate"
        taken = [n for n in body.layout.enumerated if n in (latent, self._before(latent))]
        axes = tuple(sorted(body.layout.axis(n) for n in taken))
        items = [body.python(latent), f"({prior})", f"[{', '.join(seen)}]"]
        items.append(f"axis={axis - 1 if factor.scan else axis}")
        if factor.scan and factor.lengths:
            items.append(f"mask={body.mask(factor.scan, factor.lengths)}")
        items += ["reverse=True"] if factor.node.reverse else []
        body.imports.add(f"specc.runtime.functions.{function}")
        name = self._fresh("log_p")
        kept = body.layout.has_particles or len(taken) < len(body.layout.enumerated)
        shown = str(axes[0]) if len(axes) == 1 else str(axes)
        body.out.call(f"{name} = {function}", items, "" if kept else f".squeeze({shown})")
        return name

    def _before(self, latent: str) -> str:
        """The node that stands for a latent at the step before; none where nothing uses it."""
        befores = self.body.plan.programs[MODEL].befores.values()
        return next((b.node.name for b in befores if b.base == latent), "")

    def _named_sum(self, signed: list[str], wanted: str) -> str:
        """The name of a sum; one term has its own, and no term is None."""
        if not signed:
            return "None"
        if len(signed) == 1 and signed[0].startswith("+ "):
            return signed[0][2:]
        name = self._fresh(wanted)
        self.body.out.sum(f"{name} = ", signed)
        return name

    def _fitting(self, axes: tuple[str, ...]) -> list[str]:
        """Where the values of enumerated data agree with what is known of them."""
        missing = self.body.plan.missing
        return [missing[name].fits for name in axes if name in self.body.fills]

    def _axes(self, axes: tuple[str, ...]) -> str:
        found = self.body.layout.axes(axes)
        shown = str(found[0]) if len(found) == 1 else str(found)
        kept = self.body.layout.has_particles or self.weighing
        return f"{shown}, keepdim=True" if kept else shown

    def _weighted(self, term: Reduce) -> str:
        self.weighing = True
        inner = self.term(term.term)
        self.weighing = False
        weight = self.weight(term.axes)
        name = self._fresh("mean_" + inner)
        self.body.out.statement(f"{name} = ({weight} * {inner}).sum({self._axes(term.axes)})")
        return name

    def weight(self, axes: tuple[str, ...]) -> str:
        """`q_y`, the probability under the guide of each value of enumerated nodes.

        Of data it is that of the values that agree with what is known.
        """
        if axes not in self.weights:
            draws = self.body.plan.objective.draws
            logs = [self.leaf(draws[name].density) for name in axes]
            name = self._fresh("q_" + "_".join(axes))
            joined = logs[0] if len(logs) == 1 else f"({' + '.join(logs)})"
            fitting = "".join(f" * {fits}" for fits in self._fitting(axes))
            self.body.out.statement(f"{name} = {joined}.exp(){fitting}")
            self.weights[axes] = name
        return self.weights[axes]

    def partial(self, part: Part, kept: frozenset[str]) -> str:
        """A cost with its sum over enumerated nodes left open for those in `kept`."""
        term = part.term
        if not isinstance(term, Reduce) or term.how != "weighted" or not kept & set(term.axes):
            return self.part(part)
        rest = tuple(a for a in term.axes if a not in kept)
        name = self.term(term.term)
        if rest:
            weight = self.weight(rest)
            summed = self._fresh(f"given_{name}")
            axes = self.body.layout.axes(rest)
            shown = str(axes[0]) if len(axes) == 1 else str(axes)
            self.body.out.statement(f"{summed} = ({weight} * {name}).sum({shown}, keepdim=True)")
            name = summed
        return signed_as(part, name)


def signed_as(part: Part, name: str) -> str:
    """The term called `name`, with the sign and the factors of its part: `- 4.0 * kl_z`."""
    size = abs(part.coefficient)
    factors = [repr(size)] if size != 1.0 else []
    factors += [part.weight] if part.weight else []
    return f"{'-' if part.coefficient < 0 else '+'} {' * '.join([*factors, name])}"
