"""Expressions of the spec as Python: printed from our own tree, aligned event by event.

A spec says what happens to one event; tensors have axes before it. Where events of different rank
meet, the one of lower rank gets the missing axes after its own leading ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from specc.catalog.causal import Causal
from specc.catalog.entry import Shape
from specc.catalog.functions import index as functions
from specc.codegen.plan import Plan, ProgramPlan
from specc.graph.graph import Node
from specc.graph.passes.constant import constant
from specc.graph.passes.indexing import plated
from specc.graph.passes.links import input_rank
from specc.graph.passes.names import SIZE_OF, is_plain
from specc.graph.passes.sizes import list_of, number_of
from specc.language import nested
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Name,
    Negate,
    Number,
    Sequence,
)

ATOM, POWER, UNARY, PRODUCT, SUM = 5, 4, 3, 2, 1
PRECEDENCE = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT, "**": POWER}

WHOLE = ("int64", "uint8", "bool")
"""What a field can be kept as that is no real number."""


@dataclass(frozen=True, slots=True)
class Code:
    """A Python expression.

    `binding` says how tightly the text binds, `varies` whether there are axes before the event.
    """

    text: str
    binding: int
    shape: Shape
    varies: bool

    @property
    def rank(self) -> int:
        """The number of axes of the event."""
        return len(self.shape)

    def within(self, binding: int) -> str:
        """The text, in parentheses where it binds less tightly than asked."""
        return self.text if self.binding >= binding else f"({self.text})"


class ExpressionWriter:
    """Writes the expressions of one program; `imports` collects what they call."""

    def __init__(self, plan: Plan, program: ProgramPlan, imports: set[str]) -> None:
        self.plan, self.program, self.imports = plan, program, imports
        self.graph = plan.graph.graph
        self.learnt = {item.node.name: item for item in program.learnt}
        self.modules = {module.link.name: module for module in program.modules}
        self.buffers: Mapping[object, str] = {
            b.values: b.attribute for b in program.buffers if b.values is not None
        }

    def aligned(self, expression: Expression, shape: Shape) -> str:
        """The expression as an event of the given shape's rank."""
        return align(self.number(expression), len(shape)).text

    def write(self, expression: Expression) -> Code:
        """The Python of an expression."""
        match expression:
            case Number(value=value):
                return Code(repr(value), ATOM if value >= 0 else UNARY, (), False)
            case Name(id=name):
                return self._list(expression) or self._name(name)
            case Negate(operand=operand):
                inner = self.number(operand)
                return Code(f"-{inner.within(UNARY)}", UNARY, inner.shape, inner.varies)
            case Binary():
                return self._binary(expression)
            case Call():
                return self._call(expression)
            case Index():
                return self._index(expression)
            case Sequence():
                return self._sequence(expression)
        raise AssertionError(expression)

    def _lookup(self, name: str) -> Node | None:
        return self.graph.lookup(self.program.name, name)

    def _name(self, name: str) -> Code:
        node = self._lookup(name)
        if node is None:
            value = self.graph.constants[name]
            return Code(repr(value), ATOM, (), False)
        kind = self.plan.graph.types[node.id]
        if node.role == "parameter" and not node.is_stepped:
            learnt = f"self.{self.learnt[name].attribute}"
            return Code(learnt, ATOM, kind.shape, node.plate is not None)
        return Code(self.plan.python[name], ATOM, kind.shape, True)

    def number(self, expression: Expression) -> Code:
        """An expression to calculate with: whole numbers become real ones."""
        code = self.write(expression)
        if not self._is_whole(expression):
            return code
        self.imports.add("specc.runtime.functions.real")
        return Code(f"real({code.text})", ATOM, code.shape, code.varies)

    def _is_whole(self, expression: Expression) -> bool:
        """Whether its tensor is one of class numbers, or of data that are kept as whole numbers."""
        if isinstance(expression, Index):
            return self._is_whole(expression.base)
        node = self._lookup(expression.id) if isinstance(expression, Name) else None
        if node is None:
            return False
        own = node if node.shift is None else self._lookup(node.shift.base)
        field = self.graph.fields.get((own or node).field or "")
        kept = None if field is None else field.transforms.get("dtype")
        return node.id in self.plan.graph.classes or kept in WHOLE

    def _classes(self, name: Name) -> int | None:
        """How many classes there are where `name` is a class number."""
        node = self._lookup(name.id)
        return self.plan.graph.classes.get(node.id) if node is not None else None

    def _list(self, expression: Expression) -> Code | None:
        """The buffer that holds a list of known numbers."""
        values = list_of(expression, self.graph.constants)
        if values is None:
            return None
        return Code(f"self.{self.buffers[values]}", ATOM, nested.shape(values) or (), False)

    def _sequence(self, expression: Sequence) -> Code:
        known = self._list(expression)
        if known is not None:
            return known
        items = [self.number(item) for item in expression.items]
        rank = max(item.rank for item in items)
        texts = ", ".join(align(item, rank).text for item in items)
        widest = max((item.shape for item in items), key=len)
        self.imports.add("specc.runtime.functions.stack")
        return Code(f"stack({texts}, dim={-1 - rank})", ATOM, (len(items), *widest), True)

    def _binary(self, expression: Binary) -> Code:
        left, right = self.number(expression.left), self.number(expression.right)
        if expression.operator == "@":
            return _matmul(left, right)
        rank = max(left.rank, right.rank)
        a, b = align(left, rank), align(right, rank)
        binding = PRECEDENCE[expression.operator]
        if expression.operator == "**":
            text = _power(a.within(POWER + 1), b.within(UNARY))
        else:
            text = f"{a.within(binding)} {expression.operator} {b.within(binding + 1)}"
        shape = _broadcast(left.shape, right.shape)
        return Code(text, binding, shape, left.varies or right.varies)

    def _call(self, call: Call) -> Code:
        if call.function in self.modules:
            module = self.modules[call.function]
            text = f"self.{module.attribute}({self.link_input(call)})"
            if module.tail is not None:
                text = f"self.{module.tail.attribute}({text})"
            return Code(text, ATOM, module.output, True)
        if call.function == SIZE_OF:
            return self._size(call)
        entry = functions.function(call.function)
        known = self._constant(call) or self._list(call)
        if known is not None:
            return known
        items, least = [self.number(argument) for argument in call.arguments], entry.least_rank
        given = [
            item if is_plain(self.graph, self.program.name, argument) else _raised(item, least)
            for item, argument in zip(items, call.arguments, strict=True)
        ]
        if entry.elementwise and len(given) > 1:
            rank = max(item.rank for item in given)
            given = [align(item, rank) for item in given]
        texts = [item.text for item in given]
        if entry.event_dims:
            texts.append(f"dims={items[0].rank}")
        if entry.of_data:
            texts += self._mask(call.arguments[0])
        sizes = [
            self._size_of(a) if n in entry.sizes else items[n].shape
            for n, a in enumerate(call.arguments)
        ]
        shape = entry.shape(tuple(sizes))
        varies = any(item.varies for item in items)
        return Code(f"{self._called(entry.target)}({', '.join(texts)})", ATOM, shape, varies)

    def _mask(self, data: Expression) -> list[str]:
        """`mask=x_known`, for data of which entries are left out."""
        missing = self.plan.missing.get(data.id) if isinstance(data, Name) else None
        return [] if missing is None or missing.fills else [f"mask={missing.known}"]

    def _called(self, target: str) -> str:
        """The name under which generated code calls a function."""
        if target.startswith("torch."):
            self.imports.add("torch")
            return target
        self.imports.add(target.rsplit(".", 1)[0])
        return target.rsplit(".", 1)[1]

    def _size_of(self, argument: Expression) -> Shape:
        value = number_of(argument, self.graph.constants, self._shape_of)
        assert isinstance(value, int)
        return (value,)

    def _shape_of(self, name: str) -> Shape | None:
        node = self._lookup(name)
        return self.plan.graph.types[node.id].shape if node is not None else None

    def _constant(self, call: Call) -> Code | None:
        """A function of plain numbers is computed here: torch's own functions take tensors."""
        value = constant(call, self.graph.constants, self._shape_of)
        if value is not None:
            return Code(repr(float(value)), ATOM if value >= 0 else UNARY, (), False)
        return None

    def _size(self, call: Call) -> Code:
        argument = call.arguments[0]
        assert isinstance(argument, Name)
        size = 1
        for each in self._name(argument.id).shape:
            size *= each
        return Code(repr(size), ATOM, (), False)

    def link_input(self, call: Call) -> str:
        """The arguments of a link as the one tensor that it takes.

        A causal link takes the node that it belongs to as it is, and then its context.
        """
        module = self.modules[call.function]
        rank = input_rank(module.link)
        if isinstance(module.link.entry, Causal):
            own, rest = self.number(call.arguments[0]).text, call.arguments[1:]
            return f"{own}, {self._joined(rest)}" if rest else own
        if rank == 1:
            return self._joined(call.arguments)
        return self._entering(call.arguments[0]).text

    def _joined(self, arguments: tuple[Expression, ...]) -> str:
        """The arguments as one vector."""
        program = self.program.name  # a plain number stands for a vector of one entry
        plain = [is_plain(self.graph, program, argument) for argument in arguments]
        codes = [self._entering(argument) for argument in arguments]
        flat = [c.text if p else _flat(c) for c, p in zip(codes, plain, strict=True)]
        if len(flat) == 1:
            return flat[0]
        self.imports.add("specc.runtime.functions.concat")
        return f"concat({', '.join(flat)})"

    def _entering(self, argument: Expression) -> Code:
        count = self._classes(argument) if isinstance(argument, Name) else None
        if count is None:
            return self.number(argument)
        code = self.write(argument)
        self.imports.add("specc.runtime.functions.one_hot")
        return Code(f"one_hot({code.text}, {count})", ATOM, (*code.shape, count), code.varies)

    def _index(self, expression: Index) -> Code:
        """`self.table[i, j]`, or `pick(table, i, j, rank=1)` where the table varies itself."""
        base, indices = self.write(expression.base), expression.indices
        repeated = plated(self.graph, self.program.name, expression.base)
        if repeated is not None and repeated.role == "parameter":
            texts = [self.write(indices[0]).text, *map(self._position, indices[1:])]
            left = base.shape[len(indices) - 1 :]
            return Code(f"{base.text}[{', '.join(texts)}]", ATOM, left, True)
        if repeated is not None:
            base, indices = self._element(base, self.write(indices[0]).text), indices[1:]
        return self._entry(base, [self._position(index) for index in indices])

    def _element(self, base: Code, index: str) -> Code:
        """One element of a plate: the axis of the plate becomes that of rows."""
        if index.isdecimal():
            rest, first = ", :" * base.rank, int(index)
            return Code(f"{base.text}[..., {first}:{first + 1}{rest}]", ATOM, base.shape, True)
        self.imports.add("specc.runtime.functions.take")
        return Code(f"take({base.text}, {index}, {base.rank})", ATOM, base.shape, True)

    def _entry(self, base: Code, positions: list[str]) -> Code:
        """What is left of an event after an index for each of its first axes."""
        if not positions:
            return base
        left, listed = base.shape[len(positions) :], ", ".join(positions)
        if all(map(_is_number, positions)):
            text = f"{base.within(ATOM)}[..., {listed}{', :' * len(left)}]"
            return Code(text, ATOM, left, base.varies)
        if not base.varies:
            return Code(f"{base.within(ATOM)}[{listed}]", ATOM, left, True)
        self.imports.add("specc.runtime.functions.pick")
        sizes = zip(positions, base.shape, strict=False)
        listed = ", ".join(str(int(p) % n) if _is_number(p) else p for p, n in sizes)
        return Code(f"pick({base.text}, {listed}, rank={len(left)})", ATOM, left, True)

    def _position(self, index: Expression) -> str:
        """An index of an axis: a number, or whole numbers in a tensor of whole numbers."""
        known = number_of(index, self.graph.constants, self._shape_of)
        if known is not None:
            return repr(known)
        code = self.write(index)
        node = self._lookup(index.id) if isinstance(index, Name) else None
        counts = node is not None and (node.id in self.plan.graph.classes or node.plate_index)
        return code.text if counts else f"{code.within(ATOM)}.long()"


