"""Decides which normal latents can be integrated out exactly."""

from __future__ import annotations

import math
from functools import cached_property

from specc.catalog.entry import Parameter
from specc.graph.graph import MODEL, ROWS, TypedGraph
from specc.graph.nodes import Distributed, Lagged, Latent, Node, Observed
from specc.graph.queries import has_parameter, parameter_of, random_starts
from specc.objective.passes.linearity import Degree, Degrees
from specc.objective.passes.stochastic_graph import StochasticGraph


class Integrals:
    """Decides which latents of a model can be integrated out.

    `before` has the lagged node of each node of a sequence, `earlier` one of an earlier step.
    """

    def __init__(self, typed: TypedGraph) -> None:
        self.typed, self.stochastic = typed, StochasticGraph(typed.graph, {})
        lagged = (n for n in typed.graph.model.nodes.values() if isinstance(n, Lagged))
        self.before: dict[str, str] = {}
        self.earlier: dict[str, str] = {}
        for node in lagged:
            (self.earlier if node.shift.nearer else self.before)[node.shift.base] = node.name
        self.starts = random_starts(typed.graph)

    @cached_property
    def users(self) -> dict[str, list[Distributed]]:
        """The random nodes of the model whose densities are conditioned on each value."""
        found: dict[str, list[Distributed]] = {}
        for node in self.typed.graph.model.nodes.values():
            if isinstance(node, Distributed):
                for name in self.stochastic.parents(MODEL, node.name) - {node.name}:
                    found.setdefault(name, []).append(node)
        return found

    def obstacle(self, node: Node) -> str:
        """Return why a latent cannot be integrated out in closed form; empty if it can.

        Every node that depends on it must be normal and observed, at the same step of a sequence,
        with a mean that is affine in it and a scale that does not depend on it.
        """
        if not isinstance(node, Distributed) or not node.entry.gaussian:
            return f"`{node.name}` is not normal"
        kind = self.typed.types[node.id]
        if ROWS not in kind.plates or node.through:
            return f"`{node.name}` is shared by all rows" if not node.through else _through(node)
        if node.name in self.starts:
            return self._obstacle_of_start(node, self.starts[node.name])
        if node.name in self.earlier:
            return f"`{self.earlier[node.name]}` is further back than the previous step"
        return _Checks(self, node).run()

    def _obstacle_of_start(self, node: Distributed, lagged: Lagged) -> str:
        """Return why the value before the first step cannot be integrated out with a sequence.

        The first value of the sequence must be affine in it, and nothing else may depend on it.
        """
        graph, base = self.typed.graph, self.typed.graph.model.nodes[lagged.shift.base]
        assert isinstance(base, Latent)
        others = [each.name for each in self.users.get(node.name, []) if each is not base]
        if others:
            return f"`{others[0]}` depends on it, and not `{base.name}` alone"
        if graph.guide is not None and base.name in graph.guide.nodes:
            return f"`{base.name}` depends on it, and a guide draws `{base.name}`"
        if base.id in self.typed.types and self._size(base) != self._size(node):
            return f"`{base.name}` has another number of entries"
        degrees = Degrees(graph, self.stochastic, node.name)
        if degrees.degree(lagged.initial) == Degree.OTHER:
            return f"the initial value of `{base.name}` is not affine in it"
        own = max((degrees.degree(e) for e in base.own_expressions()), default=Degree.CONSTANT)
        if own != Degree.CONSTANT:
            return f"`{base.name}` depends on it at every step"
        return _Checks(self, node).others(node)

    def _size(self, node: Node) -> int:
        return math.prod(self.typed.types[node.id].shape)


def _through(node: Distributed) -> str:
    return f"`{node.name}` goes through a bijection"


class _Checks:
    """Checks the latent and each node that depends on it."""

    def __init__(self, integrals: Integrals, latent: Distributed) -> None:
        self.typed, self.latent = integrals.typed, latent
        self.graph, self.stochastic = self.typed.graph, integrals.stochastic
        self.before = integrals.before.get(latent.name)
        self.users = integrals.users.get(latent.name, [])
        self.starts = integrals.starts

    def run(self) -> str:
        users = self.users
        if not users:
            return f"no data depend on `{self.latent.name}`"
        problems = [self._normal(self.latent, self.before), *map(self._user, users)]
        problems += [self.others(node) for node in (self.latent, *users)]
        return next((problem for problem in problems if problem), "")

    def _user(self, node: Distributed) -> str:
        if not isinstance(node, Observed) or node.is_drawn:
            return f"`{node.name}` depends on it, and is not observed in every row"
        if not node.entry.gaussian:
            return f"`{node.name}` depends on it, and is {node.entry.name}, not normal"
        if node.through:
            return f"`{node.name}` depends on it, and goes through a bijection"
        if node.scan != self.latent.scan:
            return f"`{node.name}` depends on it, and has other steps"
        if self.before is not None and self._degree(node, self.before) != Degree.CONSTANT:
            return f"`{node.name}` depends on {self.before}, and not on `{self.latent.name}` alone"
        return self._normal(node, self.latent.name)

    def _normal(self, node: Distributed, of: str | None) -> str:
        """Check that the mean is affine in `of`, and that the scale does not depend on it."""
        if of is None:
            return ""
        if not all(has_parameter(node.entry, key) for key in node.arguments):
            return ""  # an unknown parameter, which has been reported
        loc, scale = (self._parameter(node, p, of) for p in node.entry.parameters)
        if loc == Degree.OTHER:
            return f"the {node.entry.parameters[0].name} of `{node.name}` is not affine in `{of}`"
        if scale != Degree.CONSTANT:
            return f"the {node.entry.parameters[1].name} of `{node.name}` depends on `{of}`"
        return ""

    def _parameter(self, node: Distributed, parameter: Parameter, of: str) -> Degree:
        degrees = Degrees(self.graph, self.stochastic, of)
        for key, expression in node.arguments.items():
            if parameter_of(node.entry, key)[0] is parameter:
                return degrees.degree(expression)
        return degrees.degree(node.params) if node.params is not None else Degree.CONSTANT

    def _degree(self, node: Distributed, of: str) -> Degree:
        degrees = Degrees(self.graph, self.stochastic, of)
        return max((degrees.degree(e) for e in node.own_expressions()), default=Degree.CONSTANT)

    def others(self, node: Distributed) -> str:
        """Check that no other latent is integrated out, nor states of a sequence summed out."""
        for name in sorted(self.stochastic.parents(MODEL, node.name) - {self.latent.name}):
            other = self.graph.model.nodes.get(name)
            drawn = self.graph.guide is not None and name in self.graph.guide.nodes
            if other is None or other.role != "latent" or drawn:
                continue
            if other.id not in self.typed.types:
                continue  # a node with errors, which have been reported
            start = self.starts.get(name)
            if start is not None and start.shift.base == node.name:
                continue  # integrated out together with the sequence
            is_local = ROWS in self.typed.types[other.id].plates
            finite = isinstance(other, Latent) and other.entry.finite
            if is_local and (not finite or other.scan is not None):
                return f"`{node.name}` depends on `{name}`, which is latent, too"
        return ""
