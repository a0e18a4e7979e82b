"""Lowers expressions of the spec to Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

from specc.catalog.bijection import Bijection
from specc.catalog.causal import Causal
from specc.catalog.entry import Shape
from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import SELF, Code, Literal, Slice, Subscript
from specc.codegen.lower.events import Event, align, broadcast, flat, matmul, pad_right
from specc.codegen.lower.value import INTEGERS
from specc.codegen.plan import LinkModule, Plan, ProgramPlan
from specc.graph.constants import SIZE_OF, constant, is_plain, list_of, number_of
from specc.graph.nodes import Deterministic, Node
from specc.graph.queries import input_rank, is_literal, plate_node
from specc.language import nested
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Name,
    Negate,
    Number,
    Over,
    Sequence,
)

RUNTIME = "specc.runtime.functions"


class Expressions:
    """Lowers the expressions of one program."""

    def __init__(
        self, plan: Plan, program: ProgramPlan, owners: Mapping[str, Code] | None = None
    ) -> None:
        self.plan, self.program = plan, program
        self.graph = plan.graph.graph
        self.owners = {program.name: SELF} if owners is None else owners
        self.modules: dict[str, LinkModule] = {}
        self.owner_of: dict[str, Code] = {}
        for name in (name for name in self.owners if name in plan.programs):
            for module in plan.programs[name].modules:
                self.modules[module.link.name] = module
                self.owner_of[module.link.name] = self.owners[name]
        for module in program.shared_modules if owners is None else ():
            self.modules[module.link.name], self.owner_of[module.link.name] = module, SELF
        self.fixed = {item.node.id for item in program.learnable}
        self.buffers: Mapping[object, str] = {
            b.values: b.attribute for b in program.buffers if b.values is not None
        }

    def aligned(self, expression: Expression, shape: Shape) -> Code:
        """Return the code of an expression, with the rank of `shape`."""
        return align(self.number(expression), len(shape)).code

    def event(self, expression: Expression) -> Event:
        """Return the code of an expression with the shape of its event."""
        match expression:
            case Number(value=value):
                return Event(Literal(value), (), varies=False)
            case Name(id=name):
                return self._list(expression) or self._name(name)
            case Negate(operand=operand):
                inner = self.number(operand)
                return Event(code.Unary("-", inner.code), inner.shape, inner.varies)
            case Binary():
                return self._binary(expression)
            case Call():
                return self._call(expression)
            case Index():
                return self._index(expression)
            case Sequence():
                return self._sequence(expression)
            case Over():
                return self._over(expression)
        raise AssertionError(expression)

    def number(self, expression: Expression) -> Event:
        """Return an expression for arithmetic: integers are converted to floating point."""
        event = self.event(expression)
        if not self._is_integer(expression):
            return event
        real = code.call(code.function(f"{RUNTIME}.dtypes.to_float"), event.code)
        return Event(real, event.shape, event.varies)

    def _lookup(self, name: str) -> Node | None:
        return self.graph.lookup(self.program.name, name)

    def _name(self, name: str) -> Event:
        node = self._lookup(name)
        if node is None:
            return Event(Literal(self.graph.constants[name]), (), varies=False)
        kind = self.plan.graph.types[node.id]
        if node.role == "parameter" and not node.is_stepped:
            learnable = self._learnable(node)
            return Event(learnable, kind.shape, node.plate is not None)
        # A latent with a point as its draw has one value, whatever axes others have.
        fixed = node.id in self.fixed and node.role == "latent" and not kind.plates
        return Event(code.Name(self.plan.python[name]), kind.shape, varies=not fixed)

    def _learnable(self, node: Node) -> Code:
        """Return the learnable parameter of this class, or of another one that is in scope."""
        if node.program in self.owners:
            item = self.plan.programs[node.program].parameter_of(node)
            return code.Attribute(self.owners[node.program], item.attribute)
        return code.Attribute(SELF, self.program.parameter_of(node).attribute)

    def _is_integer(self, expression: Expression) -> bool:
        """Whether the tensor of an expression has an integer dtype, such as class numbers."""
        if isinstance(expression, Index):
            return self._is_integer(expression.base)
        node = self._lookup(expression.id) if isinstance(expression, Name) else None
        return node is not None and self.plan.dtype(node) in INTEGERS

    def _classes(self, name: Name) -> int | None:
        """Return the number of classes if `name` is a class number, else None."""
        node = self._lookup(name.id)
        return self.plan.graph.classes.get(node.id) if node is not None else None

    def _list(self, expression: Expression) -> Event | None:
        """Return the buffer of a list of constant numbers; None for another expression."""
        values = list_of(expression, self.graph.constants)
        if values is None:
            return None
        buffer = code.Attribute(self.owners[self.program.name], self.buffers[values])
        return Event(buffer, nested.shape(values) or (), varies=False)

    def _sequence(self, expression: Sequence) -> Event:
        known = self._list(expression)
        if known is not None:
            return known
        items = [self.number(item) for item in expression.items]
        rank = max(item.rank for item in items)
        widest = max((item.shape for item in items), key=len)
        stack = code.function(f"{RUNTIME}.vectors.stack")
        stacked = code.call(stack, *(align(item, rank).code for item in items), dim=-1 - rank)
        return Event(stacked, (len(items), *widest), varies=True)

    def _binary(self, expression: Binary) -> Event:
        left, right = self.number(expression.left), self.number(expression.right)
        if expression.operator == "@":
            return matmul(left, right)
        rank = max(left.rank, right.rank)
        made = code.Binary(expression.operator, align(left, rank).code, align(right, rank).code)
        return Event(made, broadcast(left.shape, right.shape), left.varies or right.varies)

    # functions and links

    def _call(self, call: Call) -> Event:
        if call.function in self.modules:
            return self._link(call, self.modules[call.function])
        if call.function == SIZE_OF:
            return self._size(call)
        return self._constant(call) or self._list(call) or self._function(call)

    def _link(self, call: Call, module: LinkModule) -> Event:
        """Return the result of a link, of its transpose, or of a link at equal entries."""
        owner = self.owner_of[call.function]
        called = code.Attribute(owner, module.attribute)
        if call.transposed:
            return self._transposed(call, module, called)
        if isinstance(module.link.entry, Bijection):
            return self._bijection(call, module, called)
        if len(call.arguments) == 1 and is_literal(call.arguments[0]):
            at_constant = code.function("specc.runtime.links.affine.at_constant")
            amount = self.event(call.arguments[0]).code
            value = code.call(at_constant, called, amount, module.input)
            return Event(value, module.output, varies=False)
        value = code.call(called, *self.link_input(call))
        if module.tail is not None:
            value = code.call(code.Attribute(owner, module.tail.attribute), value)
        return Event(value, module.output, varies=True)

    def _transposed(self, call: Call, module: LinkModule, called: Code) -> Event:
        """Return `transpose(self.f, y, (1, 8, 8))`, in the shape of the argument of the link."""
        transpose = code.function("specc.runtime.links.affine.transpose")
        inner, (shape,) = self.number(call.arguments[0]), module.inputs
        value = code.call(transpose, called, inner.code, shape)
        return Event(value, shape, inner.varies)

    def _bijection(self, call: Call, module: LinkModule, called: Code) -> Event:
        """Return `self.f.forward_value(u, h)`, or the draw `self.f.inverse_value(x, h)`."""
        value, rest = self._entering(call.arguments[0]), call.arguments[1:]
        method = "inverse_value" if call.inverted else "forward_value"
        given = (self.joined(rest),) if rest else ()
        use = next(use for use in self.plan.graph.uses if use.link == call.function)
        shape = module.lowered.output if call.inverted else use.output
        assert shape is not None
        return Event(code.method(called, method, value.code, *given), shape, value.varies)

    def _function(self, call: Call) -> Event:
        """Return a call of a function of the catalog, with arguments of the rank that it needs."""
        entry = self.graph.functions[call.function]
        items, least = [self.number(argument) for argument in call.arguments], entry.least_rank
        given = [
            item if is_plain(self.graph, self.program.name, argument) else pad_right(item, least)
            for item, argument in zip(items, call.arguments, strict=True)
        ]
        if entry.elementwise and len(given) > 1:
            rank = max(item.rank for item in given)
            given = [align(item, rank) for item in given]
        sizes = [
            self._size_of(a) if n in entry.sizes else items[n].shape
            for n, a in enumerate(call.arguments)
        ]
        taken = [item.code for item in given]
        if entry.of_function:
            variable = call.arguments[1]
            assert isinstance(variable, Name)
            taken[0] = code.as_function(self.plan.python[variable.id], taken[0])
        if entry.method is not None:
            value = code.over_last(taken[0], entry.method, items[0].rank)
        else:
            rank = items[entry.rank_of].rank
            keywords: dict[str, object] = {"dims": rank} if entry.event_dims else {}
            keywords |= self._mask(call.arguments[0]) if entry.of_data else {}
            value = code.call(code.target(entry.target), *taken, **keywords)
        return Event(value, entry.shape(tuple(sizes)), any(item.varies for item in items))

    def _mask(self, data: Expression) -> dict[str, Code]:
        """Return `mask=x_known` for data whose missing entries are left out."""
        missing = self.plan.missing.get(data.id) if isinstance(data, Name) else None
        return {} if missing is None or missing.fills else {"mask": code.Name(missing.known)}

    def _size_of(self, argument: Expression) -> Shape:
        value = number_of(argument, self.graph.constants, self._shape_of)
        assert isinstance(value, int)
        return (value,)

    def _shape_of(self, name: str) -> Shape | None:
        node = self._lookup(name)
        return self.plan.graph.types[node.id].shape if node is not None else None

    def _constant(self, call: Call) -> Event | None:
        """Evaluate a function of constants, because functions of torch take tensors only."""
        value = constant(call, self.graph.constants, self._shape_of)
        return None if value is None else Event(Literal(float(value)), (), varies=False)

    def _size(self, call: Call) -> Event:
        argument = call.arguments[0]
        assert isinstance(argument, Name)
        size = 1
        for each in self._name(argument.id).shape:
            size *= each
        return Event(Literal(size), (), varies=False)

    def link_input(self, call: Call) -> tuple[Code, ...]:
        """Return the arguments of a link, concatenated into one tensor.

        A causal link takes its node first, and then its context.
        """
        module = self.modules[call.function]
        if isinstance(module.link.entry, Causal):
            own, rest = self.number(call.arguments[0]).code, call.arguments[1:]
            return (own, self.joined(rest)) if rest else (own,)
        if input_rank(module.link) == 1:
            return (self.joined(call.arguments),)
        return (self._entering(call.arguments[0]).code,)

    def joined(self, arguments: tuple[Expression, ...]) -> Code:
        """Return the arguments concatenated into one vector."""
        program = self.program.name  # a plain number is a vector of one entry
        plain = [is_plain(self.graph, program, argument) for argument in arguments]
        events = [self._entering(argument) for argument in arguments]
        vectors = [
            e.code if p else flat(e.code, e.rank) for e, p in zip(events, plain, strict=True)
        ]
        if len(vectors) == 1:
            return vectors[0]
        return code.call(code.function(f"{RUNTIME}.vectors.concat"), *vectors)

    def _entering(self, argument: Expression) -> Event:
        """Return an argument of a link; a class number becomes a one-hot vector."""
        count = self._classes(argument) if isinstance(argument, Name) else None
        if count is None:
            return self.number(argument)
        event = self.event(argument)
        one_hot = code.call(code.function(f"{RUNTIME}.vectors.one_hot"), event.code, count)
        return Event(one_hot, (*event.shape, count), event.varies)

    # values on plates

    def _over(self, over: Over) -> Event:
        """Return a value from those on all elements of a plate, or that on one of them."""
        is_class = isinstance(over.operand, Name) and self._classes(over.operand) is not None
        whole = over.form.selects and is_class
        value = self.event(over.operand) if whole else self.number(over.operand)
        shape = over.form.shape(value.shape, self.graph.size_of(over.plate))
        return Event(self._reduced(over, value), shape, varies=True)

    def _reduced(self, over: Over, value: Event) -> Code:
        """Return the code of the reduction of a value, whose plate is the axis before the event."""
        form, axis = over.form, -1 - value.rank
        position = None if over.index is None else self._position(over.index)
        place = form.position if position is None else _constant_index(position)
        if place is not None and (over.lengths is None or place == 0):
            rest = (Slice(),) * value.rank
            return Subscript(value.code, (Literal(...), Literal(place), *rest))
        if over.lengths is not None:
            position = self.event(over.lengths).code
        if position is not None:
            return code.call(code.function(form.target), value.code, position, dims=value.rank)
        return code.method(value.code, "flatten" if form.flattens else form.method, axis)

    # indices

    def _index(self, expression: Index) -> Event:
        """Return `self.table[i, j]`, or `gather_nd(table, i, j, rank=1)` if the table varies."""
        base, indices = self.event(expression.base), expression.indices
        repeated = plate_node(self.graph, self.program.name, expression.base)
        chosen = [] if repeated is None else [self.event(indices[0])]
        places = self._positions(indices[len(chosen) :])
        if repeated is not None and repeated.role == "parameter":
            rank = max((place.rank for place in places), default=0)
            items = [align(place, rank).code for place in (*chosen, *places)]
            shape = _joined_shape(places) + base.shape[len(places) :]
            return Event(Subscript(base.code, tuple(items)), shape, varies=True)
        if repeated is not None:
            base = self._element(base, chosen[0].code)
        return self._entry(base, places)

    def _element(self, base: Event, index: Code) -> Event:
        """Return one element of a plate; the axis of rows replaces that of the plate."""
        first = index.value if isinstance(index, Literal) else None
        if isinstance(first, int) and first >= 0:
            items: tuple[Code | Slice, ...] = (Literal(...), Slice(first, first + 1))
            items += (Slice(),) * base.rank
            return Event(Subscript(base.code, items), base.shape, varies=True)
        index_select = code.function(f"{RUNTIME}.indexing.index_select")
        return Event(code.call(index_select, base.code, index, base.rank), base.shape, varies=True)

    def _entry(self, base: Event, places: list[Event]) -> Event:
        """Return the entries of an event at indices of its first axes."""
        if not places:
            return base
        left = base.shape[len(places) :]
        positions = [place.code for place in places]
        if all(_constant_index(position) is not None for position in positions):
            rest = (Slice(),) * len(left)
            items = (Literal(...), *positions, *rest)
            return Event(Subscript(base.code, items), left, base.varies)
        chosen = _joined_shape(places)
        if not base.varies:
            return Event(Subscript(base.code, tuple(positions)), (*chosen, *left), varies=True)
        gather = code.function(f"{RUNTIME}.indexing.gather_nd")
        positions = [
            position if (at := _constant_index(position)) is None else Literal(at % size)
            for position, size in zip(positions, base.shape, strict=False)
        ]
        table = base.code  # the axes of the indices are between its batch axes and its own
        for _ in chosen:
            table = code.method(table, "unsqueeze", -1 - base.rank)
        made = code.call(gather, table, *positions, rank=len(left))
        return Event(made, (*chosen, *left), varies=True)

    def _positions(self, indices: Iterable[Expression]) -> list[Event]:
        """Return indices of one rank: numbers, or tensors with an integer dtype."""
        found = [Event(self._position(i), self.event(i).shape, varies=True) for i in indices]
        rank = max((index.rank for index in found), default=0)
        known = [_constant_index(index.code) is not None for index in found]
        return [i if k else align(i, rank) for i, k in zip(found, known, strict=True)]

    def _position(self, index: Expression) -> Code:
        """Return an index as code: a number, or a tensor with an integer dtype."""
        known = number_of(index, self.graph.constants, self._shape_of)
        if known is not None:
            return Literal(known)
        value = self.event(index).code
        if self._indexes(index):
            return value
        node = self._lookup(index.id) if isinstance(index, Name) else None
        if isinstance(node, Deterministic) and self._indexes(node.value):
            return value
        counts = node is not None and (node.id in self.plan.graph.classes or node.plate_index)
        return value if counts else code.method(value, "long")

    def _indexes(self, expression: Expression) -> bool:
        """Return whether an expression is a call whose result has the dtype int64."""
        functions = self.graph.functions
        name = expression.function if isinstance(expression, Call) else ""
        return name in functions and functions[name].indexes


def _joined_shape(places: Iterable[Event]) -> Shape:
    """Return the shape to which indices broadcast."""
    scalar: Shape = ()
    return reduce(broadcast, (place.shape for place in places), scalar)


def _constant_index(position: Code) -> int | None:
    """Return the value of a constant index, else None."""
    value = position.value if isinstance(position, Literal) else None
    return value if isinstance(value, int) else None
