"""The conditional distributions and the free energy of programs with an energy.

The random nodes that the energy depends on, its units, have no arguments in the spec; all others
are drawn given their parents (`specc.graph.passes.energy_units`). As a function of one unit x,
given all others, the energy is E(x) = E(0) - c x + a x^2 / 2 if the unit has a conditional
distribution in closed form. The coefficients are derivatives of the energy: c = -dE/dx at x = 0,
and a is the slope of dE/dx in x. The catalog has the parameters of each distribution as functions
of c and a.

If no hidden unit depends on another one given the rest, they can be summed out, which gives the
free energy F(v) = -log sum_h exp(-E(v, h)), the deterministic node `free_energy`
(`specc.graph.passes.energy_sums`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from specc.catalog.entry import Conditional
from specc.catalog.registry import DISTRIBUTIONS, FUNCTIONS
from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import LongForm, Span
from specc.graph import calculus
from specc.graph.calculus import NotPolynomial
from specc.graph.constants import SIZE_OF, number_of
from specc.graph.findings import Findings
from specc.graph.graph import FREE_ENERGY, DataField, LinkNode
from specc.graph.linear_maps import LinearMaps
from specc.graph.nodes import (
    Deterministic,
    EnergyNode,
    Latent,
    Node,
    Observed,
)
from specc.graph.passes.chain_units import chain_mistake, chains_of_directed, or_chain
from specc.graph.passes.energy_shapes import EnergyShapes
from specc.graph.passes.energy_sums import EnergySums
from specc.graph.passes.energy_units import read_by, with_units
from specc.graph.templates import inserted, simplified
from specc.graph.zeros import at_zero
from specc.language.expressions.parse import parse
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Binary, Call, Expression, Name, Negate, Number
from specc.language.expressions.walk import calls, names, rewrite, walk

MAX_PARTS = 1_000
"""The largest number of names, numbers and operations of an energy whose derivatives are taken."""

MAX_LEVELS = 50
"""The largest number of deterministic nodes that are inside each other in an energy."""

Nodes = Mapping[str, Node]
Unit = Latent | Observed


def derive_conditionals(
    programs: Mapping[str, Nodes],
    fields: Mapping[str, DataField],
    constants: Mapping[str, object],
    links: Mapping[str, LinkNode],
    findings: Findings,
) -> dict[str, Nodes]:
    """The programs, with arguments for the units of those that have an energy."""
    found = dict(programs)
    for name, nodes in programs.items():
        energy = energy_of(nodes)
        if energy is not None:
            nodes = with_units(nodes, energy)
            own = _Energy(nodes, fields, constants, LinearMaps(links), findings)
            found[name] = _derived(nodes, own)
        chains_of_directed(nodes, findings)
    return found


def energy_of(nodes: Nodes) -> EnergyNode | None:
    """The energy of a program, None if it is directed."""
    return next((node for node in nodes.values() if isinstance(node, EnergyNode)), None)


class _Coefficients(Struct, frozen=True):
    """The coefficients c and a of a unit in the energy."""

    linear: Expression
    quadratic: Expression


def _derived(nodes: Nodes, found: _Energy) -> Nodes:
    """The nodes with the conditionals and the free energy; unchanged if there is a mistake."""
    if found.is_large:
        found.report_size()
        return found.broken()
    known = {**nodes, **found.constants}
    if not (
        # Names that are not known are reported with those of other expressions.
        all(each.id in known for each in names(found.value))
        and all(found.maps.is_link(each) or _is_function(each) for each in calls(found.value))
        and not found.misplaced()
    ):
        return found.broken()
    units = {name: found.unit(node) for name, node in found.units.items()}
    made = {name: unit for name, unit in units.items() if unit is not None}
    if len(made) < len(found.units):
        return found.broken()
    return {**{name: made.get(name, node) for name, node in nodes.items()}, **found.sums(made)}


def _is_function(call: Call) -> bool:
    return call.function in FUNCTIONS or call.function == SIZE_OF


def _is_sized(node: Latent) -> bool:
    return node.sizes is not None or bool(node.options)


def _misplaced_key(node: Node) -> str | None:
    """The key that a node of an energy cannot have, if it has one."""
    unit = isinstance(node, (Latent, Observed))
    wrong = {
        "plate": node.scan is not None or (unit and node.plate is not None),
        "through": bool(node.through),
        "missing": node.missing is not None,
        "global": unit and node.is_global,
    }
    return next((key for key, is_there in wrong.items() if is_there), None)


class _Energy:
    """The energy of one program, with the values of deterministic nodes that depend on units."""

    def __init__(
        self,
        nodes: Nodes,
        fields: Mapping[str, DataField],
        constants: Mapping[str, object],
        maps: LinearMaps,
        findings: Findings,
    ) -> None:
        energy = energy_of(nodes)
        assert energy is not None
        self.nodes, self.energy, self.fields = nodes, energy, fields
        self.constants, self.maps, self.findings = constants, maps, findings
        random = {n: v for n, v in nodes.items() if isinstance(v, (Latent, Observed))}
        self.units = {name: random[name] for name in energy.units}
        self.below = {n: v for n, v in random.items() if n not in self.units}
        self.shapes = EnergyShapes(nodes, fields, constants, energy.value, maps)
        self.rank = self.shapes.rank
        self.is_large = _size(energy.value, nodes, {}) > MAX_PARTS
        self.value = energy.value if self.is_large else self._inlined(energy.value, frozenset())
        self.coefficients: dict[str, _Coefficients] = {}

    def _inlined(self, expression: Expression, inside: frozenset[str]) -> Expression:
        """The expression with the values of nodes that depend on units, and squares as powers.

        A node that states the shape of what a link returns stays, as its value alone has none.
        """

        def change(part: Expression) -> Expression | None:
            match part:
                case Name(id=name):
                    node = self.nodes.get(name)
                    if not isinstance(node, Deterministic) or node.name in inside:
                        return None
                    if node.sizes is not None and self.shapes.of(node.value) is None:
                        return None
                    value = self._inlined(node.value, inside | {name})
                    return value if calculus.mentions(value, self.units) else None
                case Call(function="square", arguments=(base,)):
                    exponent = calculus.number(2, part.span)
                    return Binary("**", self._inlined(base, inside), exponent, part.span)
                case Binary(operator="**", left=left, right=right):
                    return self._power(part, self._inlined(left, inside), right, inside)
            return None

        return rewrite(expression, change)

    def _power(
        self, part: Binary, base: Expression, exponent: Expression, inside: frozenset[str]
    ) -> Expression:
        """A power; an exponent that is a whole number is written as an integer."""
        value = number_of(exponent, self.constants, lambda name: None)
        if value is None or value != int(value):
            return Binary("**", base, self._inlined(exponent, inside), part.span)
        return Binary("**", base, calculus.number(int(value), exponent.span), part.span)

    # mistakes that forbid any derivation

    def report_size(self) -> None:
        """Report an energy that is too large with the values of its nodes in it."""
        limits = {"limit": f"{MAX_PARTS:,}", "levels": str(MAX_LEVELS)}
        self.findings.add(
            diagnose("E0282", self.energy.value.span, labels=(), **limits), self.energy.id
        )

    def broken(self) -> Nodes:
        """The nodes, of which the units and the energy are marked as broken."""
        nodes = (self.energy, *self.units.values())
        self.findings.broken.update(node.id for node in nodes)
        return self.nodes

    def misplaced(self) -> bool:
        """Whether a node has what those of an energy cannot have; reports it."""
        found = dict[str, Diagnostic]()
        behind = (each.id for each in names(self.value))
        for name in dict.fromkeys((*self.units, *self.below, *behind)):
            node = self.nodes.get(name)
            key = None if node is None else _misplaced_key(node)
            if node is not None and node.name in self.below and node.draw and not node.is_moved:
                key = key or "draw"
            if node is not None and key is not None:
                found[name] = diagnose("E0280", node.span, name=name, key=key)
        for name, node in self.units.items():
            if isinstance(node, Latent) and not _is_sized(node):
                found.setdefault(name, diagnose("E0305", node.span, name=name))
        if FREE_ENERGY in self.nodes:
            found[FREE_ENERGY] = diagnose(
                "E0109",
                self.nodes[FREE_ENERGY].span,
                name=FREE_ENERGY,
                kind="node",
                meaning="the energy of the data alone",
                other=f"{FREE_ENERGY}_node",
            )
        for name, diagnostic in found.items():
            self.findings.add(diagnostic, self.nodes[name].id)
        return bool(found)

    # the conditional of one unit

    def unit(self, node: Unit) -> Unit | None:
        """The unit with the arguments of its conditional; None if it has none, reported."""
        diagnostic = self._mistake(node)
        if diagnostic is not None:
            self.findings.add(diagnostic, node.id)
            return None
        if node.is_moved:
            return node
        conditional = node.entry.conditional
        assert conditional is not None
        try:
            known = self._coefficients(node, conditional)
            derived = {k: self._filled(text, known) for k, text in conditional.arguments.items()}
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
        if (found := chain_mistake(node)) is not None:
            return found
        alike = {a.name for a in node.entry.alternatives if a.replaces in conditional.arguments}
        for key in (*node.arguments, *(["params"] if node.params is not None else [])):
            if key in conditional.arguments or key in alike or key == "params":
                span = node.argument_spans.get(key, node.span)
                return diagnose("E0270", span, name=node.name, key=key)
        for name in dict.fromkeys(each.id for each in names(self.value)):
            kept = self.nodes.get(name)
            if not isinstance(kept, Deterministic) or node.is_moved:
                continue
            if node.name in read_by(self.nodes, kept.expressions()):
                problem = NotPolynomial(kept.value, f"`{node.name}` stands inside it")
                return self._not_closed(node, problem)
        if not calculus.mentions(self.value, {node.name}):
            return diagnose("E0271", self.energy.value.span, name=node.name)
        return None

    def _coefficients(self, node: Unit, conditional: Conditional) -> _Coefficients:
        slope = calculus.derivative(self.value, node.name, self.rank, self.shapes.of, self.maps)
        quadratic: Expression = calculus.number(0, self.energy.span)
        if calculus.mentions(slope, {node.name}):
            if not conditional.quadratic:
                return _Coefficients(self._of_binary(node, slope), quadratic)
            quadratic = calculus.slope(slope, node.name)
            if calculus.mentions(quadratic, {node.name}):
                raise NotPolynomial(self._square(node.name), "it has a power above the square")
            found = number_of(quadratic, self.constants, lambda name: None)
            if found is not None:
                quadratic = Number(found, quadratic.span)
        # A coefficient with fewer entries than the node is that of every entry: none is lost here.
        rest = at_zero(slope, {node.name}, lambda part: 0, maps=self.maps)
        linear = calculus.number(0, self.energy.span) if rest is None else calculus.negative(rest)
        return _Coefficients(linear, quadratic)

    def _of_binary(self, node: Unit, slope: Expression) -> Expression:
        """The coefficient c of entries that are 0 or 1, of which the energy has products.

        In one entry the energy is quadratic, so E(1) - E(0) is its derivative at 1/2. If several
        entries are multiplied, the result depends on the node itself: the conditional distribution
        of an entry is that of the result where this entry is 1/2.
        """
        if not node.entry.finite:
            raise NotPolynomial(self._square(node.name), "it has a product of its entries")
        if calculus.degree(slope, node.name, self.maps) > 1:
            raise NotPolynomial(self._square(node.name), "it has a power above the square")
        try:
            square = calculus.slope(slope, node.name)
        except NotPolynomial as problem:
            if node.entry.result_dims and calculus.is_mixed(slope, node.name, self.maps):
                raise NotPolynomial(problem.part, "it mixes the entries of a vector") from problem
            return calculus.negative(slope)
        rest = at_zero(slope, {node.name}, lambda part: 0, maps=self.maps)
        half = calculus.over(square, calculus.number(2, self.energy.span))
        return calculus.negative(half if rest is None else calculus.plus(rest, half))

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
        if node.entry.finite:
            degree = "linear or quadratic in"
        return diagnose(
            "E0272",
            problem.part.span,
            labels=(Label(node.span, f"it is {node.entry.name}"),),
            name=node.name,
            reason=problem.reason,
            allowed=f"{degree} a {node.entry.name} node",
            other=or_chain(node),
        )

    def _filled(self, template: str, known: _Coefficients) -> Expression:
        """A parameter as an expression, with the coefficients in place of `c` and `a`."""
        return self._written(simplified(inserted(template, self._places(known))))

    def _places(self, known: _Coefficients) -> dict[str, Expression]:
        return {"c": known.linear, "a": known.quadratic}

    def _written(self, expression: Expression) -> Expression:
        """The expression as parsed from its own text, so that its spans show that text.

        A diagnostic about it points to the energy. Raises NotPolynomial if it is too long.
        """
        text, whole = print_expression(expression), self.energy.value
        source = LongForm(whole.span.source.path, text, whole.span, {})
        found = parse(text, lambda start, end: Span(source, start, end))
        if isinstance(found, Diagnostic):
            raise NotPolynomial(whole, "its derivative is too long")
        return found

    # sums over units

    def sums(self, units: Mapping[str, Unit]) -> dict[str, Node]:
        """The energy and the nodes with sums over units, such as the free energy, by name."""
        places = {name: self._places(known) for name, known in self.coefficients.items()}
        shapes, maps, written = self.shapes, self.maps, self._written
        found = EnergySums(self.energy, self.value, units, places, shapes, maps, written)
        return found.nodes(self.nodes)


def _size(expression: Expression, nodes: Nodes, known: dict[str, int], level: int = 0) -> int:
    """The number of parts of an expression with the values of deterministic nodes in it.

    It is above the limit if more than `MAX_LEVELS` nodes are inside each other.
    """
    if level > MAX_LEVELS:
        return MAX_PARTS + 1
    total = 0
    for part in walk(expression):
        node = nodes.get(part.id) if isinstance(part, Name) else None
        if isinstance(node, Deterministic):
            if node.name not in known:
                known[node.name] = 1  # also that of a node in a circle
                known[node.name] = _size(node.value, nodes, known, level + 1)
            total += known[node.name]
        else:
            total += 1
    return total


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
