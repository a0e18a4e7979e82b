"""Support inference, and checks that every value is in the support that its user needs."""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import partial
from types import MappingProxyType
from typing import assert_never

from specc.catalog.arithmetic import arithmetic_support, negate_support
from specc.catalog.interval import hull_of
from specc.catalog.supports import (
    POSITIVE,
    REAL,
    SIMPLEX,
    Integers,
    Interval,
    Support,
    bounds,
    contains,
    describe,
    meet,
    opened,
    point,
)
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.constants import SIZE_OF, list_of, number_of, without_value
from specc.graph.counter import Counter
from specc.graph.ends import bounds_of_ends
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, Graph
from specc.graph.nodes import (
    Deterministic,
    Distributed,
    Given,
    Joint,
    Lagged,
    Latent,
    Node,
    NodeId,
    Observed,
    Parameter,
    Part,
    Unresolved,
)
from specc.graph.passes import through
from specc.graph.passes.constant_parameters import Use, check_constants, is_constant, is_empty
from specc.graph.passes.definite import Matrices
from specc.graph.passes.guide_supports import check_model_node
from specc.graph.passes.indexing import check_lookups
from specc.graph.passes.joint import part_support
from specc.graph.passes.orders import Orders
from specc.graph.passes.precisions import check_precisions
from specc.graph.passes.requirements import check_requirements
from specc.graph.passes.shaped import Shaped
from specc.graph.passes.starts import bad_class, bad_start, fits_classes, lagged_nodes, recurrent
from specc.graph.passes.structured import Structures, matmul, rows_sum_to_one
from specc.graph.passes.support_errors import Misfit, check_probability, data_fix, fix
from specc.graph.passes.suppose import counted_names, is_open, open_data, suppose, unit_supports
from specc.graph.queries import lets_behind, parameter_of
from specc.graph.ranks import entry_rank
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Number,
    Over,
    Sequence,
)
from specc.language.expressions.walk import names
from specc.language.nested import numbers


class _Unknown(Exception):
    """Raised if a support depends on a node with an error."""


def infer_supports(
    graph: Graph, shaped: Shaped, unnamed: Set[NodeId], findings: Findings
) -> Mapping[NodeId, Support]:
    """The supports of all nodes but `unnamed` ones; reports values outside the required support."""
    found = _Supports(graph, shaped, unnamed, findings)
    found.run()
    check_lookups(shaped.lookups, found, findings)
    check_precisions(graph, found, findings)
    check_requirements(graph, found, findings)
    return MappingProxyType(found.found)


