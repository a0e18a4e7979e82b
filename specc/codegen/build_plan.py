"""Builds the plan from the objective: all names, modules, tensors and arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from specc.catalog.entry import Alternative, Parameter, Shape
from specc.catalog.transforms import IDENTITY, biject_to, head_onto, transform_to
from specc.codegen.copies import plan_copy
from specc.codegen.known_ends import known_ends
from specc.codegen.loops import loops
from specc.codegen.names import Attributes, Names, python_name
from specc.codegen.plan import (
    ROW,
    Argument,
    Buffer,
    Factor,
    Flow,
    Head,
    Input,
    LaggedValue,
    LearnableParameter,
    Let,
    LinkModule,
    Mask,
    Plan,
    ProgramPlan,
    Shared,
    Tail,
)
from specc.codegen.signatures import losses, methods
from specc.codegen.text import sampled_from
from specc.codegen.units import colors_of, method_of_unit
from specc.codegen.variables import counts_of_rows, missing_values, variables
from specc.graph.blocks import conditions, couples_itself, of_units
from specc.graph.constants import constant, list_of, number_of
from specc.graph.counter import Counter
from specc.graph.graph import GUIDE, MODEL, NETWORKS, ROWS, Program
from specc.graph.nodes import Node
from specc.graph.pieces import pieces_of
from specc.graph.queries import is_autoregressive, parameter_of
from specc.language import nested
from specc.language.expressions.tree import Call, Expression, Name
from specc.language.expressions.walk import calls, children, names
from specc.objective.objective import Objective
from specc.objective.passes.change_of_variables import is_forward


def build_plan(objective: Objective) -> Plan:
    """Return the plan of the generated code."""
    graph = objective.graph.graph
    python = variables(objective)
    planned: dict[str, ProgramPlan] = {}
    for name, program in graph.programs.items():
        if not program.copy_of:
            planned[name] = _ProgramPlanner(objective, program, python, planned).plan()
    programs = {name: planned[name] for name in graph.declared}
    inside = {
        name: plan_copy(planned[program.copy_of], program, python)
        for name, program in graph.programs.items()
        if program.copy_of
    }
    if NETWORKS in planned:
        networks = inside[NETWORKS] = planned[NETWORKS]
        if networks.modules or networks.buffers:
            programs[NETWORKS] = replace(networks, lets=MappingProxyType({}), order=())
    data = tuple(
        name for name, node in graph.model.nodes.items() if node.role in ("observed", "given")
    )
    missing = missing_values(objective, python)
    known = {Mask(n): m.known for n, m in missing.items()}
    own = {n: python[n] for p in graph.programs.values() for n in p.nodes}
    plan = Plan(
        graph=objective.graph,
        objective=objective,
        programs=MappingProxyType(programs),
        python=MappingProxyType(own | known | ({} if data else {ROW: python.fresh("row")})),
        data=data,
        masks=MappingProxyType({scan: python.fresh(f"{scan}_mask") for scan in graph.scans}),
        missing=MappingProxyType(missing),
        inside=MappingProxyType(inside),
        counts=MappingProxyType(counts_of_rows(graph.sources, python)),
        weights=MappingProxyType(
            {p: python.fresh(f"{p}_weight") for p in objective.experiment.training.subsampled}
        ),
    )
    found = {name: methods(plan, program) for name, program in programs.items()}
    plan = replace(plan, methods=MappingProxyType(found))
    return replace(plan, losses=MappingProxyType(losses(plan)))


def _own_name(name: str) -> str:
    """Return the name of a node in the program that declares it: `h` of `model.h`.

    A value of a loss is named by its text, of which an identifier is made.
    """
    own = name.removeprefix(f"{MODEL}.")
    return own if own.isidentifier() else python_name(own)


class _ProgramPlanner:
    """Plans the class of one program; `earlier` are the plans of the programs before it."""

    def __init__(
        self,
        objective: Objective,
        program: Program,
        python: Names,
        earlier: Mapping[str, ProgramPlan],
    ) -> None:
        self.objective, self.typed, self.earlier = objective, objective.graph, earlier
        self.graph, self.program, self.python = self.typed.graph, program, python
        self.attributes = Attributes()
        steps = (n for n, v in program.nodes.items() if v.is_stepped or isinstance(v, Counter))
        self.stepped = frozenset(steps)
        self.density_name = "q" if program.name == GUIDE else "p"
        self.buffers: list[Buffer] = []
        self.columns: dict[str, str] = {}
        self.heads: list[Head] = []
        heads = [(owner, head) for owner, program in earlier.items() for head in program.heads]
        self.first_heads = {head.key: (owner, head) for owner, head in reversed(heads)}
        self.modules: tuple[LinkModule, ...] = ()
        self.shared: list[Shared] = []
        self.shared_modules: tuple[LinkModule, ...] = ()
        self.shared_learnable: tuple[LearnableParameter, ...] = ()

    def plan(self) -> ProgramPlan:
        nodes = self.program.nodes
        learnable = tuple(
            self._learnable(nodes[n]) for n in self.program.order if self._is_learnable(n)
        )
        modules = self.modules = tuple(self._modules())
        if self.program.name != NETWORKS:
            self.shared_modules = tuple(self._shared_modules())
            self.shared_learnable = tuple(self._shared_learnable())
        factors = {n: self._factor(nodes[n]) for n in self.program.order if nodes[n].is_random}
        lagged = {n: self._lagged(nodes[n]) for n in self.program.order if nodes[n].shift}
        lets = {n: self._let(nodes[n]) for n in self.program.order if nodes[n].role == "let"}
        return ProgramPlan(
            name=self.program.name,
            class_name="".join(word.capitalize() for word in self.program.name.split("_")),
            density_name=self.density_name,
            modules=modules,
            heads=tuple(self.heads),
            learnable=learnable,
            buffers=tuple(self.buffers),
            factors=MappingProxyType(factors),
            lets=MappingProxyType(lets),
            order=self.program.order,
            lagged=MappingProxyType(lagged),
            loops=loops(self.program),
            let_loops=loops(self.program, lets_only=True),
            shared=tuple(self.shared),
            shared_modules=self.shared_modules,
            shared_learnable=self.shared_learnable,
        )

    def _is_learnable(self, name: str) -> bool:
        draw = self.objective.draws.get(name)
        is_point = draw is not None and draw.is_point and draw.program == self.program.name
        return self.program.nodes[name].role == "parameter" or is_point

    def _learnable(self, node: Node) -> LearnableParameter:
        kind = self.typed.types[node.id]
        # The number of rows is known when the data are.
        plates = tuple(0 if p == ROWS else self.graph.size_of(p) for p in kind.plates)
        maps = biject_to if self.objective.is_sampled else transform_to
        is_sampled = self.objective.is_sampled
        known = known_ends(self.typed, node, self._is_point, is_sampled=is_sampled)
        ends = known.ends
        onto = maps(kind.support) or IDENTITY if ends is None else ends.onto
        attribute = self.attributes.fresh(node.name)
        raw = attribute if onto is IDENTITY else self.attributes.fresh(onto.raw.format(node.name))
        shape, of_rows = plates + kind.shape, kind.is_local
        method = "" if ends is None else self.attributes.fresh(f"{node.name}_ends")
        for name in (name for name in known.data if name not in self.columns):
            self.columns[name] = self.attributes.fresh(f"{name}_rows")
        columns = tuple((name, self.columns[name]) for name in known.data)
        item = LearnableParameter(attribute, raw, node, shape, onto, node.span, of_rows)
        return replace(item, ends=ends, ends_method=method, data=columns, beyond=known.beyond)

    def _is_point(self, node: Node) -> bool:
        return node.program == self.program.name and self._is_learnable(node.name)

    def _modules(self) -> Iterable[LinkModule]:
        first = {use.link: use for use in reversed(self.typed.uses)}
        for name, sized in self.typed.sized.items():
            if sized.program != self.program.name:
                continue
            attribute, tail = self.attributes.fresh(name), None
            if sized.tail is not None:
                tail = Tail(self.attributes.fresh(f"{name}_out"), sized.tail)
            yield LinkModule(
                attribute=attribute,
                link=self.graph.links[name],
                lowered=sized.module,
                inputs=first[name].inputs,
                input=sized.input,
                tail=tail,
            )

    def _shared_modules(self) -> Iterable[LinkModule]:
        """Yield the links of earlier programs that this program also uses."""
        used = {use.link for use in self.typed.uses if use.node[0] == self.program.name}
        for name in (name for name in self.typed.sized if name in used):
            owner = self.typed.sized[name].program
            if owner == self.program.name:
                continue
            module = next(m for m in self.earlier[owner].modules if m.link.name == name)
            attribute, tail = self.attributes.fresh(name), module.tail
            if module.lowered.layers:
                self._share(name, attribute, owner, module.attribute, f"links.{name}")
            if tail is not None:
                fresh = self.attributes.fresh(f"{name}_out")
                self._share(name, fresh, owner, tail.attribute, f"links.{name}")
                tail = replace(tail, attribute=fresh)
            yield replace(module, attribute=attribute, tail=tail)

    def _shared_learnable(self) -> Iterable[LearnableParameter]:
        """Yield the learnable parameters of other programs that this one uses: `model.w`."""
        found: dict[str, Node] = {}
        for node in self.program.nodes.values():
            for name in (name for e in node.expressions() for name in names(e)):
                used = self.graph.lookup(self.program.name, name.id)
                if used is not None and used.role == "parameter" and "." in name.id:
                    found[name.id] = used
        for used in found.values():
            item = self.earlier[used.program].parameter_of(used)
            parameter = self._learnable(used)
            about = f"{used.program}.{used.name}"
            self._share(used.name, parameter.raw, used.program, item.raw, about)
            yield parameter

    def _share(self, name: str, attribute: str, owner: str, original: str, about: str) -> None:
        self.shared.append(Shared(name, attribute, owner, original, about))

    # factors

    def _factor(self, node: Node) -> Factor:
        assert node.entry is not None
        own = (node.name, *node.parts)
        inputs = tuple(n for n in self._inputs(node.expressions()) if n not in own)
        stated = () if node.is_moved else node.entry.parameters
        arguments = tuple(self._argument(node, p) for p in stated)
        kind = self.typed.types[node.id]
        return Factor(
            node=node,
            entry=node.entry,
            type=kind,
            method=self._method(node, arguments),
            inputs=inputs,
            given=self._inputs(node.own_expressions()),
            arguments=arguments,
            trunk=node.params if any(a.head for a in arguments) else None,
            conditional=self._conditional(node, inputs),
            sampled_from=sampled_from(node),
            scan=node.scan,
            lengths=self._lengths(node.scan),
            drawn=self.typed.bases.get(node.id, kind.shape),
            flow=self._flow(node) if node.through else None,
            causal=self._causal(node),
            colors=colors_of(self.typed, self.program, node, self.attributes, self.buffers),
        )

    def _method(self, node: Node, arguments: tuple[Argument, ...]) -> str:
        """Return a name after the computed parameters: `x_logits`, `z_loc_scale`, or empty."""
        computed = [a.parameter.name for a in arguments if a.number is None]
        if not computed:
            return ""
        if node.name in self.program.units:
            return self.attributes.fresh(method_of_unit(node, self._inputs(node.expressions())))
        what = "_".join(computed) if len(computed) <= 2 else "parameters"
        return self.attributes.fresh(f"{node.name}_{what}")

    def _lengths(self, scan: str | None) -> str | None:
        """Return the node with the number of steps of each row, None if all rows have all steps."""
        return self.graph.scans[scan].lengths if scan is not None else None

    def _lagged(self, node: Node) -> LaggedValue:
        """Plan a lagged value such as `z[t-1]`, with the value before the first step."""
        assert node.shift is not None and node.initial is not None
        number = self._plain(node.initial)
        base, far = _own_name(node.shift.base), abs(node.shift.offset)
        called = f"initial_{base}" if far == 1 else f"initial_{base}_{far}"
        self._find_buffers(f"{base}_initial", node.initial)
        method = self.attributes.fresh(called) if number is None else ""
        return LaggedValue(
            node=node,
            type=self.typed.types[node.id],
            base=node.shift.source,
            is_lag=node.shift.offset < 0,
            number=number,
            method=method,
            inputs=self._inputs([node.initial]),
            initial=node.initial,
            lengths=self._lengths(node.scan) if node.shift.offset > 0 else None,
        )

    def _flow(self, node: Node) -> Flow:
        entries = [self.graph.links[call.function].entry for call in node.through]
        for call in node.through:
            self._find_buffers(f"{node.name}_context", call)
        prefix = "prior_" if self._is_in_guide(node) else ""
        scored = is_forward(node, self.objective.draws)
        forward = f"{node.name}_forward{'_and_log_det' if scored else ''}"
        return Flow(
            steps=node.through,
            forward=self.attributes.fresh(forward),
            inverse=self.attributes.fresh(f"{node.name}_inverse_and_log_det"),
            base=self.python.fresh(f"{prefix}{node.name}_base"),
            log_det=self.python.fresh(f"{prefix}{node.name}_log_det"),
            inputs=tuple(n for n in self._inputs(node.through) if n not in node.parts),
            stochastic=any(getattr(entry, "stochastic", False) for entry in entries),
            scored=scored,
            pieces=tuple(pieces_of(self.graph, node, call) for call in node.through),
        )

    def _causal(self, node: Node) -> LinkModule | None:
        """Return the causal link that the parameters of a node apply to the node itself, if any."""
        for expression in node.own_expressions():
            for call in calls(expression):
                if is_autoregressive(self.graph, node, call):
                    modules = (*self.modules, *self.shared_modules)
                    return next(m for m in modules if m.link.name == call.function)
        return None

    def _let(self, node: Node) -> Let:
        assert node.value is not None
        self._find_buffers(f"{_own_name(node.name)}_values", node.value)
        return Let(
            node=node,
            type=self.typed.types[node.id],
            method=self.attributes.fresh(_own_name(node.name)),
            inputs=self._inputs([node.value]),
            expression=node.value,
            buffer=self._number(node, node.value),
        )

    def _number(self, node: Node, value: Expression) -> Buffer | None:
        """Register the value of a constant node as a buffer; None if it is not constant."""
        number = constant(value, self.graph.constants, self._shape_of)
        if number is None:
            return None
        attribute = self.attributes.fresh(f"{_own_name(node.name)}_value")
        self.buffers.append(Buffer(attribute, None, (), float(number)))
        return self.buffers[-1]

    def _inputs(self, expressions: Iterable[Expression]) -> tuple[Input, ...]:
        """Return the nodes in expressions whose values a method takes: all but parameters.

        A parameter with a value for each step is included, because a loop passes the value of one
        step. Those that depend on the units of an energy come first.
        """
        found: dict[Input, None] = {}
        for expression in expressions:
            for name in names(expression):
                node = self.graph.lookup(self.program.name, name.id)
                if node is not None and (node.role != "parameter" or node.is_stepped):
                    found[name.id] = None
            found |= dict.fromkeys(self._masks(expression))
        return tuple(dict.fromkeys([*of_units(self.program, found), *found]))

    def _masks(self, expression: Expression) -> Iterable[Mask]:
        """Yield the masks that functions such as `known` need, of data with missing entries."""
        for call in calls(expression):
            entry = self.graph.functions.get(call.function)
            if entry is not None and entry.of_data:
                node = self.graph.lookup(self.program.name, names(call)[0].id)
                if node is not None and node.is_marginalized:
                    yield Mask(node.name)

    def _conditional(self, node: Node, inputs: tuple[Input, ...]) -> str:
        shown = [str(each) for each in inputs if each not in self.stepped]
        if node.name in self.program.units and couples_itself(self.program, node.name):
            others = ", ".join([f"{node.name}_-i", *shown])
            return f"{node.name}_i | {others}"
        if node.is_moved:
            shown = list(conditions(self.program, node.name))
        given = f" | {', '.join(shown)}" if shown else ""
        return f"{', '.join(node.values)}{given}"

    def _argument(self, node: Node, parameter: Parameter) -> Argument:
        shape = self.typed.parameters[node.id, parameter.name]
        key = self._key(node, parameter)
        local = self.python.fresh(self._local(node, parameter))
        assert node.entry is not None
        defaults = node.entry.defaults
        if key is None and (node.params is None or parameter.name in defaults):
            return Argument(parameter, local, shape, number=float(defaults[parameter.name]))
        if key is None:
            assert node.params is not None
            self._find_buffers(f"{node.name}_inputs", node.params)
            return Argument(
                parameter,
                local,
                shape,
                head=self._head(node, parameter),
                own=shape,
                plates=self.typed.plates_of(node.program, node.params),
                inputs=self._inputs([node.params]),
            )
        expression = node.arguments[key]
        alternative = parameter_of(node.entry, key)[1]
        number = self._plain(expression)
        if number is not None and not parameter.dims:
            return Argument(parameter, local, shape, number=self._as_parameter(number, alternative))
        if number is not None:
            attribute = self.attributes.fresh(f"{node.name}_{parameter.name}_value")
            buffer = Buffer(attribute, None, shape, float(number))
            self.buffers.append(buffer)
            return Argument(
                parameter, local, shape, buffer=buffer, alternative=alternative, own=shape
            )
        self._find_buffers(f"{node.name}_{parameter.name}_value", expression)
        return Argument(
            parameter,
            local,
            shape,
            expression=expression,
            alternative=alternative,
            own=self.typed.given[node.id, parameter.name],
            plates=self.typed.plates_of(node.program, expression),
            inputs=self._inputs([expression]),
        )

    def _as_parameter(self, number: float, alternative: Alternative | None) -> float:
        """The value of a parameter for a number that is given for it or, say, as `probs`."""
        if alternative is None:
            return float(number)
        value = self.graph.functions[alternative.function].constant(float(number))
        assert isinstance(value, float)  # the support of the alternative leaves no infinite value
        return value

    def _plain(self, expression: Expression) -> int | float | None:
        return number_of(expression, self.graph.constants, self._shape_of)

    def _shape_of(self, name: str) -> Shape | None:
        node = self.graph.lookup(self.program.name, name)
        return self.typed.types[node.id].shape if node is not None else None

    def _local(self, node: Node, parameter: Parameter) -> str:
        return f"{'prior_' if self._is_in_guide(node) else ''}{node.name}_{parameter.name}"

    def _is_in_guide(self, node: Node) -> bool:
        """Whether the guide has a node of the same name, whose variables have no prefix."""
        guide = self.graph.guide
        return self.program.name == MODEL and guide is not None and node.name in guide.nodes

    def _key(self, node: Node, parameter: Parameter) -> str | None:
        assert node.entry is not None
        for key in node.arguments:
            if parameter_of(node.entry, key)[0].name == parameter.name:
                return key
        return None

    def _head(self, node: Node, parameter: Parameter) -> Head:
        assert isinstance(node.params, Call)
        lowered = self.typed.sized[node.params.function].heads[node.name, parameter.name]
        onto = head_onto(parameter.support)
        assert onto is not None
        attribute = self.attributes.fresh(f"{node.name}_{onto.raw.format(parameter.name)}_head")
        link = node.params.function
        head = Head(attribute, lowered, onto, node, parameter)
        if head.key in self.first_heads:
            owner, first = self.first_heads[head.key]
            self._share(link, attribute, owner, first.attribute, f"{self.program.name}.{node.name}")
            return replace(first, attribute=attribute)
        self.heads.append(head)
        return head

    def _find_buffers(self, wanted: str, expression: Expression) -> None:
        """Register each list of numbers in an expression as a buffer."""
        values = list_of(expression, self.graph.constants)
        if values is None:
            for inside in children(expression):
                self._find_buffers(wanted, inside)
            return
        if all(b.values != values for b in self.buffers):
            name = expression.id if isinstance(expression, Name) else wanted
            shape, made = nested.shape(values) or (), ""
            if isinstance(expression, Call):
                target = self.graph.functions[expression.function].target
                given = [self._plain(each) for each in expression.arguments]
                shown = ", ".join(map(repr, given))
                made = f"{target}({shown})" if target.startswith("torch.") else ""
            self.buffers.append(Buffer(self.attributes.fresh(name), values, shape, made=made))
