"""Shape inference: of events, parameters, and inputs and outputs of links."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never

from msgspec.structs import replace

from specc.catalog.arithmetic import show
from specc.catalog.entry import Shape
from specc.catalog.link import LinkShapeError
from specc.diagnostics.report import diagnose
from specc.graph.counter import Counter
from specc.graph.element import Element
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, Graph, LinkUse
from specc.graph.nodes import (
    Derived,
    Deterministic,
    Distributed,
    EnergyNode,
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
from specc.graph.passes.amounts import too_large, too_many
from specc.graph.passes.events import Conflict, Event
from specc.graph.passes.expression_shapes import ExpressionShapes
from specc.graph.passes.initial_shapes import check_initial, shape_by_initial
from specc.graph.passes.shape_errors import check_links_agree, conflict_of, other_shape
from specc.graph.passes.shaped import Shaped
from specc.graph.passes.stated_shape import stated_shape
from specc.graph.queries import is_bijection, parameter_of
from specc.language.expressions.tree import Call
from specc.language.expressions.walk import names


def infer_shapes(graph: Graph, findings: Findings) -> Shaped:
    """The shapes of all valid nodes; reports nodes without one."""
    found = _Shapes(graph, findings)
    found.run()
    return Shaped(
        events=MappingProxyType(found.events),
        parameters=MappingProxyType(found.parameters),
        given=MappingProxyType(found.given),
        bases=MappingProxyType(found.bases),
        dims=MappingProxyType(found.dims),
        classes=MappingProxyType(found.read.classes),
        ranks=MappingProxyType({span: len(s) for span, s in found.read.shapes.items()}),
        shapes=MappingProxyType(found.read.shapes),
        entries=MappingProxyType(found.read.entries),
        uses=tuple(replace(u, classes=found.read.classes.get(u.node, 0)) for u in found.read.uses),
        lookups=tuple(found.read.lookups),
    )


class _Shapes:
    """The state of the pass, which fills `events` and `parameters` node by node."""

    def __init__(self, graph: Graph, findings: Findings) -> None:
        self.graph, self.findings = graph, findings
        self.events: dict[NodeId, Shape] = {}
        self.parameters: dict[tuple[NodeId, str], Shape] = {}
        self.given: dict[tuple[NodeId, str], Shape] = {}
        self.bases: dict[NodeId, Shape] = {}
        self.dims: dict[NodeId, Mapping[str, int]] = {}
        self.assumed: dict[NodeId, Shape] = {}  # of recurrent values, by their initial ones
        self.read = ExpressionShapes(graph, self.events, findings)

    def run(self) -> None:
        """Infers all shapes, first of the model, from which other programs inherit shapes."""
        for program in self.graph.programs.values():
            units = dict.fromkeys(program.units)
            for name in units:
                self._unit(program.nodes[name])
            for name in (name for name in program.order if name not in units):
                self._node(program.nodes[name])
            is_wrong = program.energy is not None and program.energy.id in self.findings.broken
            for name in units:
                if is_wrong:
                    self.findings.broken.add((program.name, name))
                self._node(program.nodes[name])
        check_links_agree(self.read.uses, self.findings)

    # nodes

    def _unit(self, node: Node) -> None:
        """The shape of a node of an energy, which the parameters of the other nodes depend on.

        It follows from the spec or from the data, not from parameters.
        """
        if node.id in self.findings.broken:
            return
        inherited = self._inherited(node)
        shape = inherited if node.sizes is None else self._declared(node)
        if shape is None and isinstance(node, Distributed):
            options = self._options(node) or {}
            is_vector = len(options) == len(node.entry.result_dims) == 1
            shape = tuple(options.values()) if is_vector else None
        if shape is None:
            known = node.id in self.findings.broken
            self.read.fail(
                node, diagnose("E0305", node.span, name=node.name)
            ) if not known else None
        else:
            self.events[node.id] = shape

    def _node(self, node: Node) -> None:
        if node.id in self.findings.broken or self._uses_broken(node):
            self.findings.broken.add(node.id)
            return
        if isinstance(node, Part):
            return  # its joint node determines its shape
        shape = self._shape(node)
        if shape is not None and self.assumed.get(node.id, shape) != shape:
            shape = self.read.fail(node, diagnose("E0305", node.span, name=node.name))
        if shape is not None and not isinstance(node, Lagged):
            plates = [p for p in (node.plate, node.scan) if p is not None]
            sizes = (self.graph.size_of(p) for p in dict.fromkeys(plates))
            found = too_many(f"one value of `{node.name}`", (*sizes, *shape), node.span)
            shape = shape if found is None else self.read.fail(node, found)
        if shape is None:
            self.findings.broken.add(node.id)
            self.events.pop(node.id, None)
        else:
            self.events[node.id] = shape

    def _shape(self, node: Node) -> Shape | None:
        match node:
            case Latent() | Observed() | Joint():
                return self._random(node)
            case Lagged():
                return self._lagged(node)
            case Parameter():
                return self._parameter(node)
            case Given():
                return self._given(node, self._declared(node))
            case EnergyNode():
                return self._energy(node)
            case Counter():
                self.read.classes[node.id] = self.graph.size_of(node.scan or node.plate or "")
                return ()
            case Element() if (MODEL, node.base) in self.read.classes:
                self.read.classes[node.id] = self.read.classes[MODEL, node.base]
                return self.read.infer(node, "let", node.value, ())
            case Deterministic():
                return self.read.infer(node, "let", node.value, self._declared(node))
            case Part() | Unresolved():
                raise AssertionError(node.id)  # shaped with its joint node, or broken
            case _:
                assert_never(node)

    def _uses_broken(self, node: Node) -> bool:
        program = self.graph.programs[node.program]
        used = [program.nodes[p].id for p in program.digraph.predecessors(node.name)]
        if program.energy is not None and isinstance(node, Derived):
            used.append(program.energy.id)  # the same mistakes
        if program.name != MODEL:
            mentioned = {name.id for e in node.expressions() for name in names(e)}
            used += [(MODEL, name) for name in program.inputs if name in mentioned]
            used.append((MODEL, node.name))
            foreign = (self.graph.lookup(program.name, name) for name in mentioned if "." in name)
            used += [each.id for each in foreign if each is not None]
            if self.graph.is_unread(MODEL, node.name):
                return True
        return any(u in self.findings.broken and u != node.id for u in used)

    def _energy(self, node: EnergyNode) -> Shape | None:
        shape = self.read.infer(node, "let", node.value, ())
        if shape:
            span, shown = node.value.span, show(shape)
            found = diagnose("E0275", span, shape=shown, text=span.text)
            return self.read.fail(node, found)
        return shape

    def _lagged(self, node: Lagged) -> Shape | None:
        """The shape of a lagged node, which is needed before that of its base."""
        base = self.graph.lookup(node.program, node.shift.base)
        assert base is not None
        self._declare_classes(node, base)
        shape = self._of_base(node, base)
        is_right = shape is not None and check_initial(self.read, node, base, shape)
        return shape if is_right else None

    def _of_base(self, node: Lagged, base: Node) -> Shape | None:
        """The shape of the base of a lagged node, possibly before that node is visited."""
        if base.id in self.events:
            return self.events[base.id]
        shape = self._declared(base) if base.sizes is not None else self._inherited(base)
        number = base if isinstance(base, Distributed) and not base.entry.result_dims else None
        if shape is None and number is not None and number.options:
            shape = ()
        if shape is None and base.id not in self.findings.broken:
            shape = shape_by_initial(self.read, node, base)
            if shape is not None:
                self.assumed[base.id] = shape
                return shape
            is_state = number is not None and bool(number.entry.options)
            code = "E0328" if is_state else "E0305"
            return self.read.fail(node, diagnose(code, base.span, name=base.name))
        return shape

    def _declare_classes(self, node: Lagged, base: Node) -> None:
        """Record the number of classes from `classes:`, before the parameters are known."""
        model_node = self.graph.model.nodes.get(base.name)
        for each in (base, model_node):
            if not isinstance(each, Distributed):
                continue
            if each.entry.finite and not each.entry.result_dims and each.options:
                found = next(iter((self._options(each) or {}).values()), 1)
                first = self.read.number(node, node.initial)
                own = int(first) + 1 if first is not None else 0
                self.read.classes[node.id] = max(found, own)
                return

    def _parameter(self, node: Parameter) -> Shape | None:
        declared = self._declared(node)
        if node.sizes is not None and declared is None:
            return None
        shape = declared or ()
        if isinstance(node.init, tuple) and len(node.init) != (shape[-1] if shape else 0):
            path = (*self.graph.spec.path_of(node.program, node.name), "init")
            span = self.graph.spec.spans.value(path)
            count = len(node.init)
            return self.read.fail(
                node, diagnose("E0324", span, name=node.name, count=count, shape=show(shape))
            )
        return shape

    def _given(self, node: Given, declared: Shape | None) -> Shape | None:
        found = self.graph.fields.get(node.field)
        if found is None:
            return declared if declared is not None else ()
        high = getattr(found.support, "high", 0.0)
        if found.support is not None and found.support.discrete and 2 <= high < 100_000:
            self.read.classes[node.id] = int(high) + 1
        if declared is not None:
            return declared
        if node.scan is not None and found.shape is not None:
            return self._of_a_step(node, found.shape)
        return found.shape if found.shape is not None else ()

    def _random(self, node: Distributed) -> Shape | None:
        if not self._size_parts(node):
            return None
        event = Event(node.entry)
        try:
            return self._fill(node, event)
        except Conflict as conflict:
            return self.read.fail(node, conflict_of(self.graph, node, conflict))

    def _fill(self, node: Distributed, event: Event) -> Shape | None:
        inherited = self._inherited(node)
        declared = inherited if node.sizes is None else self._declared(node)
        if node.sizes is not None and declared is None:
            return None
        if declared is not None and inherited is not None and declared != inherited:
            return self.read.fail(node, other_shape(self.graph, node, declared, inherited))
        if declared is not None:
            base = self._base(node, declared)
            if base is None:
                return None
            event.declare(base)
            self.events[node.id] = declared  # an input of causal links
        options = self._options(node)
        if options is None:
            return None
        event.bind_options(options)
        self._bind_classes(node, event)
        pending = self._plain_arguments(node, event)
        if pending is None:
            return None
        shape = event.result()
        sized_by_link = pending or node.params is not None
        is_unmatched = node.program == GUIDE and node.name not in self.graph.model.nodes
        if is_unmatched and not shape:
            return None  # a guide node without a model node is reported elsewhere
        if shape is None or (sized_by_link and declared is None and self._has_unknown_shape(node)):
            return self.read.fail(node, diagnose("E0305", node.span, name=node.name))
        for key in pending:
            if not self._argument(node, event, key):
                return None
        return self._finish(node, event, declared)

    def _size_parts(self, node: Distributed) -> bool:
        """Infers the shape of each part of a joint draw, from the data or from `shapes:`."""
        for name in node.parts:
            part = self.graph.node((node.program, name))
            shape = self._part(node, part)
            if shape is not None:
                self.events[part.id] = shape
        return all((node.program, name) in self.events for name in node.parts)

    def _part(self, node: Node, part: Node) -> Shape | None:
        declared, inherited = self._declared(part), self._inherited(part)
        if part.sizes is None and inherited is None:
            finding = diagnose("E0351", part.span, part=part.name, name=node.name)
            return self.read.fail(part, finding)
        if part.sizes is None or declared is None:
            return inherited if part.sizes is None else None
        if inherited is not None and declared != inherited:
            return self.read.fail(part, other_shape(self.graph, part, declared, inherited))
        return declared

    def _has_unknown_shape(self, node: Distributed) -> bool:
        """Whether neither data nor a number of classes determines the shape of an event."""
        if node.options:
            return False
        return isinstance(node, Latent) or node.field not in self.graph.fields

    def _plain_arguments(self, node: Distributed, event: Event) -> list[str] | None:
        """Infers the arguments without links; returns those with links, which need the event."""
        pending = []
        for key, expression in node.arguments.items():
            if self.read.has_link(expression):
                pending.append(key)
                continue
            parameter = parameter_of(event.entry, key)[0]
            shape = self.read.infer(node, key, expression, None)
            if shape is None:
                return None
            self.given[node.id, parameter.name] = shape
            event.observe(parameter, shape)
        return pending

    def _argument(self, node: Distributed, event: Event, key: str) -> bool:
        parameter = parameter_of(event.entry, key)[0]
        wanted = event.wanted(parameter)
        shape = self.read.infer(node, key, node.arguments[key], wanted)
        if shape is None:
            return False
        self.given[node.id, parameter.name] = shape
        event.observe(parameter, shape)
        return True

    def _finish(self, node: Distributed, event: Event, declared: Shape | None) -> Shape | None:
        """Records the shapes of the parameters, and of the node after its bijections."""
        if node.params is not None and not self._params(node, event):
            return None
        for parameter in event.entry.parameters:
            wanted = event.wanted(parameter)
            if wanted is None:
                return self.read.fail(
                    node, diagnose("E0316", node.span, name=node.name, parameter=parameter.name)
                )
            self.parameters[node.id, parameter.name] = wanted
        self.dims[node.id] = MappingProxyType(dict(event.dims))
        self._count_classes(node, event)
        drawn = event.result()
        if not node.through or drawn is None:
            return drawn
        self.bases[node.id] = drawn
        base = drawn if declared is not None else self._base(node, drawn)
        if base is None:
            return None
        if declared is None and base != drawn:
            return self.read.fail(node, diagnose("E0305", node.span, name=node.name))
        return drawn if declared is None else declared

    def _base(self, node: Distributed, shape: Shape) -> Shape | None:
        """The shape of the base draw of a node with this shape."""
        uses = []
        for call in reversed(node.through):
            inputs = self.read.inputs(node, "through", call)
            link = self.graph.links.get(call.function)
            if inputs is None or link is None or not is_bijection(link.entry):
                return None
            context = sum(math.prod(each) for each in inputs)
            use = LinkUse(call.function, node.id, "through", inputs, shape, call.span)
            try:
                link.entry.check(link.options, shape, inputs)
                shape = link.entry.lower(link.options, shape, context).output
            except LinkShapeError as error:
                return self.read.fail(
                    node,
                    diagnose(
                        "E0612", call.span, link=link.name, reason=error.reason, fix=error.fix
                    ),
                )
            uses.append(use)
        self.read.uses += reversed(uses)
        return shape

    def _count_classes(self, node: Distributed, event: Event) -> None:
        """Records the number of classes of a finite distribution over class numbers."""
        if event.entry.finite and not event.entry.result_dims:
            for dim in event.entry.options.values():
                whole_and_parts = (node.name, *node.parts)
                self.read.classes |= {(node.program, n): event.dims[dim] for n in whole_and_parts}

    def _params(self, node: Distributed, event: Event) -> bool:
        expression = node.params
        assert isinstance(expression, Call)
        inputs = self.read.inputs(node, "params", expression)
        if inputs is None:
            return False
        if expression.function not in self.graph.links:
            return True
        self.read.uses.append(
            LinkUse(expression.function, node.id, "params", inputs, None, expression.span)
        )
        return event.result() is not None

    # shapes known before inference

    def _declared(self, node: Node) -> Shape | None:
        return stated_shape(self.read, node)

    def _inherited(self, node: Node) -> Shape | None:
        """The shape from the data, or of the model node with the name of a node of another program.

        A joint draw is the vector of its parts, each flattened.
        """
        if node.parts:
            parts = (self._repeated(self.graph.node((node.program, n))) for n in node.parts)
            return (sum(map(math.prod, parts)),)
        if node.program != MODEL and node.name in self.graph.model.nodes:
            return self.events.get((MODEL, node.name))
        found = self.graph.fields.get(node.field) if node.field else None
        if found is None or found.shape is None or node.scan is None:
            return found.shape if found is not None else None
        return self._of_a_step(node, found.shape)

    def _repeated(self, part: Node) -> Shape:
        """The shape of a part of a joint draw, with an axis for the elements of a plate."""
        latent = self.graph.model.nodes.get(part.name, part) if part.program == GUIDE else part
        plate = self.graph.plates.get(latent.plate or "")
        return (*(() if plate is None else (plate,)), *self.events[part.id])

    def _of_a_step(self, node: Node, shape: Shape) -> Shape | None:
        """The shape of one step of the data, whose first axis is that of the steps."""
        assert node.scan is not None
        steps, key = self.graph.scans[node.scan].steps, self.graph.scans[node.scan].key
        span = self.graph.spec.spans.value(("plates", node.scan, key))
        if shape[:1] == (steps,) or any(d.span == span for d in self.findings.diagnostics):
            return shape[1:]
        if node.id in self.findings.broken:
            return None
        return self.read.fail(
            node,
            diagnose(
                "E0327",
                node.span,
                name=node.name,
                plate=node.scan,
                steps=steps,
                found=show(shape),
            ),
        )

    def _options(self, node: Distributed) -> dict[str, int] | None:
        found = {}
        for key, expression in node.options.items():
            value = self.read.number(node, expression)
            span = node.argument_spans[key]
            if isinstance(value, int) and value >= 1:
                found[key] = value
                large = too_large(f"`{key}` of `{node.name}`", value, span)
                if large is not None:
                    self.read.fail(node, large)
                    return None
            else:
                self.read.fail(node, diagnose("E0318", span, key=key, name=node.name))
                return None
        return found

    def _bind_classes(self, node: Distributed, event: Event) -> None:
        """Sets the number of classes from the model node, or from the labels in the data."""
        model_node = self.graph.model.nodes.get(node.name) if node.program != MODEL else None
        owner = None if model_node is None else model_node.joint or model_node.name
        for dim, size in ({} if owner is None else self.dims.get((MODEL, owner), {})).items():
            if dim in event.entry.options.values():
                event.dims.setdefault(dim, size)
        found = self.graph.fields.get(node.field) if node.field else None
        high = getattr(found.support, "high", None) if found else None
        classes = event.entry.options.values() if event.entry.finite else ()
        unbound = [d for d in classes if d not in event.dims]
        if unbound and high is not None and high < 1e6 and not node.arguments:
            event.dims.setdefault(unbound[0], int(high) + 1)
