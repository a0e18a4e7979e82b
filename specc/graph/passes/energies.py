"""The conditional distributions and the free energy of programs with an energy.

The random nodes of such a program, its units, have no arguments in the spec. As a function of one
unit x, given all others, the energy is E(x) = E(0) - c x + a x^2 / 2 if the unit has a conditional
distribution in closed form. The coefficients are derivatives of the energy: c = -dE/dx at x = 0,
and a is the slope of dE/dx in x. The catalog has the parameters of each distribution as functions
of c and a.

If no latent unit depends on another one given the rest, they can be summed out, which gives the
free energy F(v) = -log sum_h exp(-E(v, h)) = E(v, 0) - sum of the log-partition functions of the
latent units. It becomes the deterministic node `free_energy`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from specc.catalog.entry import Conditional
from specc.catalog.registry import DISTRIBUTIONS
from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span
from specc.graph import calculus
from specc.graph.calculus import NotPolynomial
from specc.graph.constants import number_of
from specc.graph.findings import Findings
from specc.graph.graph import FREE_ENERGY, DataField
from specc.graph.nodes import (
    Deterministic,
    EnergyNode,
    Latent,
    Node,
    Observed,
)
from specc.language import nested
from specc.language.expressions.parse import parse
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Binary, Call, Expression, Name, Negate, Number
from specc.language.expressions.walk import rewrite

Nodes = Mapping[str, Node]
Unit = Latent | Observed


def derive_conditionals(
    programs: Mapping[str, Nodes],
    fields: Mapping[str, DataField],
    constants: Mapping[str, object],
    findings: Findings,
) -> dict[str, Nodes]:
    """The programs, with arguments for the units of those that have an energy."""
    return {
        name: _derived(nodes, energy, fields, constants, findings)
        if (energy := energy_of(nodes)) is not None
        else nodes
        for name, nodes in programs.items()
    }


def energy_of(nodes: Nodes) -> EnergyNode | None:
    """The energy of a program, None if it is directed."""
    return next((node for node in nodes.values() if isinstance(node, EnergyNode)), None)


@dataclass(frozen=True, slots=True)
class _Coefficients:
    """The coefficients c and a of a unit in the energy."""

    linear: Expression
    quadratic: Expression


def _derived(
    nodes: Nodes,
    energy: EnergyNode,
    fields: Mapping[str, DataField],
    constants: Mapping[str, object],
    findings: Findings,
) -> Nodes:
    found = _Energy(nodes, energy, fields, constants, findings)
    unsized = [n for n in found.units.values() if isinstance(n, Latent) and not _is_sized(n)]
    if unsized:
        for node in unsized:
            findings.add(diagnose("E0305", node.span, name=node.name), node.id)
        findings.broken.update(node.id for node in (energy, *found.units.values()))
        return nodes
    units = {name: found.unit(node) for name, node in found.units.items()}
    made = {name: unit for name, unit in units.items() if unit is not None}
    if len(made) < len(found.units):
        findings.broken.update(node.id for node in (energy, *found.units.values()))
        return nodes
    free = found.free_energy(made)
    extra = {} if free is None else {FREE_ENERGY: free}
    return {**{name: made.get(name, node) for name, node in nodes.items()}, **extra}


def _is_sized(node: Latent) -> bool:
    return node.sizes is not None or bool(node.options)


class _Energy:
    """The energy of one program, with the values of deterministic nodes that depend on units."""

    def __init__(
        self,
        nodes: Nodes,
        energy: EnergyNode,
        fields: Mapping[str, DataField],
        constants: Mapping[str, object],
        findings: Findings,
    ) -> None:
        self.nodes, self.energy, self.fields = nodes, energy, fields
        self.constants, self.findings = constants, findings
        self.units = {n: v for n, v in nodes.items() if isinstance(v, (Latent, Observed))}
        self.value = self._inlined(energy.value, frozenset())
        self.coefficients: dict[str, _Coefficients] = {}

    def _inlined(self, expression: Expression, inside: frozenset[str]) -> Expression:
        def change(part: Expression) -> Expression | None:
            node = self.nodes.get(part.id) if isinstance(part, Name) else None
            if not isinstance(node, Deterministic) or node.name in inside:
                return None
            value = self._inlined(node.value, inside | {node.name})
            return value if calculus.mentions(value, self.units) else None

        return rewrite(expression, change)

    def rank(self, expression: Expression) -> int:
        """The number of axes of an expression."""
        return calculus.rank_of(expression, self._rank_of_name, lambda call: calculus.UNKNOWN)

    def _rank_of_name(self, name: str) -> int:
        node = self.nodes.get(name)
        if node is None:
            return len(nested.shape(self.constants.get(name)) or ())
        if node.sizes is not None:
            return len(node.sizes)
        if isinstance(node, Deterministic):
            return self.rank(node.value)
        field = self.fields.get(node.field or "")
        return len(field.shape) if field is not None and field.shape is not None else 0

    # the conditional of one unit

    def unit(self, node: Unit) -> Unit | None:
        """The unit with the arguments of its conditional; None if it has none, reported."""
        diagnostic = self._mistake(node)
        if diagnostic is not None:
            self.findings.add(diagnostic, node.id)
            return None
        conditional = node.entry.conditional
        assert conditional is not None
        try:
            known = self._coefficients(node, conditional)
        except NotPolynomial as problem:
            self.findings.add(self._not_closed(node, problem), node.id)
            return None
        square = known.quadratic
        if conditional.quadratic and isinstance(square, Number) and square.value <= 0:
            word = "no square" if square.value == 0 else "a negative square"
            found = diagnose("E0273", self.energy.value.span, name=node.name, found=word)
            self.findings.add(found, node.id)
            return None
        self.coefficients[node.name] = known
        derived = {k: self._filled(text, known) for k, text in conditional.arguments.items()}
        arguments = {**node.arguments, **derived}
        spans = {**node.argument_spans, **dict.fromkeys(derived, node.span)}
        return replace(
            node,
            arguments=MappingProxyType(arguments),
            argument_spans=MappingProxyType(spans),
        )

    def _mistake(self, node: Unit) -> Diagnostic | None:
        """What forbids a conditional before any derivation."""
        conditional = node.entry.conditional
        if conditional is None:
            known = (name for name, entry in DISTRIBUTIONS.items() if entry.conditional)
            shown = ", ".join(f"`{name}`" for name in known)
            return diagnose("E0274", node.span, name=node.name, kind=node.entry.name, known=shown)
        alike = {a.name for a in node.entry.alternatives if a.replaces in conditional.arguments}
        for key in (*node.arguments, *(["params"] if node.params is not None else [])):
            if key in conditional.arguments or key in alike or key == "params":
                span = node.argument_spans.get(key, node.span)
                return diagnose("E0270", span, name=node.name, key=key)
        if not calculus.mentions(self.value, {node.name}):
            return diagnose("E0271", self.energy.value.span, name=node.name)
        return None

    def _coefficients(self, node: Unit, conditional: Conditional) -> _Coefficients:
        slope = calculus.derivative(self.value, node.name, self.rank)
        quadratic: Expression = calculus.number(0, self.energy.span)
        if calculus.mentions(slope, {node.name}):
            if not conditional.quadratic:
                raise NotPolynomial(self._square(node.name), "it has a product of its entries")
            quadratic = calculus.slope(slope, node.name)
            if calculus.mentions(quadratic, {node.name}):
                raise NotPolynomial(self._square(node.name), "it has a power above the square")
            found = number_of(quadratic, self.constants, lambda name: None)
            if found is not None:
                quadratic = Number(found, quadratic.span)
        rest = calculus.at_zero(slope, {node.name}, self.rank)
        linear = calculus.number(0, self.energy.span) if rest is None else calculus.negative(rest)
        return _Coefficients(linear, quadratic)

    def _square(self, name: str) -> Expression:
        """The least part of the energy in which a unit stands several times."""
        found = self.value
        while True:
            inner = next((c for c in _children(found) if _count(c, name) > 1), None)
            if inner is None:
                return found
            found = inner

    def _not_closed(self, node: Unit, problem: NotPolynomial) -> Diagnostic:
        assert node.entry.conditional is not None
        square = node.entry.conditional.quadratic
        degree = "quadratic, entry by entry, in" if square else "linear in"
        return diagnose(
            "E0272",
            problem.part.span,
            labels=(Label(node.span, f"it is {node.entry.name}"),),
            name=node.name,
            reason=problem.reason,
            allowed=f"{degree} a {node.entry.name} node",
        )

    def _filled(self, template: str, known: _Coefficients) -> Expression:
        """A parameter as an expression, with the coefficients in place of `c` and `a`."""
        return self._written(_simplified(_inserted(template, self._places(known))))

    def _places(self, known: _Coefficients) -> dict[str, Expression]:
        return {"c": known.linear, "a": known.quadratic}

    def _written(self, expression: Expression) -> Expression:
        """The expression as parsed from its own text, so that its spans show that text."""
        text = print_expression(expression)
        source = Source(self.energy.span.source.path, text)
        found = parse(text, lambda start, end: Span(source, start, end))
        return expression if isinstance(found, Diagnostic) else found

    # the free energy

    def free_energy(self, units: Mapping[str, Unit]) -> Deterministic | None:
        """The node F(v) if the latent units are independent given the others; None otherwise."""
        latents = [node for node in units.values() if isinstance(node, Latent)]
        hidden = {node.name for node in latents}
        for node in latents:
            entry = node.entry
            others = hidden - {node.name}
            depends = any(calculus.mentions(e, others) for e in node.arguments.values())
            if depends or (entry.result_dims and self._rank_of_name(node.name) > 1):
                return None
        try:
            value = calculus.at_zero(self.value, hidden, self.rank)
        except NotPolynomial:
            return None
        total: Expression = calculus.number(0, self.energy.span) if value is None else value
        for node in latents:
            assert node.entry.conditional is not None
            known = self.coefficients[node.name]
            places = {**node.arguments, **self._places(known)}
            part = _inserted(node.entry.conditional.log_partition, places)
            total = calculus.plus(total, calculus.negative(_simplified(part)))
        energy = self.energy
        return Deterministic(
            program=energy.program,
            name=FREE_ENERGY,
            span=energy.span,
            value=self._written(total),
        )


def _children(expression: Expression) -> Iterator[Expression]:
    match expression:
        case Negate(operand=operand):
            yield operand
        case Binary(left=left, right=right):
            yield from (left, right)
        case Call(arguments=arguments):
            yield from arguments


def _count(expression: Expression, name: str) -> int:
    """The degree of an expression in a name, at least 2 where a power of it stands."""
    match expression:
        case Binary(operator="+" | "-", left=left, right=right):
            return max(_count(left, name), _count(right, name))
        case Binary(operator="**", left=left):
            return 2 * _count(left, name)
    inside = tuple(_children(expression))
    return sum(_count(c, name) for c in inside) + (
        isinstance(expression, Name) and expression.id == name
    )


def _inserted(template: str, places: Mapping[str, Expression]) -> Expression:
    source = Source("catalog", template)
    found = parse(template, lambda start, end: Span(source, start, end))
    assert not isinstance(found, Diagnostic), template

    def change(part: Expression) -> Expression | None:
        return places.get(part.id) if isinstance(part, Name) else None

    return rewrite(found, change)


def _simplified(expression: Expression) -> Expression:
    """The expression without factors and divisors of 1, and roots of 1."""
    match expression:
        case Binary(operator="/", left=left, right=right):
            return calculus.over(_simplified(left), _simplified(right))
        case Binary(operator="*", left=left, right=right):
            return calculus.times(_simplified(left), _simplified(right))
        case Binary(operator="+", left=left, right=right):
            return calculus.plus(_simplified(left), _simplified(right))
        case Binary(operator="-", left=left, right=right):
            return calculus.plus(_simplified(left), calculus.negative(_simplified(right)))
        case Call(function="sqrt", arguments=(inner,)) if calculus.is_number(inner, 1):
            return inner
        case Call(function="sqrt", arguments=(Binary(operator="/", left=Number(value=1)) as one,)):
            root = replace(expression, arguments=(one.right,))
            return calculus.over(one.left, root)
        case Call(function=function, arguments=arguments):
            inside = tuple(map(_simplified, arguments))
            return Call(function, inside, expression.function_span, expression.span)
    return expression
