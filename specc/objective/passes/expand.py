"""From the spec's objective to terms: a named one by its entry's traits, or a written one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

from specc.catalog.elsewhere import lead
from specc.catalog.limits import MAX_PARTICLES
from specc.catalog.objective import Objective as Entry
from specc.catalog.objectives import index as objectives
from specc.catalog.other_names import meant
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, Graph
from specc.language.expressions.tree import Binary, Call, Expression, Member, Name, Negate, Number
from specc.language.schema.objective import Minimize, NamedObjective
from specc.objective.terms import KL_WEIGHT, PARTICLE, LogProb, Part, Reduce, Rows, Sum

WRITTEN = Entry(
    name="minimize",
    title="negative of what the spec minimizes",
    summary="An expression over the programs.",
    formula="",
    references=(),
    example='objective: {minimize: "-elbo(model, guide)"}',
    guided=True,
    variable="objective",
)


@dataclass(frozen=True, slots=True)
class Shaping:
    """What is done to divergences while training: a rising weight, and a least value in nats."""

    warm_up: float = 0.0
    free_bits: float = 0.0


@dataclass(frozen=True, slots=True)
class Expansion:
    """What an objective comes to: its traits, its particles, and the terms under the particles."""

    entry: Entry
    particles: int
    inner: Sum
    span: Span
    shaping: Shaping = field(default_factory=Shaping)

    def minimize(self) -> Sum:
        """The loss: the negative of the reduction of the inner sum over particles."""
        reduced = Reduce(self.entry.reduction, (PARTICLE,), self.inner)
        return Sum((Part(-1.0, reduced),))


def expand(graph: Graph, findings: Findings) -> Expansion | None:
    """The terms of the spec's objective, or None where it makes no sense."""
    written = graph.spec.document.objective
    if written is None and graph.spec.unread.holds("objective"):
        return None
    if written is None:
        findings.add(diagnose("E0424", graph.spec.spans.key(("model",))))
        return None
    span = graph.spec.spans.value(("objective",))
    if isinstance(written, NamedObjective):
        return _named(graph, written, span, findings)
    return _Written(graph, findings).expand(written, span)


def _named(
    graph: Graph, written: NamedObjective, span: Span, findings: Findings
) -> Expansion | None:
    if not objectives.contains(written.name):
        guess = meant(written.name, objectives.names())
        known = "the objectives are " + ", ".join(f"`{n}`" for n in objectives.names())
        hint = "" if guess else lead(written.name) or known
        findings.add(diagnose("E0401", span, suggestion=guess, name=written.name, hint=hint))
        return None
    entry = objectives.objective(written.name)
    chosen = dict(entry.options)
    for key, value in written.options.items():
        place = graph.spec.spans.value(("objective", written.name, key))
        if key not in entry.options:
            known = ", ".join(f"`{o}`" for o in entry.options)
            hint = f"it has {known}" if known else "it has none"
            place = graph.spec.spans.key(("objective", written.name, key))
            findings.add(diagnose("E0402", place, objective=entry.name, name=key, hint=hint))
            return None
        if not _is_legal(key, value):
            _bad_option(entry, key, value, place, findings)
            return None
        assert isinstance(value, (int, float))
        chosen[key] = value
    warm_up, free_bits = (float(chosen.get(key, 0.0)) for key in ("warm_up", "free_bits"))
    shaping = Shaping(warm_up, free_bits)
    particles = int(chosen.get("particles", 1))
    return Expansion(entry, particles, bound_terms(graph, entry, shaping), span, shaping)


RANGES: dict[str, tuple[tuple[type, ...], float, float, str]] = {
    "particles": ((int,), 1, MAX_PARTICLES, f"a whole number from 1 to {MAX_PARTICLES:,}"),
    "warm_up": ((int, float), 0.0, 0.999, "a share of the run, from 0 to 0.999"),
    "free_bits": ((int, float), 0.0, 1e6, "a number of nats, 0 or more"),
}
"""What an option of an objective may be: its type, the least and the largest value, the words."""


def _is_legal(key: str, value: object) -> bool:
    kinds, least, most, _ = RANGES[key]
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False
    assert isinstance(value, (int, float))
    return least <= value <= most


