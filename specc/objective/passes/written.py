"""Reads the expression under `minimize:` as terms."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from msgspec.structs import replace

from specc.catalog.objective import Objective as Entry
from specc.catalog.registry import FUNCTIONS, OBJECTIVES
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.nearest import nearest
from specc.diagnostics.source import Span
from specc.graph.constants import number_of
from specc.graph.findings import Findings
from specc.graph.graph import DATA, GUIDE, MODEL, NETWORKS, Graph, Program, evaluated_at
from specc.graph.nodes import Node
from specc.graph.passes.copies import density_at, name_at
from specc.graph.passes.references import DENSITIES, POSTERIOR_MEAN, is_elementwise, value_name
from specc.language.expressions.tree import Binary, Call, Expression, Member, Name, Negate, Number
from specc.language.expressions.walk import calls, children, members, names
from specc.objective.passes.bounds import WRITTEN, Expansion, bound_terms
from specc.objective.passes.chains import contrast_terms
from specc.objective.terms import Apply, Detach, LogProb, Normalize, Part, Rows, Sum, Term, Value

POSTERIOR_EXAMPLE = f"{POSTERIOR_MEAN}(log_prob(guide.z), 10)"
STOP = "stop"
"""The function that stops gradients."""


def _guide_rows(graph: Graph, member: Member, otherwise: Rows) -> Rows:
    """Return the rows in which a density counts: `otherwise` for the guide's of missing data."""
    twin = graph.model.nodes.get(member.name)
    is_filled = twin is not None and twin.missing is not None and twin.is_drawn
    return otherwise if member.program == GUIDE and is_filled else "all"


