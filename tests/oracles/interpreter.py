"""A second reading of a spec: one event at a time, with torch.distributions, and no generated code.

It takes the weights from a program, and everything else (who depends on whom, and how) from the
graph of names that the spec was read into. It knows nothing of batches, particles or plates: what
generated code does to many events at once must be what this does to each.
"""

from __future__ import annotations

import math
import operator

import torch
import torch.distributions as d
from torch import Tensor
from torch.nn.functional import one_hot, softplus

from specc.catalog.causal import Causal
from specc.catalog.supports import REAL, SIMPLEX
from specc.graph.graph import ROWS, Type
from specc.language.expressions.tree import Binary, Call, Index, Name, Negate, Number, Sequence
from specc.language.expressions.walk import calls

FAMILIES = {
    "normal": (d.Normal, "loc scale"),
    "laplace": (d.Laplace, "loc scale"),
    "student_t": (d.StudentT, "df loc scale"),
    "log_normal": (d.LogNormal, "loc scale"),
    "gamma": (d.Gamma, "concentration rate"),
    "exponential": (d.Exponential, "rate"),
    "beta": (d.Beta, "concentration1 concentration0"),
    "half_normal": (d.HalfNormal, "scale"),
    "bernoulli": (d.Bernoulli, "logits"),
    "poisson": (d.Poisson, "rate"),
    "negative_binomial": (d.NegativeBinomial, "total_count logits"),
}
VECTORS = {
    "categorical": (d.Categorical, "logits"),
    "one_hot_categorical": (d.OneHotCategorical, "logits"),
    "dirichlet": (d.Dirichlet, "concentration"),
}
FUNCTIONS = {
    "exp": torch.exp,
    "softplus": softplus,
    "softmax": lambda x: x.softmax(-1),
    "tanh": torch.tanh,
    "sum": torch.sum,
}
OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "@": torch.matmul,
}


