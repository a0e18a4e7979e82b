"""Lowers terms of an objective: each density and each reduction becomes a variable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from typing import assert_never

from msgspec import Struct, field

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Literal, Name, Signed
from specc.codegen.lower.densities import divergence, log_prob, parameters
from specc.codegen.lower.elements import Elements, Place
from specc.codegen.lower.expressions import Expressions
from specc.codegen.lower.marginals import Marginals
from specc.codegen.lower.noising import NoisedLatents
from specc.codegen.lower.scope import Scope
from specc.codegen.lower.values import join, prepare
from specc.codegen.names import python_name, python_names, unique
from specc.codegen.text import term_formula
from specc.graph.graph import GUIDE, MODEL
from specc.language.expressions.tree import Expression, Number
from specc.language.expressions.tree import Name as Reference
from specc.objective.terms import (
    Apply,
    ChainDivergence,
    Density,
    Detach,
    Divergence,
    Energy,
    LogProb,
    Normalize,
    Part,
    Reduce,
    Sum,
    Term,
    Value,
    parts_of,
    value_node,
)


class Terms(Struct, dict=True):
    """Lowers terms into a scope; a term that already has a variable is not computed again.

    `potentials` are added to the log-densities of nodes. While `weighing`, sums over enumerated
    nodes keep their axes as size 1, so that the positions of the other axes do not change.
    """

    scope: Scope
    made: dict[Density | Reduce, str] = field(default_factory=dict)
    normalized: dict[Term, str] = field(default_factory=dict)
    weights: dict[tuple[object, ...], str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    potentials: dict[str, Code] = field(default_factory=dict)
    weighing: bool = False
    noised: NoisedLatents | None = None

    @cached_property
    def elements(self) -> Elements:
        """The enumerated latents on plates in the scope."""
        return Elements(self.scope)

    @cached_property
    def marginals(self) -> Marginals:
        """The latents that functions of the run time sum or integrate out."""
        return Marginals(self.scope, partial(self.part, by_step=True), self.fresh)

    def part(self, part: Part, *, by_step: bool = False) -> Signed:
        """Return a signed term of a sum: `- 4.0 * kl_z`."""
        return signed_as(part, self.value(part.term, by_step=by_step))

    def value(self, term: Term, *, by_step: bool = False) -> Code:
        """Return a term as an expression; densities and reductions become variables."""
        match term:
            case LogProb() | Divergence() | Reduce():
                return Name(self.term(term, by_step=by_step))
            case Value(expression=expression):
                return self._value(expression)
            case Apply(op=op, terms=terms):
                return self._applied(op, [self.value(inner) for inner in terms])
            case Detach(term=inner):
                return code.method(self.value(inner), "detach")
            case Normalize(term=inner):
                return self._normalized(inner)
            case Sum(parts=parts):
                return code.summed(tuple(self.part(part) for part in parts))
            case Energy(program=program, node=node):
                prepare(self.scope, program, (node,))
                return self.scope.variable(node)
            case _:
                assert_never(term)

    def _normalized(self, log_weights: Term) -> Code:
        """Return the variable of `normalized_weights(log_w)`, [particles, rows]."""
        if log_weights not in self.normalized:
            name = self.fresh("weights")
            function = code.function("specc.runtime.draws.score.normalized_weights")
            self.scope.assign(name, code.call(function, self.value(log_weights)), "[K, B]")
            self.normalized[log_weights] = name
        return Name(self.normalized[log_weights])

    def term(self, term: Density | Reduce, *, by_step: bool = False) -> str:
        """Return the variable of a term, and emit it on first use."""
        if term not in self.made:
            match term:
                case LogProb():
                    self.made[term] = self._log_prob(term, by_step=by_step)
                case Divergence():
                    self.made[term] = self._divergence(term)
                case Reduce():
                    self.made[term] = self._reduce(term)
        return self.made[term]

    def _value(self, expression: Expression) -> Code:
        """Return a number, the value of a node, or the variable of an expression."""
        if isinstance(expression, Number):
            return Literal(expression.value)
        scope, (program, name) = self.scope, value_node(expression)
        let = scope.plan.program(program).lets[name]
        prepare(scope, program, let.inputs)
        if isinstance(let.expression, Reference):
            return (
                Expressions(scope.plan, scope.plan.program(program), scope.owners)
                .event(let.expression)
                .code
            )
        prepare(scope, program, (name,))
        return scope.variable(name)

    def _applied(self, op: str, values: list[Code]) -> Code:
        """Return an operator or elementwise function of values."""
        if op in ("*", "/", "**"):
            left, right = values
            return code.Binary(op, left, right)
        function = self.scope.plan.graph.graph.functions[op]
        if function.scalar:
            return Name(function.scalar)
        return code.call(code.target(function.target), *values)

    def fresh(self, *wanted: str) -> str:
        """Return a new name for a variable, the first of those wanted that is not taken."""
        if not self.taken:
            self.taken |= _planned_names(self.scope)
        name = unique(wanted, self.taken)
        self.taken.add(name)
        return name

    # leaves

    def _log_prob(self, term: LogProb, *, by_step: bool) -> str:
        scope = self.scope
        factor = scope.factor(term.program, term.node)
        density_name = scope.plan.program(term.program).density_name
        draw = scope.draws.get(term.node)
        known = "_known" if term.rows == "known" else ""
        detached = draw is not None and draw.stops_parameters and term.program == GUIDE
        with scope.on(term.program, term.node):
            join(scope, factor.node)
            parameters(scope, factor)
            local = self.fresh(f"log_{density_name}_{python_name(term.node)}{known}")
            detached = detached and MODEL in scope.owners
            apart = by_step or self.elements.is_density_apart(factor)
            log_prob(scope, factor, local, detached=detached, rows=term.rows, apart=apart)
            if term.node in self.potentials:
                tilted = code.Binary("+", Name(local), self.potentials[term.node])
                scope.assign(local, tilted)
        return local

    def _divergence(self, term: Divergence) -> str:
        scope, local = self.scope, self.fresh(f"kl_{term.node}")
        if isinstance(term, ChainDivergence) and self.noised is not None:
            return self.noised.divergence(term.node, local)
        q, p = scope.factor(GUIDE, term.node), scope.factor(MODEL, term.node)
        with scope.on(GUIDE, term.node):
            parameters(scope, q)
            parameters(scope, p)
            divergence(scope, local, q, p, apart=self.elements.is_divergence_apart(q, p))
        return local

    # reductions

    def _reduce(self, term: Reduce) -> str:
        match term.how:
            case "forward":
                return self.marginals.forward(term)
            case "integrate":
                return self.marginals.integral(term)
            case "logsumexp":
                return self._summed_out(term)
            case "elements":
                return self._by_element(term)
            case "weighted":
                return self._weighted(term)
        raise AssertionError(term.how)

    def _summed_out(self, term: Reduce) -> str:
        """Emit `log_p = (log_p_y + log_p_x).logsumexp(0)`."""
        signed = tuple(self.part(part) for part in parts_of(term.term))
        name = self.fresh("log_p")
        joint: Code = code.Sum(signed)
        allowed = self._allowed(term.axes)
        if allowed is not None:
            self.scope.assign(name, joint)
            impossible = code.Unary("-", code.torch("inf"))
            joint = code.call(code.torch("where"), allowed, Name(name), impossible)
        self.scope.assign(name, self._over(term.axes, joint, "logsumexp"))
        return name

    def _by_element(self, term: Reduce) -> str:
        """Emit the log of a sum for each element, from the terms of the element and of its rows.

        log_p_by_item = sum_by_element(log_p_x, item, 20)
        log_p = (log_p_z + log_p_by_item).logsumexp(0)
        log_p = share_among_rows(log_p, item)

        Without a plate all rows are one element: `sum_over_rows(log_p_x, x)`.

        Terms of rows make it a number for each row, others the sum over the elements. With other
        densities of the element, `log_p - (log_p_z + log_p_m).logsumexp(0)` is that of the rows
        given the element.
        """
        plate, (alone, by_index) = self.elements.plate(term.axes[0]), self.of_elements(term)
        of_rows = [f"log_p_of_{python_name(index)}" for index in by_index]
        each = python_name(plate or term.axes[0])
        name = self.fresh(*(["log_p", *of_rows] if by_index else [f"log_p_{each}"]))
        log_sum = self._over(term.axes, code.Sum((*alone, *by_index.values())), "logsumexp")
        if by_index and len(alone) > len(term.axes):
            given = self._over(term.axes, code.Sum(alone), "logsumexp")
            log_sum = code.Binary("-", log_sum, given)
        self.scope.assign(name, log_sum)
        shared: Code = self.elements.total(Name(name), keepdim=self._keeps_axes)
        for index in tuple(by_index)[:1]:
            shared = self.elements.shared(plate, Name(name), self.scope.variable(index))
        self.scope.assign(name, shared)
        return name

    def of_elements(self, term: Reduce) -> tuple[tuple[Signed, ...], dict[str, Signed]]:
        """Emit the terms of each element, and the sum over its rows by the data that select it."""
        plate, before = self.elements.plate(term.axes[0]), self.weighing
        own, by_index, self.weighing = list[Signed](), dict[str, list[Signed]](), True
        for part in parts_of(term.term):
            index = self.elements.index(part.term, plate)
            (own if index is None else by_index.setdefault(index, [])).append(self.part(part))
        self.weighing = before
        found: dict[str, Signed] = {}
        for index, signed in by_index.items():
            total, data = self.marginals.total(signed, "log_rows"), self.scope.variable(index)
            name = self.fresh(f"log_p_by_{python_name(index)}" if plate else "log_p_rows")
            self.scope.assign(name, self.elements.of_rows(plate, total, data))
            found[index] = Signed(False, Name(name))
        return tuple(own), found

    def _allowed(self, axes: tuple[str, ...]) -> Code | None:
        """Return the mask of the values of enumerated data that agree with the data."""
        missing = self.scope.plan.missing
        found: Code | None = None
        for name in (n for n in axes if n in self.scope.fills):
            allowed = Name(missing[name].allowed)
            found = allowed if found is None else code.Binary("&", found, allowed)
        return found

    def over(self, axes: tuple[str, ...], value: Code) -> Code:
        """Return the sum of a value over enumerated axes, which remain as size 1 if necessary."""
        return self._over(axes, value, "sum")

    def _over(self, axes: tuple[str, ...], value: Code, how: str) -> Code:
        keywords = {"keepdim": True} if self._keeps_axes else {}
        return code.method(value, how, self._places(axes), **keywords)

    @property
    def _keeps_axes(self) -> bool:
        """Whether sums over enumerated nodes keep their axes as size 1."""
        return self.scope.layout.has_particles or self.weighing

    def _places(self, axes: Iterable[str]) -> object:
        found = self.scope.layout.axes(axes)
        return found[0] if len(found) == 1 else found

    def _weighted(self, term: Reduce) -> str:
        self.weighing = True
        value = self.value(term.term)
        self.weighing = False
        weight = self.weight(term.axes, term.term)
        text = value.id if isinstance(value, Name) else term_formula(self.scope.plan, term.term)
        name = self.fresh(*(f"expected_{each}" for each in python_names(text)))
        axes = self.elements.axes(term.axes, term.term)
        total = self.over(axes, code.Binary("*", Name(weight), value))
        if self.elements.is_apart(term.term):
            total = self.elements.total(total, keepdim=self._keeps_axes)
        self.scope.assign(name, total)
        return name

    def weight(self, axes: tuple[str, ...], of: Term) -> str:
        """Return `q_y`, the probabilities of all values of enumerated nodes; emit it on first use.

        Values of data that do not agree with the data have weight 0. The weights of a term of rows
        are those of the elements that the rows select.
        """
        places = {axis: self.elements.places(axis, of) for axis in axes}
        key = (*axes, *places.values())
        if key not in self.weights:
            self.weights[key] = self._weight(axes, places)
        return self.weights[key]

    def _weight(self, axes: tuple[str, ...], places: Mapping[str, tuple[Place, ...]]) -> str:
        draws = self.scope.draws
        programs = [self.scope.plan.program(draws[name].program) for name in axes]
        shown = " ".join(
            f"{program.density_name}({program.factors[name].conditional})"
            for program, name in zip(programs, axes, strict=True)
        )
        known = " and ".join(name for name in axes if name in self.scope.fills)
        indices = dict.fromkeys(place.index for own in places.values() for place in own)
        self.scope.comment()
        self.scope.comment(
            f"{shown} of every value"
            + (f"; where {known} is known, 1 or 0" if known else "")
            + (f", for the element {' and '.join(indices)} of a row" if indices else "")
        )
        selected = [f"of_{'_'.join(map(python_name, indices))}"] if indices else []
        named = (programs[0].density_name, *map(python_name, axes), *selected)
        name = self.fresh("_".join(named))
        single = [axis for axis in axes if len(places[axis]) < 2]
        logs = tuple(
            Signed(False, self.elements.log_weight(self._log_q(n), places[n])) for n in single
        )
        value: Code | None = code.method(code.summed(logs), "exp") if logs else None
        for axis in (axis for axis in axes if axis not in single):
            pair = self.elements.pair_weights(self._log_q(axis), axis, places[axis])
            value = pair if value is None else code.Binary("*", value, pair)
        assert value is not None
        for each in (n for n in axes if n in self.scope.fills):
            value = code.Binary("*", value, Name(self.scope.plan.missing[each].allowed))
        self.scope.assign(name, value)
        return name

    def _log_q(self, name: str) -> Name:
        """Return the variable of log q of all values of a node."""
        return Name(self.term(self.scope.draws[name].density))

    def partial(self, part: Part, open_axes: frozenset[str]) -> Signed:
        """Return a cost summed over the enumerated nodes that are not in `open_axes`."""
        term = part.term
        if not isinstance(term, Reduce) or term.how != "weighted":
            return self.part(part)
        if not open_axes & set(term.axes):
            return self.part(part)
        rest = tuple(a for a in term.axes if a not in open_axes)
        value = self.value(term.term)
        if rest:
            weight = self.weight(rest, term.term)
            name = self.fresh(
                f"conditional_{value.id}" if isinstance(value, Name) else "conditional_value"
            )
            product = code.Binary("*", Name(weight), value)
            places = self._places(self.elements.axes(rest, term.term))
            total = code.method(product, "sum", places, keepdim=True)
            self.scope.assign(name, total)
            value = Name(name)
        return signed_as(part, value)


def _planned_names(scope: Scope) -> set[str]:
    """Return all variables that the plan names."""
    programs = (*scope.plan.programs.values(), *scope.plan.inside.values())
    factors = (factor for program in programs for factor in program.factors.values())
    return set(scope.plan.python.values()) | {a.local for f in factors for a in f.arguments}


def signed_as(part: Part, value: Code) -> Signed:
    """Return a value with the sign and the factors of a part: `- 4.0 * kl_z`."""
    size = abs(part.coefficient)
    factors = (Literal(size),) if size != 1.0 else ()
    weight = (Name(part.weight),) if part.weight else ()
    return Signed(part.coefficient < 0, value, (*factors, *weight))