class Written:
    """Reads `minimize:`, a weighted sum of bounds, log-densities, divergences and values.

    Values are those of nodes, and of functions of nodes and densities.
    """

    def __init__(self, graph: Graph, findings: Findings) -> None:
        self.graph, self.findings = graph, findings
        self.parts: dict[Term, float] = {}
        self.entry = WRITTEN
        self.particles = 1
        self.reweighed: Call | None = None
        self.expected: Call | None = None
        self.failed = False

    def expand(self, minimize: Expression, span: Span) -> Expansion | None:
        """Return the terms of an expression to be minimized; None if it has errors."""
        self._add(minimize, -1.0)
        if self.reweighed is not None and self.expected is not None:
            mean, other = self.expected.function, self.reweighed.function
            self._fail("E0459", self.expected.span, name=mean, other=other)
        if self.failed:
            return None
        parts = tuple(Part(c, term) for term, c in self.parts.items() if c != 0.0)
        if not parts:
            self._fail("E0423", span)
            return None
        entry = replace(self.entry, guided=self.graph.guide is not None)
        if set(parts) != set(bound_terms(self.graph, entry).parts):
            # The expression is not the bound itself, so its title and formula do not apply.
            title, variable = WRITTEN.title, WRITTEN.variable
            entry = replace(entry, title=title, formula="", variable=variable)
        inner = Sum(parts)
        return Expansion(entry, self.particles, inner, span)

    def _fail(self, code: str, span: Span, **evidence: str) -> None:
        self.failed = True
        self.findings.add(Diagnostic(code, span, MappingProxyType(evidence)))

    def _add(self, expression: Expression, weight: float) -> None:
        match expression:
            case Number():
                self._put(Value(expression), weight)
            case Name() if (number := self._number(expression)) is not None:
                self._put(Value(Number(number, expression.span)), weight)
            case Negate(operand=operand):
                self._add(operand, -weight)
            case Binary(operator="+", left=left, right=right):
                self._add(left, weight)
                self._add(right, weight)
            case Binary(operator="-", left=left, right=right):
                self._add(left, weight)
                self._add(right, -weight)
            case Binary(operator="**", left=left, right=right):
                self._apply(expression, "**", (left, right), weight)
            case Binary(operator="*" | "/" as operator, left=left, right=right):
                self._product(expression, operator, left, right, weight)
            case Call() if self._has_meaning(expression):
                self._call(expression, weight)
            case _:
                self._value(expression, weight)

    def _product(
        self,
        whole: Expression,
        operator: str,
        left: Expression,
        right: Expression,
        weight: float,
    ) -> None:
        """Add a product or quotient: a constant factor scales terms, other products are terms."""
        if operator == "/":
            divisor = self._number(right)
            if divisor is None:
                self._apply(whole, operator, (left, right), weight)
            elif divisor == 0.0:
                self._not_linear(whole)
            else:
                self._add(left, weight / divisor)
            return
        for factor, other in ((left, right), (right, left)):
            value = self._number(factor)
            if value is not None:
                self._add(other, weight * value)
                return
            if self._is_of_step(factor) and self._is_linear(other):
                self._scale(factor, other, weight)
                return
        self._apply(whole, operator, (left, right), weight)

    def _is_of_step(self, expression: Expression) -> bool:
        """Whether an expression is a number of the step, the same in all rows and draws."""
        used = list(calls(expression))
        is_number = all(name.id in self.graph.constants for name in names(expression))
        return (
            is_number
            and not any(members(expression))
            and all(is_elementwise(call.function) for call in used)
            and any(FUNCTIONS[call.function].scalar for call in used)
        )

    def _is_linear(self, expression: Expression) -> bool:
        """Whether an expression has a bound or divergence that is a mean of terms over draws."""
        inner = (e for e in _differentiated(expression) if isinstance(e, Call))
        found = [call.function for call in inner if _is_mean(call)]
        bounds = [OBJECTIVES[name] for name in found if name in OBJECTIVES]
        return bool(found) and all(entry.reduction == "mean" for entry in bounds)

    def _scale(self, factor: Expression, expression: Expression, weight: float) -> None:
        """Add the terms of a sum of bounds, each with a factor that no draw changes."""
        number = self._inside(factor)
        if isinstance(number, Sum) and len(number.parts) == 1:
            ((sign, number),) = ((part.coefficient, part.term) for part in number.parts)
            weight *= sign
        outer, self.parts = self.parts, {}
        self._add(expression, weight)
        scaled, self.parts = self.parts, outer
        for term, coefficient in scaled.items():
            self._put(Apply("*", (number, term)), coefficient)

    def _value(self, expression: Expression, weight: float) -> None:
        """Add the value of an expression of nodes, whose errors the graph reports."""
        networks = self.graph.programs.get(NETWORKS)
        constants = self.graph.constants
        texts = (n for n in names(expression) if isinstance(constants.get(n.id), str))
        text = next(texts, None)
        if text is not None:
            words = {"kind": "a text", "place": "an expression"}
            self._fail("E0257", text.span, name=text.id, **words)
        elif isinstance(expression, Name) and expression.id in constants:
            words = {"kind": "a list", "place": "a term of a loss"}
            self._fail("E0257", expression.span, name=expression.id, **words)
        elif networks is None or value_name(expression) not in networks.nodes:
            self.failed = True
        else:
            self._put(Value(expression), weight)

    def _not_linear(self, expression: Expression) -> None:
        self._fail("E0425", expression.span, expression=expression.span.text)

    def _number(self, expression: Expression) -> float | None:
        found = number_of(expression, self.graph.constants, lambda name: None)
        return None if found is None else float(found)

    def _has_meaning(self, call: Call) -> bool:
        """Whether a call is elementwise, or neither a function nor a link, such as `log_prob`."""
        name = call.function
        return is_elementwise(name) or not (name in FUNCTIONS or self.graph.is_link(name))

    def _call(self, call: Call, weight: float) -> None:
        if call.at is not None and call.function != "log_prob":
            self._fail("E0456", call.at.span, name=call.function)
        elif call.function in OBJECTIVES:
            self._bound(call, weight)
        elif call.function == "log_prob":
            for member in self._members(call, 1):
                self._density(call, member, weight)
        elif call.function == POSTERIOR_MEAN:
            self._posterior_mean(call, weight)
        elif call.function == "kl":
            self.expected = call
            members = self._members(call, 2)
            for member, sign in zip(members, (1.0, -1.0), strict=False):
                rows = _guide_rows(self.graph, member, "missing")
                self._put(LogProb(member.program, member.name, rows), sign * weight)
        elif is_elementwise(call.function):
            self._function(call, weight)
        else:
            known = [*OBJECTIVES, *DENSITIES, *self.graph.links, *FUNCTIONS]
            guess = nearest(call.function, known)
            hint = "an objective sums elbo, iwae, log_prob, kl and values of nodes"
            self._fail(
                "E0422",
                call.function_span,
                name=call.function,
                hint=f"did you mean `{guess}`? {hint}" if guess else hint,
            )

    def _posterior_mean(self, call: Call, weight: float) -> None:
        """Add E[e] under the model's posterior, by normalized importance weights of draws."""
        particles = self._number(call.arguments[-1]) if len(call.arguments) == 2 else None
        if particles is None or particles < 2 or particles != int(particles):
            self._fail("E0426", call.span, name=call.function, example=POSTERIOR_EXAMPLE)
            return
        if self.graph.guide is None:
            latents = (n.name for n in self.graph.model.nodes.values() if n.is_drawn)
            shown = ", ".join(f"`{name}`" for name in latents)
            self._fail("E0237", call.span, objective=call.function, latents=shown)
            return
        if self.particles not in (1, int(particles)):
            self._fail("E0427", call.span, name=call.function)
            return
        self.particles, self.reweighed = int(particles), call
        weights = Detach(Normalize(bound_terms(self.graph, replace(WRITTEN, guided=True))))
        self._put(Apply("*", (weights, self._inside(call.arguments[0]))), weight)

    def _density(self, call: Call, member: Member, weight: float) -> None:
        """Add log p at the values of the program after `at=`, else of the data and the guide."""
        found = density_at(call)
        if found is None:
            rows = _guide_rows(self.graph, member, "known")
            self._put(LogProb(member.program, member.name, rows), weight)
            return
        program = self.graph.programs.get(evaluated_at(*found))
        if program is None:
            known = [*self.graph.declared, DATA]
            guess = nearest(found[1], known)
            listed = ", ".join(f"`{name}`" for name in known)
            hint = f"did you mean `{guess}`?" if guess else f"the programs are {listed}"
            self._fail("E0404", (call.at or member).span, name=found[1], hint=hint)
            return
        missing = self._without_value(program, found)
        if missing:
            words = {"name": missing, "values": found[1]}
            self._fail("E0455", (call.at or member).span, **words)
            return
        self._put(LogProb(program.name, program.names[member.name]), weight)

    def _without_value(self, program: Program, found: tuple[str, str]) -> str:
        """Return a node that a density needs and the program after `at=` lacks; else empty."""
        original = self.graph.programs[program.copy_of]
        needed = [n for n in original.nodes if program.names[n] in program.nodes]
        needed += [name for n in needed for name in original.digraph.predecessors(n)]
        random = (n for n in needed if original.nodes[n].is_variable)
        return next((n for n in random if name_at(self.graph, n, found[1]) is None), "")

    def _function(self, call: Call, weight: float) -> None:
        name = call.function
        least, most = FUNCTIONS[name].arity
        if not least <= len(call.arguments) <= (most or len(call.arguments)):
            example = FUNCTIONS[name].example
            self._fail("E0426", call.span, name=name, example=example)
        elif name == STOP:
            self._put(Detach(self._inside(call.arguments[0])), weight)
        else:
            self._apply(call, name, call.arguments, weight)

    def _apply(
        self, whole: Expression, op: str, arguments: tuple[Expression, ...], weight: float
    ) -> None:
        """Add a function of the values of one draw, inside the mean over draws.

        A bound is a mean itself, so it may be an argument only inside `stop`.
        """
        if any(_is_mean(call) for argument in arguments for call in _differentiated(argument)):
            self._not_linear(whole)
            return
        self._put(Apply(op, tuple(self._inside(argument) for argument in arguments)), weight)

    def _inside(self, expression: Expression) -> Term:
        """Return the term of an argument."""
        outer, self.parts = self.parts, {}
        self._add(expression, 1.0)
        parts = tuple(Part(c, term) for term, c in self.parts.items())
        self.parts = outer
        return parts[0].term if [part.coefficient for part in parts] == [1.0] else Sum(parts)

    def _bound(self, call: Call, weight: float) -> None:
        entry = OBJECTIVES[call.function]
        if entry.contrastive:
            self._contrast(call, entry, weight)
            return
        self.expected = call
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

    def _contrast(self, call: Call, entry: Entry, weight: float) -> None:
        """Add the negative of both phases of contrastive divergence, `cd(model)`, a loss."""
        programs = [a.id for a in call.arguments if isinstance(a, Name)]
        if programs != [MODEL] or len(call.arguments) > 1:
            self._fail("E0426", call.span, name=entry.name, example=f"{entry.name}({MODEL})")
            return
        parts = contrast_terms(self.graph, entry, call.span, self.findings)
        for part in parts or ():
            self._put(part.term, -weight * part.coefficient)
        self.failed = self.failed or parts is None

    def _put(self, term: Term, weight: float) -> None:
        self.parts[term] = self.parts.get(term, 0.0) + weight

    def _members(self, call: Call, count: int) -> list[Member]:
        members = [a for a in call.arguments if isinstance(a, Member)]
        if len(members) != count or len(call.arguments) != count:
            example = "log_prob(model.x)" if count == 1 else "kl(guide.z, model.z)"
            self._fail("E0426", call.span, name=call.function, example=example)
            return []
        return [m for m in members if self._is_density(m)]

    def _is_unread(self, member: Member) -> bool:
        spec = self.graph.spec
        if member.program not in self.graph.programs:
            return spec.unread.holds(*spec.section(member.program))
        known = self.graph.programs[member.program].nodes
        return member.name not in known and spec.is_unread(member.program, member.name)

    def _node(self, member: Member) -> Node | None:
        """Return the node of `program.node`; report an error if there is none."""
        program = self.graph.programs.get(member.program)
        if self._is_unread(member):
            self.failed = True
            return None
        if program is None:
            guess = nearest(member.program, self.graph.programs)
            known = ", ".join(f"`{p}`" for p in self.graph.programs)
            hint = f"did you mean `{guess}`?" if guess else f"the programs are {known}"
            self._fail("E0404", member.span, name=member.program, hint=hint)
            return None
        node = program.nodes.get(member.name)
        if node is None:
            guess = nearest(member.name, program.nodes)
            hint = f"did you mean `{guess}`?" if guess else "declare it there"
            self._fail("E0201", member.span, name=member.name, program=member.program, hint=hint)
        return node

    def _is_density(self, member: Member) -> bool:
        node = self._node(member)
        if node is None:
            return False
        if not node.is_random:
            hint = f"make `{member.name}` latent or observed with a distribution"
            if node.joint is not None:
                whole = f"{member.program}.{node.joint}"
                hint = f"it is a part of `{node.joint}`, whose density is `log_prob({whole})`"
            term = f"log_prob({member.name})"
            self._fail("E0405", member.span, name=member.name, term=term, hint=hint)
            return False
        return True


def _is_mean(expression: Expression) -> bool:
    """Whether an expression is a bound or a divergence, which is a mean over draws."""
    return isinstance(expression, Call) and (
        expression.function in OBJECTIVES or expression.function == "kl"
    )


def _differentiated(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and all expressions inside it, except those inside `stop`."""
    yield expression
    if not (isinstance(expression, Call) and expression.function == STOP):
        for child in children(expression):
            yield from _differentiated(child)