class Interpreter:
    """Log-densities of single events under a spec, with the weights of a program."""

    def __init__(self, checked, program):
        self.graph, self.typed, self.plan = checked.graph, checked.typed, checked.plan
        self.element: int | None = None
        self.member = 0
        self.modules = {"model": program.model, "guide": getattr(program, "guide", None)}

    def log_joint(self, program, values):
        """The sum of the log-densities of all random nodes of a program that have a value."""
        nodes = self.graph.programs[program].nodes.values()
        random = [node for node in nodes if node.is_random]
        return sum(self.log_prob(program, node, values) for node in random)

    def log_prob(self, program, node, values):
        """Log p of a node, all its entries and all elements of its plate together."""
        kind = self.typed.types[node.id]
        if node.parts:
            values = {**values, node.name: self.whole(node, values)}
        plate = next((p for p in kind.plates if p != ROWS), None)
        if plate is None:
            return self.event(program, node, values[node.name], values)
        total = torch.tensor(0.0)
        for element in self.elements(plate):
            total = total + self.event(program, node, values[node.name][element], values)
        return total

    def whole(self, node, values):
        """The value of a draw with several parts: all their numbers, part after part."""
        return torch.cat([values[part].reshape(-1).to(torch.float64) for part in node.parts])

    def torn(self, node, value):
        """The parts of a draw by name, each of its own shape."""
        shapes = {part: self.typed.types[node.program, part].shape for part in node.parts}
        pieces = value.split([math.prod(shape) for shape in shapes.values()])
        return {n: p.reshape(s) for (n, s), p in zip(shapes.items(), pieces, strict=True)}

    def elements(self, plate):
        """The elements of a plate in turn, each the one that names on the plate mean."""
        for element in range(self.graph.plates[plate]):
            self.element = element
            yield element
        self.element = None

    def event(self, program, node, value, values):
        """Log p of one event of a node, which may be one element of a plate."""
        log_det = torch.tensor(0.0)
        for call in reversed(node.through):
            log_scale, shift = self.affine(program, call, value.shape, values)
            value = (value - shift) / log_scale.exp()
            log_det = log_det - log_scale.sum()
        members = self.members(node)
        totals = []
        for self.member in range(members):
            own = {**values, node.name: value} if node.name not in values else values
            log_p = self.distribution(program, node, own).log_prob(value)
            totals.append(self.counted(program, node, log_p, values))
        return torch.stack(totals).logsumexp(0) - math.log(members) + log_det

    def counted(self, program, node, log_p, values):
        """The sum over the entries that count: data that may be missing is left out, or drawn."""
        data = self.graph.model.nodes[node.name]
        known = values.get(f"{node.name}_known")
        if data.missing is None or known is None or (data.is_drawn and program == "model"):
            return log_p.sum()
        counts = known if data.is_left_out else ~known
        if counts.dim() < log_p.dim():
            log_p = log_p.sum()
        return torch.where(counts, log_p, 0.0).sum()

    def members(self, node):
        """How many orders the causal link of a node has, the density being their mean."""
        return next((n for n, _ in self.causal(node)), 1)

    def causal(self, node):
        """The causal link applied to the node itself, if there is one, with its orders."""
        for call in (c for e in node.own_expressions() for c in calls(e)):
            link = self.graph.links.get(call.function)
            if link is not None and isinstance(link.entry, Causal):
                yield link.entry.members(link.options), call.function

    def affine(self, program, call, shape, values):
        """The logarithm of the scale, and the shift, of one bijection for one event."""
        modules = self.plan.programs[program].modules
        attribute = next(m.attribute for m in modules if m.link.name == call.function)
        made = getattr(self.modules[program], attribute)
        if not call.arguments:
            return made.log_scale, made.shift
        more = made.linear(self.joined(program, call.arguments, values)).reshape(2, *shape)
        return made.log_scale + more[0], made.shift + more[1]

    def single(self, program, node, values):
        """One draw of one event of a node."""
        value = self.entries(program, node, values)
        for call in node.through:
            log_scale, shift = self.affine(program, call, value.shape, values)
            value = value * log_scale.exp() + shift
        return value

    def entries(self, program, node, values):
        """One draw of what a distribution draws, entry by entry where its link is causal."""
        link = next((name for _, name in self.causal(node)), None)
        if link is None:
            return self.distribution(program, node, values).sample()
        orders = getattr(self.modules[program], link).order
        self.member = int(torch.randint(self.members(node), ()))
        order = orders if self.members(node) == 1 else orders[self.member]
        value = torch.zeros(self.typed.types[node.id].shape)
        for entry in order.argsort():
            drawn = self.distribution(program, node, {**values, node.name: value}).sample()
            value = value.clone()
            value[entry] = drawn[entry]
        return value

    def draw(self, program, values):
        """One draw of all random nodes of a program, after the values that there are."""
        drawn = dict(values)
        for name in self.graph.programs[program].order:
            node = self.graph.node((program, name))
            if node.parts:
                drawn |= self.torn(node, self.single(program, node, drawn))
            elif node.is_random and name not in drawn:
                plate = next((p for p in self.typed.types[node.id].plates if p != ROWS), None)
                elements = self.elements(plate) if plate else (None,)
                events = [self.single(program, node, drawn) for _ in elements]
                drawn[name] = torch.stack(events) if plate else events[0]
        return drawn

    def distribution(self, program, node, values):
        """The distribution of one event, in torch.distributions."""
        shape = self.typed.types[node.id].shape
        if node.entry.name in VECTORS:
            family, names = VECTORS[node.entry.name]
            (vector,) = self.parameters(program, node, names, values)
            if node.entry.name == "categorical":
                size = vector.shape[-1] if vector.dim() else self.typed.classes[node.id]
                vector = vector.expand(*shape, size)
            else:
                vector = vector.expand(shape)
            return family(**{names: vector})
        family, names = FAMILIES[node.entry.name]
        found = self.parameters(program, node, names, values)
        keywords = dict(zip(names.split(), (p.expand(shape) for p in found), strict=True))
        return family(**keywords, validate_args=False)

    def parameters(self, program, node, names, values):
        """The parameters of a node by name, each as it is written: it broadcasts to the event."""
        for key in names.split():
            if key in node.arguments:
                yield self.value(program, node.arguments[key], values)
            elif key == "logits" and "probs" in node.arguments:
                probs = self.value(program, node.arguments["probs"], values)
                yield probs.log() if node.entry.name in VECTORS else probs.logit()
            elif node.params is not None:
                yield self.head(program, node, key, values)
            else:
                yield torch.tensor(float(node.entry.defaults[key]))

    def head(self, program, node, key, values):
        """One linear layer on top of the shared trunk, exp for what must be positive."""
        heads = self.plan.programs[program].heads
        found = next(h for h in heads if (h.node.name, h.parameter.name) == (node.name, key))
        trunk = self.value(program, node.params, values)
        raw = getattr(self.modules[program], found.attribute)(trunk)
        raw = raw[self.member] if self.members(node) > 1 else raw
        shape = self.typed.parameters[node.id, key]
        return (raw if found.parameter.support == REAL else raw.exp()).reshape(shape)

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
            case Index(base=base, indices=indices):
                places = tuple(int(self.value(program, index, values)) for index in indices)
                return self.value(program, base, values)[places]
            case Call(function=function, arguments=arguments):
                if function in FUNCTIONS:
                    return FUNCTIONS[function](self.value(program, arguments[0], values))
                return self.link(program, function, arguments, values)

    def name(self, program, name, values):
        """The value of a node: learnt, computed, or one of `values`."""
        node = self.graph.lookup(program, name.id)
        if node is None:
            return torch.tensor(self.graph.constants[name.id], dtype=torch.float64)
        if node.role == "let":
            return self.value(node.program, node.value, values)
        if node.parts and node.name not in values:
            return self.whole(node, values)
        if node.role != "parameter":
            return values[name.id].to(torch.float64)
        learnt = self.plan.programs[node.program].learnt
        raw = getattr(
            self.modules[node.program], next(x.raw for x in learnt if x.node.name == node.name)
        )
        whole = raw if node.support == REAL else raw.exp()
        whole = raw.softmax(-1) if node.support == SIMPLEX else whole
        return whole if self.element is None or node.plate is None else whole[self.element]

    def link(self, program, function, arguments, values):
        """A network applied to its arguments side by side."""
        modules = self.plan.programs[program].modules
        found = next(m for m in modules if m.link.name == function)
        if isinstance(found.link.entry, Causal):
            return self.masked(program, found, arguments, values)
        attribute = found.attribute
        # A link without layers of its own under `params:` hands its inputs to the heads.
        network = getattr(self.modules[program], attribute, torch.nn.Identity())
        return network(self.joined(program, arguments, values))

    def masked(self, program, found, arguments, values):
        """A causal network: one of its orders, without its heads where it has several."""
        inputs = [self.value(program, arguments[0], values)]
        inputs += [self.joined(program, arguments[1:], values)] if arguments[1:] else []
        made = getattr(self.modules[program], found.attribute)(*inputs)
        if found.tail is not None:
            made = getattr(self.modules[program], found.tail.attribute)(made)
            several = found.link.entry.members(found.link.options) > 1
            return made[self.member] if several else made
        return made

    def joined(self, program, arguments, values):
        """What enters a link: its arguments side by side, class numbers one-hot."""
        parts = []
        for argument in arguments:
            part = self.value(program, argument, values)
            node = self.graph.lookup(program, argument.id) if isinstance(argument, Name) else None
            if node is not None and node.id in self.typed.classes:
                part = one_hot(part.long(), self.typed.classes[node.id]).to(torch.float64)
            parts.append(part.reshape(-1))
        return torch.cat(parts)


def events(values: dict[str, Tensor], kinds: dict[str, Type], particle: int, row: int):
    """The values of one particle of one row; an axis of size 1 stands for all.

    A node on a plate has the values of all its elements, whatever the row.
    """
    found = {}
    for name, value in values.items():
        rank = len(kinds[name].shape)
        lead = value.shape[: value.dim() - rank]
        if any(plate != ROWS for plate in kinds[name].plates):
            found[name] = value[particle] if len(lead) > 1 else value
            continue
        place = [min(row, lead[-1] - 1)] if lead else []
        if len(lead) > 1:
            place = [min(particle, lead[0] - 1), *([0] * (len(lead) - 2)), *place]
        found[name] = value[tuple(place)]
    return found