def _bad_option(entry: Entry, key: str, value: object, place: Span, findings: Findings) -> None:
    expected = RANGES[key][3]
    findings.add(
        diagnose(
            "E0403", place, name=key, objective=entry.name, value=f"`{value}`", expected=expected
        )
    )


def bound_terms(graph: Graph, entry: Entry, shaping: Shaping | None = None) -> Sum:
    """log p of every random node of the model, less log q of every latent that the guide draws.

    The two terms of such a latent have the weight and the floor that are asked for; a part of a
    draw has one term alone, and no divergence to weigh. A guide's density of missing data counts
    where it draws them.
    """
    guided: tuple[str, ...] = ()
    if entry.guided and graph.guide is not None:
        nodes = graph.model.nodes
        order = graph.guide.order
        guided = tuple(n for n in order if n in nodes and nodes[n].is_drawn)
    weight = KL_WEIGHT if shaping is not None and shaping.warm_up else ""
    floor = 0.0 if shaping is None else shaping.free_bits
    parts = []
    for name in graph.model.order:
        term = LogProb(MODEL, name)
        if graph.model.nodes[name].is_random:
            shaped = name in guided and not graph.model.nodes[name].missing
            parts.append(Part(1.0, term, weight, floor) if shaped else Part(1.0, term))
    for name in guided:
        fills = graph.model.nodes[name].missing is not None
        own = weight if graph.model.nodes[name].whole is None and not fills else ""
        term = LogProb(GUIDE, name, "missing" if fills else "all")
        parts.append(Part(-1.0, term, own, 0.0 if fills else floor))
    return Sum(tuple(parts))


def _guide_rows(graph: Graph, member: Member, otherwise: Rows) -> Rows:
    """The rows in which a written density counts: all, but for the guide's of missing data."""
    twin = graph.model.nodes.get(member.name)
    is_filled = twin is not None and twin.missing is not None and twin.is_drawn
    return otherwise if member.program == GUIDE and is_filled else "all"


