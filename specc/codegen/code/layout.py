"""Prints statements as lines; a line that is too long is broken at its outermost brackets."""

from __future__ import annotations

from collections.abc import Sequence

from specc.codegen.code.expressions import (
    Attribute,
    Binary,
    Call,
    Code,
    Dict,
    Name,
    Reference,
    Signed,
    Subscript,
    Sum,
    Tuple,
    Unary,
)
from specc.codegen.code.layers import write_module
from specc.codegen.code.statements import (
    Assign,
    Class,
    Comment,
    Declare,
    Define,
    Evaluate,
    For,
    Function,
    If,
    Layers,
    Parameter,
    Return,
    Statement,
    Table,
)
from specc.codegen.code.text import ATOM, PRODUCT, arguments, pairs, signed, text, within
from specc.codegen.code.writer import Writer, listed


def write_class(out: Writer, written: Class) -> None:
    """Write a class: docstring, `__init__` with the layers, methods."""
    out.line(f"class {written.name}(nn.Module):")
    with out.indented():
        out.docstring(written.docstring)
        if written.start:
            out.line()
            taken = ["self", *map(_parameter, written.parameters)]
            out.call("def __init__", taken, " -> None:")
            with out.indented():
                out.line("super().__init__()")
                write_body(out, written.start)
        for method in written.methods:
            out.line()
            write_function(out, method)


def write_function(out: Writer, function: Function) -> None:
    """Write a function or a method, with its decorator."""
    with out.about(function.about or out.node):
        if function.is_property:
            out.line("@property")
        if function.without_gradient:
            out.line("@torch.no_grad()")
        if function.differentiates:
            out.line("@torch.enable_grad()")
        items = ["self"] if function.is_method else []
        items += map(_parameter, function.parameters)
        items += ["*", *map(_parameter, function.keywords)] if function.keywords else []
        out.call(f"def {function.name}", items, f" -> {function.returns}:")
        with out.indented():
            if function.docstring:
                out.docstring(function.docstring)
            write_body(out, function.body)


def _parameter(parameter: Parameter) -> str:
    default = f" = {parameter.default}" if parameter.default else ""
    return f"{parameter.name}: {parameter.annotation}{default}"


def write_body(out: Writer, body: Sequence[Statement]) -> None:
    """Write statements, with the node of each for the source map."""
    node = out.node
    for statement in body:
        out.node = statement.about or node
        _write(out, statement)
    out.node = node


def _write(out: Writer, statement: Statement) -> None:
    match statement:
        case Assign(targets=targets, value=value, shape=shape):
            before = len(out.lines)
            _assign(out, f"{', '.join(targets)}", value)
            if shape and len(out.lines) == before + 1:
                out.remark(shape)
        case Evaluate(value=value):
            _value(out, "", value)
        case Return(value=value):
            _value(out, "return ", value)
        case Comment(text=words):
            out.comment(words) if words else out.line()
        case For(targets=targets, iterable=head, body=body):
            _header(out, f"for {', '.join(targets)} in ", head, ":")
            with out.indented():
                write_body(out, body)
        case If(test=test, body=body):
            out.line(f"if {text(test)}:")
            with out.indented():
                write_body(out, body)
        case Layers(attribute=attribute, lowered=lowered):
            write_module(out, attribute, lowered)
        case Table():
            _table(out, statement)
        case Declare(target=target, annotation=annotation):
            out.statement(f"{target}: {annotation}")
        case Define(function=inner):
            out.line()
            write_function(out, inner)
            out.line()


def _assign(out: Writer, target: str, value: Code) -> None:
    """Write `target = value`; if call + variable is too long, write two statements."""
    match value:
        case Binary(operator="+" | "-" as operator, left=Call() as call, right=right):
            if not out.fits(f"{target} = {text(value)}"):
                _value(out, f"{target} = ", call)
                value = Binary(operator, Name(target), right)
    _value(out, f"{target} = ", value)


def _value(out: Writer, before: str, value: Code) -> None:
    """Write `before` and a value, which may be broken into several lines."""
    if isinstance(value, Tuple):
        _tuple(out, before, value)
    elif isinstance(value, Dict):
        out.collection(before, pairs(value))
    else:
        _header(out, before, value, "")


def _header(out: Writer, before: str, value: Code, after: str) -> None:
    """Write an expression between two texts; a call or a sum is broken inside its parentheses."""
    if isinstance(value, Binary) and not out.fits(f"{before}{text(value)}{after}"):
        value = _as_sum(value)
        if isinstance(value, Binary) and isinstance(value.right, Call):
            head = f"{before}{text(Binary(value.operator, value.left, value.right.function))}"
            if out.fits(f"{head}("):
                out.call(head, arguments(value.right), after)
                return
    trailing, inner = _split(value)
    if trailing and _chain(value) and not out.fits(f"{before}{text(value)}{after}"):
        _fluent(out, before, value, after)
    elif isinstance(inner, Call):
        head = f"{before}{within(inner.function, ATOM)}"
        out.call(head, arguments(inner), f"{trailing}{after}")
    elif isinstance(inner, Sum):
        out.sum(before, signed(inner.terms), trailing)
    else:
        out.statement(f"{before}{text(value)}{after}")