class _Supports:
    """The state of the pass, which fills `found` node by node.

    `supposed` are assumed supports of data, `derived` the supports of `let` nodes under these
    assumptions, and `divides` records a division by data that may be 0. `within` are the supports
    of lagged nodes without the value before the first step.
    """

    def __init__(
        self, graph: Graph, shaped: Shaped, unnamed: Set[NodeId], findings: Findings
    ) -> None:
        self.graph, self.findings, self.unnamed = graph, findings, unnamed
        self.sizes, self.classes = shaped.dims, shaped.classes
        self.ranks, self.entries = shaped.ranks, shaped.entries
        self.counted = partial(counted_names, graph, shaped.entries)
        self.found: dict[NodeId, Support] = {}
        self.lagged = lagged_nodes(graph)
        self.structures = Structures(graph, self.of, shaped.ranks)
        self.matrices = Matrices(graph, self.of, shaped.shapes)
        self.orders = Orders(self.of, shaped.ranks, self.structures.affine)
        self.supposed: Mapping[NodeId, Support] = {}
        self.derived: dict[NodeId, Support] = {}
        self.memo: dict[Span, Support] = {}
        self.within: dict[NodeId, Support] = {}
        self.depth, self.is_ahead, self.divides = 0, False, False

    def run(self) -> None:
        """Infers the support of every valid node and checks its uses."""
        for program in self.graph.programs.values():
            self.found |= unit_supports(program)
            for node in map(program.nodes.__getitem__, program.order):
                if node.id not in self.unnamed:
                    self._visit(node)

    def _visit(self, node: Node) -> None:
        try:
            self.found[node.id] = self._node(node)
        except _Unknown:
            self.findings.broken.add(node.id)

    def _node(self, node: Node) -> Support:
        match node:
            case Latent() | Observed() | Joint():
                return self._random(node)
            case Part():
                return self._part(node)
            case Counter():
                return Integers(0, self.graph.size_of(node.scan or node.plate or "") - 1)
            case Deterministic():
                return recurrent(self.lagged.get(node.id), node, self.found, self.of)
            case Parameter():
                self._check_init(node)
                return node.support
            case Given():
                return self._given(node)
            case Lagged():
                return self._lagged(node)
            case Unresolved():
                raise _Unknown
            case _:
                assert_never(node)

    def _part(self, node: Part) -> Support:
        """The support of a part, which follows from that of the joint draw."""
        whole = self.found.get((node.program, node.joint))
        if whole is None:
            raise _Unknown
        support = part_support(self.graph, node, whole)
        self._check_data(node, support)
        self._check_model_node(node, support)
        return support

    def _check_init(self, node: Parameter) -> None:
        """Checks that an initial value is in the interior of the support."""
        support = node.support
        inside = POSITIVE if support == SIMPLEX else bounds(support)
        values = node.init if isinstance(node.init, tuple) else (node.init,)
        for value in values:
            if isinstance(value, (int, float)) and not contains(inside, point(value)):
                path = (*self.graph.spec.path_of(node.program, node.name), "init")
                self.findings.add(
                    diagnose(
                        "E0323",
                        self.graph.spec.spans.value(path),
                        name=node.name,
                        value=f"{value:g}",
                        expected=describe(inside if support == SIMPLEX else support),
                    ),
                    node.id,
                )
                return

    def _lagged(self, node: Lagged) -> Support:
        """The support of a lagged node: that of its base and of the value before the first step."""
        base = self.graph.lookup(node.program, node.shift.base)
        assert base is not None
        values: Support = REAL
        if isinstance(base, Distributed):
            count = self.classes.get(base.id, 0)
            known: dict[str, float] = dict.fromkeys(base.entry.options.values(), count)
            literals = {key: self._literal(e) for key, e in base.arguments.items()}
            known |= {key: value for key, value in literals.items() if value is not None}
            values = REAL if base.through else base.entry.result(known)
        elif isinstance(base, Given):
            values = self._given(base)
        self.within[node.id] = values
        if not fits_classes(self.graph, base, node, self.classes.get(base.id)):
            self.findings.add(bad_class(base, node, self.classes[base.id]), node.id)
            raise _Unknown
        nearer = self.found.get((node.program, node.shift.nearer), values)
        known_before = hull_of([values, nearer, self.of(node, node.initial)])
        is_known = base.id not in self.unnamed
        if is_known and isinstance(base, Deterministic) and self.lagged[base.id] is node:
            return self._foreseen(node, base, known_before)
        return known_before

    def _foreseen(self, node: Lagged, base: Deterministic, before: Support) -> Support:
        """The support of a previous value by induction, whatever nodes drawn later are."""
        self.found[node.id], self.is_ahead = before, True
        try:
            recurrent(node, base, self.found, self.of)
            return self.found[node.id]
        except _Unknown:
            return before
        finally:
            self.is_ahead = False

    def _given(self, node: Given) -> Support:
        if node.plate_index is not None:
            return Integers(0, self.graph.plates.get(node.plate_index, 1) - 1)
        found = self.graph.fields.get(node.field)
        return found.support if found and found.support else REAL

    def _random(self, node: Distributed) -> Support:
        known: dict[str, float] = dict(self.sizes.get(node.id, {}))
        for key, expression in node.arguments.items():
            self._argument(node, key, expression)
            if (value := self._literal(expression)) is not None:
                known[key] = value
        if is_empty(self.graph, node, known, partial(self.of, node), self.findings):
            raise _Unknown
        for argument in (a for call in node.through for a in call.arguments):
            self.of(node, argument)
        base = node.entry.result(bounds_of_ends(node, partial(self.of, node)) | known)
        support = through.transformed_support(self.graph, node, base, self.findings)
        self._check_data(node, support)
        self._check_model_node(node, support)
        return support

    def _literal(self, expression: Expression) -> float | None:
        return number_of(expression, self.graph.constants, lambda name: None)

    def _argument(self, node: Distributed, key: str, expression: Expression) -> None:
        parameter, alternative = parameter_of(node.entry, key)
        wanted = alternative.support if alternative else parameter.support
        literal = self._literal(expression)
        if alternative and literal is not None and isinstance(wanted, Interval):
            is_end = self.graph.functions[alternative.function].constant(literal) is None
            wanted = opened(wanted) if is_end else wanted
        if self.assume_support(node, expression, wanted):
            return
        given = self.of(node, expression)
        size = self.sizes.get(node.id, {}).get(parameter.dims[-1]) if parameter.dims else None
        use = Use(self.graph, node, key, expression, wanted, size)
        check_probability(node, key, given, expression, self.findings)
        if wanted.event_rank and contains(bounds(wanted), given) and is_constant(use):
            check_constants(use, self.findings)
            return
        if contains(wanted, given) or self._suppose(node, expression, wanted):
            return
        start = self.invalid_start(node, expression, wanted)
        if start is not None:
            needs = f"`{key}` of `{node.name}` must be {describe(wanted)}"
            self.findings.add(bad_start(self.graph, start, needs, describe(wanted)), node.id)
            return
        self.findings.add(
            diagnose(
                "E0302",
                expression.span,
                name=node.name,
                distribution=node.entry.name,
                parameter=key,
                expected=describe(wanted),
                found=describe(given),
                expression=expression.span.text,
                hint=fix(self.graph, node, Misfit(key, wanted, given, expression)),
            ),
            node.id,
        )

    def assume_support(self, node: Node, expression: Expression, wanted: Support) -> bool:
        """Whether data of unknown support can be assumed to be in `wanted`; records that."""
        if not isinstance(expression, Name):
            return False
        found = self.graph.lookup(node.program, expression.id)
        if (
            not isinstance(found, Given)
            or not is_open(self.graph, found)
            or found.id not in self.found
        ):
            return False
        narrowed = meet(self.found[found.id], wanted)
        if narrowed is not None:
            self.found[found.id] = narrowed
        return narrowed is not None

    def _suppose(self, node: Node, expression: Expression, wanted: Support) -> bool:
        """Whether assumptions on data make an expression valid; records these assumptions."""
        data = open_data(self.graph, node, expression)
        if not data or any(each.id not in self.found for each in data):
            return False

        def fits(supposed: Mapping[NodeId, Support]) -> bool:
            return self._fits(node, expression, wanted, supposed)

        found = suppose(data, self.found, wanted, fits)
        self.found.update(found or {})
        return found is not None

    def _fits(
        self,
        node: Node,
        expression: Expression,
        wanted: Support,
        supposed: Mapping[NodeId, Support],
    ) -> bool:
        self.supposed, self.derived, self.divides, self.memo = supposed, {}, False, {}
        try:
            return contains(wanted, self.of(node, expression)) and not self.divides
        finally:
            self.supposed, self.memo = {}, {}

    def invalid_start(self, node: Node, expression: Expression, wanted: Support) -> Lagged | None:
        """A lagged node if only its value before the first step is outside `wanted`, or None."""
        used = (self.graph.lookup(node.program, name.id) for name in names(expression))
        lagged = {n.id: n for n in used if isinstance(n, Lagged) and n.id in self.within}
        within = {name: self.within[name] for name in lagged}
        if not within or not self._fits(node, expression, wanted, within):
            return None
        return next(iter(lagged.values()))

    def _check_data(self, node: Distributed | Part, support: Support) -> None:
        found = self.graph.fields.get(node.field) if node.field else None
        if found is None or found.support is None or contains(support, found.support):
            return
        owner = self.graph.node((node.program, node.joint)) if isinstance(node, Part) else node
        assert isinstance(owner, Distributed)
        path = (*self.graph.spec.path_of(node.program, node.name), node.role)
        span = self.graph.spec.spans.value(path) if owner is node else node.span
        self.findings.add(
            diagnose(
                "E0307",
                span,
                labels=(Label(found.span, f"holds {describe(found.support)}"),),
                name=node.name,
                distribution=owner.entry.name,
                expected=describe(support),
                field=found.name,
                found=describe(found.support),
                hint=data_fix(support, found.support),
            ),
            node.id,
        )

    def _check_model_node(self, node: Node, support: Support) -> None:
        """Checks that the support in the guide is within that of the model."""
        model_node = self.graph.model.nodes.get(node.name)
        prior = self.found.get(model_node.id) if model_node and node.program != MODEL else None
        if prior is not None:
            check_model_node(self.graph, node, support, prior, self.of, self.findings)

    def of(self, node: Node, expression: Expression) -> Support:
        """The support of an expression of `node`; real numbers if it is unknown."""
        if not self.depth:
            self.memo = {}
        if expression.span not in self.memo:
            self.depth += 1
            try:
                found = self._of(node, expression)
            finally:
                self.depth -= 1
            self.memo[expression.span] = found
        return self.memo[expression.span]

    def _of(self, node: Node, expression: Expression) -> Support:
        if without_value(expression, self.graph.constants, lambda name: None):
            raise _Unknown
        match expression:
            case Number(value=value):
                return point(value)
            case Name(id=name):
                return self._name(node, name)
            case Member():
                return REAL
            case Negate(operand=operand):
                return negate_support(self.of(node, operand))
            case Binary():
                return self._binary(node, expression)
            case Call():
                return self._call(node, expression)
            case Index(base=base):
                inner = self.of(node, base)
                if expression.span not in self.ranks:
                    raise _Unknown
                rank = entry_rank(expression, self.ranks)
                if rank == 1 and rows_sum_to_one(list_of(base, self.graph.constants)):
                    return SIMPLEX  # also if the rows are a Cholesky factor
                return inner if rank >= inner.event_rank else bounds(inner)
            case Sequence(items=items):
                found = self.structures.of_list(node, items)
                return found or hull_of([self.of(node, item) for item in items])
            case Over(operand=operand, form=form):
                return form.support(self.of(node, operand))
            case _:
                assert_never(expression)

    def _binary(self, node: Node, expression: Binary) -> Support:
        left, right = self.of(node, expression.left), self.of(node, expression.right)
        found = self.matrices.of_binary(node, expression)
        found = found or self.orders.of_binary(node, expression)
        found = found or self.structures.of_square(node, expression)
        match expression.operator:
            case _ if found is not None:
                return found
            case "@":
                if rows_sum_to_one(list_of(expression.right, self.graph.constants)):
                    right = SIMPLEX
                return matmul(left, right, self.ranks.get(expression.right.span, 0))
            case "+" | "*":
                found = self.structures.of_mean(node, expression)
            case "/":
                found = self.structures.of_quotient(node, expression)
                if self.supposed and contains(bounds(right), point(0)):
                    of_data = open_data(self.graph, node, expression.right)
                    self.divides = self.divides or bool(of_data)
        return found or arithmetic_support(expression.operator, left, right)

    def of_index(self, node: Node, index: Expression, size: int) -> Support:
        """The support of an index into `size` entries; for data it is assumed and checked later."""
        wanted = Integers(0, size - 1)
        if self.assume_support(node, index, wanted):
            return wanted
        try:
            return self.of(node, index)
        except _Unknown:
            self.findings.broken.add(node.id)
            return wanted

    def _name(self, node: Node, name: str) -> Support:
        own = node.parts and name in node.parts  # an earlier part of the draw itself
        found = self.graph.lookup(MODEL if own else node.program, name)
        if found is not None:
            return self._value(found)
        value = self.graph.constants.get(name)
        if isinstance(value, tuple):
            return hull_of([point(number) for number in numbers(value)])
        return point(value) if isinstance(value, (int, float)) else REAL

    def _value(self, found: Node) -> Support:
        """The support of a node under the current assumptions on data."""
        if found.id not in self.found:
            if self.is_ahead and found.is_random:
                return REAL
            raise _Unknown
        if found.id in self.supposed:
            return self.supposed[found.id]
        if not self.supposed or not isinstance(found, Deterministic) or found.scan is not None:
            return self.found[found.id]
        if found.id not in self.derived:
            ask, where = self._is_derived_later, (self.graph, found.program, found.value)
            for each in (*lets_behind(*where, ask, self.counted), found):
                self.derived[each.id] = self.of(each, each.value)
        return self.derived[found.id]

    def _is_derived_later(self, node: Deterministic) -> bool:
        return node.id in self.found and node.scan is None and node.id not in self.derived

    def _call(self, node: Node, call: Call) -> Support:
        if self.graph.is_link(call.function):
            return through.support_of_link(self.graph, node, call, self.of, self.findings)
        if call.function == SIZE_OF:
            return point(1)
        if call.span in self.entries:
            return Integers(0, self.entries[call.span] - 1)
        entry, arguments = self.graph.functions[call.function], call.arguments
        if entry.domain != REAL and not self.supposed:
            for argument in arguments:
                if not contains(entry.domain, self.of(node, argument)):
                    self._suppose(node, argument, entry.domain)
        found = self.matrices.of_call(node, call) or self.orders.of_call(node, call)
        return found or entry.support(tuple(self.of(node, argument) for argument in arguments))
