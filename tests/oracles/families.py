"""The distribution of one event of a node in torch.distributions, and its bijections."""

from __future__ import annotations

import torch
import torch.distributions as d

from specc.catalog.causal import Causal
from specc.catalog.supports import REAL
from specc.language.expressions.walk import calls
from tests.oracles.expressions import Expressions


class ZeroInflatedPoisson:
    """Counts that are 0 with a probability of their own, else Poisson."""

    def __init__(self, gate_logits, rate, validate_args):
        self.gate, self.base = gate_logits.sigmoid(), d.Poisson(rate, validate_args=validate_args)

    def log_prob(self, x):
        return (self.gate * (x == 0) + (1 - self.gate) * self.base.log_prob(x).exp()).log()

    def sample(self):
        drawn = self.base.sample()
        return torch.where(torch.rand_like(drawn) < self.gate, 0.0, drawn)


class TruncatedNormal:
    """A normal variable between two ends."""

    def __init__(self, lower, upper, loc, scale, validate_args):
        self.ends, self.base = (lower, upper), d.Normal(loc, scale, validate_args=validate_args)

    def shares(self):
        return tuple(
            torch.special.ndtr((end - self.base.loc) / self.base.scale) for end in self.ends
        )

    def log_prob(self, x):
        low, high = self.shares()
        return self.base.log_prob(x) - (high - low).log()

    def sample(self):
        low, high = self.shares()
        drawn = self.base.icdf(low + (high - low) * torch.rand_like(low))
        return drawn.clamp(*self.ends)


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
    "weibull": (d.Weibull, "scale concentration"),
    "zero_inflated(poisson)": (ZeroInflatedPoisson, "gate_logits rate"),
    "truncated(normal)": (TruncatedNormal, "lower upper loc scale"),
    "negative_binomial": (d.NegativeBinomial, "total_count logits"),
}
VECTORS = {
    "categorical": (d.Categorical, "logits"),
    "one_hot_categorical": (d.OneHotCategorical, "logits"),
    "dirichlet": (d.Dirichlet, "concentration"),
}


class Distributions(Expressions):
    """Distributions of single events, and the bijections of their draws."""

    def distribution(self, program, node, values):
        """The distribution of one event in torch.distributions."""
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
        """The parameters of a node by name, which broadcast to the event."""
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
        """The parameter from its head: a linear layer after the trunk, exp if it is positive."""
        heads = self.plan.programs[program].heads
        found = next(h for h in heads if (h.node.name, h.parameter.name) == (node.name, key))
        trunk = self.value(program, node.params, values)
        raw = getattr(self.modules[program], found.attribute)(trunk)
        raw = raw[self.member] if self.members(node) > 1 else raw
        shape = self.typed.parameters[node.id, key]
        return (raw if found.parameter.support == REAL else raw.exp()).reshape(shape)

    def members(self, node):
        """The number of orders of the causal link of a node, over which the density is a mean."""
        return next((n for n, _ in self.causal(node)), 1)

    def causal(self, node):
        """The causal link applied to the node itself, or None, with its orders."""
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
