"""The value of an expression of a spec for one event: of a row, a plate element, or a step.

`Moment` has the position: the step of a sequence, the element of a plate, the order of a causal
network. The values of a node with steps are a tensor with an axis of steps, or a mapping from the
steps so far.
"""

from __future__ import annotations

import contextlib
import operator

import torch
from torch.nn.functional import one_hot, softplus

from specc.catalog.causal import Causal
from specc.catalog.supports import REAL, SIMPLEX
from specc.graph.counter import Counter
from specc.language.expressions.tree import (
    Binary,
    Call,
    Index,
    Name,
    Negate,
    Number,
    Over,
    Sequence,
)

FUNCTIONS = {
    "exp": torch.exp,
    "softplus": softplus,
    "softmax": lambda x: x.softmax(-1),
    "tanh": torch.tanh,
    "sum": torch.sum,
}
PLATES = {
    "": lambda x: x[0],
    "first": lambda x: x[0],
    "last": lambda x: x[-1],
    "sum": lambda x: x.sum(0),
    "mean": lambda x: x.mean(0),
    "max": lambda x: x.amax(0),
}
OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "@": torch.matmul,
}


class Expressions:
    """Evaluates expressions of a spec for single events, with the weights of a program."""

    def __init__(self, checked, program):
        self.graph, self.typed, self.plan = checked.graph, checked.typed, checked.plan
        self.element: int | None = None
        self.step: int | None = None
        self.member = 0
        self.modules = {"model": program.model, "guide": getattr(program, "guide", None)}

    # places

    def elements(self, plate):
        """Iterate over the elements of a plate; names on the plate refer to the current one."""
        for element in range(self.graph.plates[plate]):
            self.element = element
            yield element
        self.element = None

    @contextlib.contextmanager
    def at(self, step):
        """A context in which names of nodes on a sequence refer to this step."""
        outer, self.step = self.step, step
        yield
        self.step = outer

    def scan(self, node):
        """The sequence of a node, or None."""
        plates = self.typed.types[node.id].plates
        return next((plate for plate in plates if plate in self.graph.scans), None)

    def length(self, scan, values):
        """The number of steps of a sequence in the row."""
        found = self.graph.scans[scan]
        return found.steps if found.lengths is None else int(values[found.lengths])

    # values

    def value(self, program, expression, values):
        """The value of an expression for one event."""
        match expression:
            case Number(value=number):
                return torch.tensor(float(number))
            case Name():
                return self.name(program, expression, values)
            case Negate(operand=operand):
                return -self.value(program, operand, values)
            case Binary(operator=sign, left=left, right=right):
                sides = (self.value(program, side, values) for side in (left, right))
                return OPERATORS[sign](*sides)
            case Sequence(items=items):
                return torch.stack([self.value(program, item, values) for item in items])
            case Over():
                return self.over(program, expression, values)
            case Index(base=base, indices=indices):
                places = tuple(int(self.value(program, index, values)) for index in indices)
                return self.value(program, base, values)[places]
            case Call(function=function, arguments=arguments):
                if function in FUNCTIONS:
                    return FUNCTIONS[function](self.value(program, arguments[0], values))
                return self.link(program, function, arguments, values)

    def over(self, program, over, values):
        """A value from those at all steps of the row, or that at one of them.

        Without steps, sum and mean are 0, and the others the value at the first step.
        """
        steps = range(self.length(over.plate, values))
        if not steps:
            with self.at(0):
                alone = self.value(program, over.operand, values)
            return alone * (over.function not in ("sum", "mean"))
        if over.index is not None:
            steps = [int(self.value(program, over.index, values))]
        found = []
        for step in steps:
            with self.at(step):
                found.append(self.value(program, over.operand, values))
        return PLATES[over.function](torch.stack(found))

    def name(self, program, name, values):
        """The value of a node: learned, computed, or from `values`."""
        node = self.graph.lookup(program, name.id)
        if node is None:
            return torch.tensor(self.graph.constants[name.id], dtype=torch.float64)
        if node.role == "shift":
            return self.before(program, node, values)
        if isinstance(node, Counter):
            return torch.tensor(float(self.step))
        if node.role == "let":
            return self.value(node.program, node.value, values)
        if node.parts and node.name not in values:
            return self.joint(node, values)
        if node.role == "parameter":
            return self.parameter(node)
        found = values[name.id] if self.scan(node) is None else values[name.id][self.step]
        if self.element is not None and not self.typed.types[node.id].is_local:
            found = found[self.element] if self.typed.types[node.id].plates else found
        return found.to(torch.float64)

    def before(self, program, node, values):
        """The value at the previous step; at the first step of the row the initial value."""
        step = self.step + (1 if node.shift.offset > 0 else -1)
        if 0 <= step < self.length(self.scan(node), values):
            with self.at(step):
                return self.name(program, Name(node.shift.source, node.span), values)
        start = self.value(program, node.initial, values)
        return start.expand(self.typed.types[node.id].shape)

    def joint(self, node, values):
        """The value of a joint node: the concatenation of its flattened parts."""
        return torch.cat([values[part].reshape(-1).to(torch.float64) for part in node.parts])

    def parameter(self, node):
        """The value of a parameter, at this element of a plate or this step of a sequence."""
        learnt = self.plan.programs[node.program].learnable
        raw = getattr(
            self.modules[node.program], next(x.raw for x in learnt if x.node.name == node.name)
        )
        found = raw if node.support == REAL else raw.exp()
        found = raw.softmax(-1) if node.support == SIMPLEX else found
        place = self.element if node.plate is not None else self.step if node.scan else None
        return found if place is None else found[place]

    def link(self, program, function, arguments, values):
        """The output of a network for its joined arguments."""
        modules = self.plan.programs[program].modules
        found = next(m for m in modules if m.link.name == function)
        if isinstance(found.link.entry, Causal):
            return self.masked(program, found, arguments, values)
        attribute = found.attribute
        # For a link without layers, the inputs of `params:` are those of the heads.
        network = getattr(self.modules[program], attribute, torch.nn.Identity())
        return network(self.joined(program, arguments, values))

    def masked(self, program, found, arguments, values):
        """The output of a causal network, before the heads or for the current order."""
        inputs = [self.value(program, arguments[0], values)]
        inputs += [self.joined(program, arguments[1:], values)] if arguments[1:] else []
        made = getattr(self.modules[program], found.attribute)(*inputs)
        if found.tail is not None:
            made = getattr(self.modules[program], found.tail.attribute)(made)
            several = found.link.entry.members(found.link.options) > 1
            return made[self.member] if several else made
        return made

    def joined(self, program, arguments, values):
        """The input of a link: the concatenated arguments, with class numbers one-hot."""
        parts = []
        for argument in arguments:
            part = self.value(program, argument, values)
            node = self.graph.lookup(program, argument.id) if isinstance(argument, Name) else None
            if node is not None and node.id in self.typed.classes:
                part = one_hot(part.long(), self.typed.classes[node.id]).to(torch.float64)
            parts.append(part.reshape(-1))
        return torch.cat(parts)