def _is_number(position: str) -> bool:
    return re.fullmatch(r"-?\d+", position) is not None


def align(code: Code, rank: int) -> Code:
    """The same value with axes of size 1 before its event, up to the given rank."""
    if code.rank >= rank or not code.varies:
        return code
    missing = rank - code.rank
    if code.rank == 0:
        text = f"{code.within(ATOM)}[{', '.join(['...'] + ['None'] * missing)}]"
    else:
        text = code.within(ATOM) + f".unsqueeze({-code.rank - 1})" * missing
    return Code(text, ATOM, (1,) * missing + code.shape, code.varies)


def _power(base: str, exponent: str) -> str:
    """`x**2`, with spaces around the operator where an operand is more than a name or a number."""
    plain = all(re.fullmatch(r"-?[\w.]+", operand) for operand in (base, exponent))
    return f"{base}**{exponent}" if plain else f"{base} ** {exponent}"


def _raised(code: Code, least: int) -> Code:
    """The same value with axes of size 1 at its end, up to the least rank that a function takes."""
    missing = least - code.rank
    if missing <= 0:
        return code
    text = f"{code.within(ATOM)}[{', '.join(['...'] + ['None'] * missing)}]"
    return Code(text, ATOM, code.shape + (1,) * missing, code.varies)