class _Written:
    """Reads `minimize:`: a weighted sum of bounds, log-densities and divergences."""

    def __init__(self, graph: Graph, findings: Findings) -> None:
        self.graph, self.findings = graph, findings
        self.parts: dict[LogProb, float] = {}
        self.entry = WRITTEN
        self.particles = 1
        self.failed = False

    def expand(self, written: Minimize, span: Span) -> Expansion | None:
        self._add(written.expression, -1.0)
        if self.failed:
            return None
        parts = tuple(Part(c, term) for term, c in self.parts.items() if c != 0.0)
        if not parts:
            self._fail("E0423", span)
            return None
        entry = replace(self.entry, guided=self.graph.guide is not None)
        if set(parts) != set(bound_terms(self.graph, entry).parts):
            # What is optimized is no longer the bound itself, so its name and formula do not fit.
            title, variable = WRITTEN.title, WRITTEN.variable
            entry = replace(entry, title=title, formula="", variable=variable)
        return Expansion(entry, self.particles, Sum(parts), span)

    def _fail(self, code: str, span: Span, **evidence: str) -> None:
        self.failed = True
        self.findings.add(Diagnostic(code, span, MappingProxyType(evidence)))

    def _add(self, expression: Expression, weight: float) -> None:
        match expression:
            case Negate(operand=operand):
                self._add(operand, -weight)
            case Binary(operator="+", left=left, right=right):
                self._add(left, weight)
                self._add(right, weight)
            case Binary(operator="-", left=left, right=right):
                self._add(left, weight)
                self._add(right, -weight)
            case Binary(operator="*", left=left, right=right):
                self._product(expression, left, right, weight)
            case Binary(operator="/", left=left, right=right):
                divisor = self._number(right)
                if divisor:
                    self._add(left, weight / divisor)
                else:
                    self._not_linear(expression)
            case Call():
                self._call(expression, weight)
            case _:
                self._not_linear(expression)

    def _product(
        self, whole: Expression, left: Expression, right: Expression, weight: float
    ) -> None:
        for factor, other in ((left, right), (right, left)):
            value = self._number(factor)
            if value is not None:
                self._add(other, weight * value)
                return
        self._not_linear(whole)

    def _not_linear(self, expression: Expression) -> None:
        self._fail("E0425", expression.span, expression=expression.span.text)

    def _number(self, expression: Expression) -> float | None:
        match expression:
            case Number(value=value):
                return float(value)
            case Negate(operand=operand):
                inner = self._number(operand)
                return None if inner is None else -inner
            case Name(id=name):
                found = self.graph.constants.get(name)
                return float(found) if isinstance(found, (int, float)) else None
        return None

    def _call(self, call: Call, weight: float) -> None:
        if objectives.contains(call.function):
            self._bound(call, weight)
        elif call.function == "log_prob":
            for member in self._members(call, 1):
                rows = _guide_rows(self.graph, member, "known")
                self._put(LogProb(member.program, member.name, rows), weight)
        elif call.function == "kl":
            members = self._members(call, 2)
            for member, sign in zip(members, (1.0, -1.0), strict=False):
                rows = _guide_rows(self.graph, member, "missing")
                self._put(LogProb(member.program, member.name, rows), sign * weight)
        else:
            guess = nearest(call.function, [*objectives.names(), "log_prob", "kl"])
            hint = "an objective sums elbo, iwae, log_prob and kl"
            self._fail(
                "E0422",
                call.function_span,
                name=call.function,
                hint=f"did you mean `{guess}`? {hint}" if guess else hint,
            )

    def _bound(self, call: Call, weight: float) -> None:
        entry = objectives.objective(call.function)
        programs = [a.id for a in call.arguments if isinstance(a, Name)]
        wanted = [MODEL, GUIDE] if entry.guided else [MODEL]
        if programs != wanted or len(call.arguments) > len(wanted) + 1:
            shown = ", ".join(wanted)
            self._fail("E0426", call.span, name=entry.name, example=f"{entry.name}({shown})")
            return
        if self.graph.guide is not None and not entry.guided:
            self._fail("E0408", call.span, objective=entry.name)
            return
        particles = int(entry.options.get("particles", 1))
        if len(call.arguments) > len(wanted):
            value = self._number(call.arguments[-1])
            if value is None or value < 1 or value != int(value):
                shown = ", ".join([*wanted, "8"])
                self._fail("E0426", call.span, name=entry.name, example=f"{entry.name}({shown})")
                return
            particles = int(value)
        if self.entry is not WRITTEN and (
            self.entry.reduction != entry.reduction or self.particles != particles
        ):
            self._fail("E0427", call.span, name=entry.name)
            return
        self.entry, self.particles = entry, particles
        for part in bound_terms(self.graph, entry).parts:
            assert isinstance(part.term, LogProb)
            self._put(part.term, weight * part.coefficient)

    def _put(self, term: LogProb, weight: float) -> None:
        self.parts[term] = self.parts.get(term, 0.0) + weight

    def _members(self, call: Call, count: int) -> list[Member]:
        members = [a for a in call.arguments if isinstance(a, Member)]
        if len(members) != count or len(call.arguments) != count:
            example = "log_prob(model.x)" if count == 1 else "kl(guide.z, model.z)"
            self._fail("E0426", call.span, name=call.function, example=example)
            return []
        return [m for m in members if self._known(m)]

    def _is_unread(self, member: Member) -> bool:
        spec = self.graph.spec
        if member.program not in self.graph.programs:
            return spec.unread.holds(*spec.section(member.program))
        known = self.graph.programs[member.program].nodes
        return member.name not in known and spec.is_unread(member.program, member.name)

    def _known(self, member: Member) -> bool:
        program = self.graph.programs.get(member.program)
        if self._is_unread(member):
            self.failed = True
            return False
        if program is None:
            guess = nearest(member.program, self.graph.programs)
            known = ", ".join(f"`{p}`" for p in self.graph.programs)
            hint = f"did you mean `{guess}`?" if guess else f"the programs are {known}"
            self._fail("E0404", member.span, name=member.program, hint=hint)
            return False
        node = program.nodes.get(member.name)
        if node is None:
            guess = nearest(member.name, program.nodes)
            hint = f"did you mean `{guess}`?" if guess else "declare it there"
            self._fail("E0201", member.span, name=member.name, program=member.program, hint=hint)
            return False
        if not node.is_random:
            hint = f"make `{member.name}` latent or observed with a distribution"
            if node.whole is not None:
                whole = f"{member.program}.{node.whole}"
                hint = f"it is a part of `{node.whole}`, whose density is `log_prob({whole})`"
            term = f"log_prob({member.name})"
            self._fail("E0405", member.span, name=member.name, term=term, hint=hint)
            return False
        return True