def _is_made(value: Code) -> bool:
    """Whether a value is an instance made in place: `Truncated(normal)`."""
    made = value.function if isinstance(value, Call) else None
    return isinstance(made, Reference) and made.text[0].isupper()


def _chain(value: Code) -> list[Call]:
    """Return the calls of `Truncated(normal).log_prob(x).sum(-1)`, or nothing for another value."""
    calls: list[Call] = []
    while isinstance(value, Call) and isinstance(value.function, Attribute):
        calls.append(value)
        value = value.function.base
    return calls[::-1] if _is_made(value) else []


def _fluent(out: Writer, before: str, value: Code, after: str) -> None:
    """Write a chain of calls in parentheses, with a line for each call if it is too long."""
    out.line(f"{before}(")
    with out.indented():
        if out.fits(text(value)):
            out.line(text(value))
        else:
            calls = _chain(value)
            names = [call.function for call in calls if isinstance(call.function, Attribute)]
            out.line(text(names[0].base))
            for name, call in zip(names, calls, strict=True):
                out.call(f".{name.name}", arguments(call), "")
    out.line(f"){after}")


def _as_sum(value: Code) -> Code:
    """Return a chain of at least two `+` and `-` as a sum, each term on a line of its own."""
    terms: list[Signed] = []
    rest = value
    while isinstance(rest, Binary) and rest.operator in ("+", "-"):
        terms.append(Signed(rest.operator == "-", rest.right))
        rest = rest.left
    if len(terms) < 2:
        return value
    if isinstance(rest, Unary) and rest.operator == "-":
        terms.append(Signed(True, rest.operand))
    else:
        terms.append(Signed(False, rest))
    return Sum(tuple(reversed(terms)))


def _split(value: Code) -> tuple[str, Code]:
    """Split a chain such as `f(x).sum(-1)[0]` into the innermost call or sum and what follows.

    Returns the text that follows, `.sum(-1)[0]`, and the call or sum `f(x)`.
    """
    trailing, inner = "", value
    while True:
        match inner:
            case Call(function=Attribute(base=base)) if _is_made(base):
                return trailing, inner
            case Call(function=Attribute(base=Call() | Sum() | Subscript() as base, name=name)):
                trailing = f".{name}({', '.join(arguments(inner))}){trailing}"
                inner = base
            case Binary(operator="/", left=Call() as left, right=right):
                trailing = f" / {within(right, PRODUCT + 1)}{trailing}"
                inner = left
            case Subscript(base=Call() as base):
                shown = text(inner)
                trailing = shown[len(text(base)) :] + trailing
                inner = base
            case _:
                return trailing, inner


def _tuple(out: Writer, before: str, value: Tuple) -> None:
    """Write a tuple such as `return a, b`; only a dictionary at its end is broken if it has one."""
    *first, last = value.items
    if isinstance(last, Dict) and first:
        out.collection(f"{before}{', '.join(map(text, first))}, ", pairs(last))
        return
    items = [text(item) for item in value.items]
    whole = before + ", ".join(items)
    with out.indented():
        fitting = all(out.fits(f"{item},") for item in items)
    if out.fits(whole) or not fitting:
        out.statement(whole)
        return
    out.line(f"{before}(")
    with out.indented():
        for item in items:
            out.line(f"{item},")
    out.line(")")


SPACED_FROM = 8
"""The number of equally spaced numbers from which on they are not listed."""


def _spaced(values: tuple[object, ...]) -> str:
    """The call that makes many equally spaced numbers; empty for others."""
    numbers = [value for value in values if isinstance(value, float)]
    count = len(numbers)
    if count < SPACED_FROM or count < len(values):
        return ""
    first, last = numbers[0], numbers[-1]
    weights = (k / (count - 1) for k in range(count))
    are_spaced = numbers == [(1 - w) * first + w * last for w in weights] and first != last
    return f"torch.linspace({first!r}, {last!r}, {count})" if are_spaced else ""


def _table(out: Writer, table: Table) -> None:
    """Write a buffer with given entries; a table too long for the line becomes a variable first."""
    registered = f'self.register_buffer("{table.attribute}", {{}}, persistent=False)'
    value = _spaced(table.values) or f"torch.tensor({listed(table.values)})"
    is_nested = isinstance(table.values[0], tuple)
    if is_nested and not out.fits(registered.format(value)):
        out.table("values = ", table.values)
        value = "torch.tensor(values)"
    out.statement(registered.format(value))