def _flat(code: Code) -> str:
    return code.text if code.rank == 1 else flat(code.within(ATOM), code.rank)


def flat(text: str, rank: int) -> str:
    """A value with that many axes of its own, as a vector: `x.flatten(-2)`."""
    if rank == 1:
        return text
    return f"{text}.flatten({-rank})" if rank else f"{text}[..., None]"


def _matmul(left: Code, right: Code) -> Code:
    a, b = left.within(PRODUCT), right.within(PRODUCT + 1)
    varies = left.varies or right.varies
    if left.rank == 1 and right.rank == 1:
        if not right.varies:
            return Code(f"{a} @ {b}", PRODUCT, (), varies)
        return Code(f"({a} * {b}).sum(-1)", ATOM, (), varies)
    if left.rank == 1:
        shape = (right.shape[-1],)
        if not right.varies:
            return Code(f"{a} @ {b}", PRODUCT, shape, varies)
        one = f"{left.within(ATOM)}.unsqueeze(-2)"
        return Code(f"({one} @ {b}).squeeze(-2)", ATOM, shape, varies)
    if right.rank == 1:
        shape = (left.shape[0],)
        if not left.varies:
            return Code(f"{right.within(PRODUCT)} @ {left.within(ATOM)}.mT", PRODUCT, shape, varies)
        one = f"{right.within(ATOM)}.unsqueeze(-1)"
        return Code(f"({a} @ {one}).squeeze(-1)", ATOM, shape, varies)
    return Code(f"{a} @ {b}", PRODUCT, (left.shape[0], right.shape[-1]), varies)


def _broadcast(left: Shape, right: Shape) -> Shape:
    longest = max(len(left), len(right))
    pairs = zip(
        (1,) * (longest - len(left)) + left, (1,) * (longest - len(right)) + right, strict=True
    )
    return tuple(max(a, b) for a, b in pairs)
