"""Sums of exp(-E) over the values of units: in closed form, and over all their states.

Units that do not interact with each other given the rest can be summed out in closed form: with
a set S of them and all others k,

    F(k) = -log sum_S exp(-E(S, k)) = E(0, k) - sum of the log-partition functions of S,

which becomes a deterministic node. The free energy is that of the hidden units. A sum over all
units, Z, or over hidden units that interact, is the sum of exp(-F) over all states of the rest,
if these are few: the set S is the one that leaves the fewest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping

import networkx as nx
from msgspec.structs import replace

from specc.catalog.entry import Distribution, Shape
from specc.graph import calculus
from specc.graph.calculus import NotPolynomial
from specc.graph.graph import FREE_ENERGY, LOG_BASE
from specc.graph.linear_maps import LinearMaps
from specc.graph.nodes import Derived, EnergyNode, Latent, Node, Observed, StateSum
from specc.graph.passes.energy_shapes import EnergyShapes
from specc.graph.templates import inserted, simplified
from specc.graph.zeros import at_zero
from specc.language.expressions.tree import Binary, Call, Expression, Name
from specc.language.expressions.walk import calls, rewrite

Unit = Latent | Observed

MOST_OF_Z, MOST_OF_A_ROW = 20, 16
"""The log2 of the most states that are summed for log Z, and for the latent units of a row."""

MOST_SETS = 256
"""The most sets of units that do not interact among which the best one is found."""

MOST_NAMED = 3
"""The most units in the name of a free energy."""


class EnergySums:
    """The sums over the units of one energy.

    `value` is the energy with all deterministic nodes that depend on units in it, `places` has the
    expressions for `c` and `a` of each unit with a conditional in closed form, and `written` gives
    an expression its own text.
    """

    def __init__(
        self,
        energy: EnergyNode,
        value: Expression,
        units: Mapping[str, Unit],
        places: Mapping[str, Mapping[str, Expression]],
        shapes: EnergyShapes,
        maps: LinearMaps,
        written: Callable[[Expression], Expression],
    ) -> None:
        self.energy, self.value, self.units = energy, value, units
        self.places, self.shapes, self.maps = places, shapes, maps
        self.written = written
        self.hidden = tuple(name for name in units if name not in energy.visible)
        self.interactions = self._interactions()

    def nodes(self, taken: Collection[str]) -> dict[str, Node]:
        """The energy with its sums, and the nodes that these need, by name.

        `taken` are the names of the nodes of the program.
        """
        found: dict[str, Node] = {}
        free = self._free_energy(self.hidden) if self.hidden else None
        if free is not None:
            found[FREE_ENERGY] = self._node(FREE_ENERGY, free)
        log_z, of_row = self._sum(tuple(self.units), MOST_OF_Z, found, taken), None
        if self.hidden and free is None:
            of_row = self._sum(self.hidden, MOST_OF_A_ROW, found, taken)
        has_density = bool(log_z.free) and (of_row is None or bool(of_row.free))
        is_top = any(isinstance(self.units[name], Latent) for name in self.energy.visible)
        base = self._log_base() if has_density or is_top else None
        if base is not None:
            found[LOG_BASE] = self._node(LOG_BASE, base)
        return {self.energy.name: replace(self.energy, log_z=log_z, of_row=of_row), **found}

    def _node(self, name: str, value: Expression) -> Derived:
        own = self.energy
        return Derived(program=own.program, name=name, span=own.span, value=value)

    def _interactions(self) -> nx.Graph[str]:
        """The units that depend on each other; one that a chain moves has no closed sum."""
        graph: nx.Graph[str] = nx.Graph()
        graph.add_nodes_from(self.units)
        for name, unit in self.units.items():
            for other in self.units:
                if unit.is_moved or any(
                    calculus.mentions(e, {other}) for e in unit.arguments.values()
                ):
                    graph.add_edge(name, other)
        return graph

    # sums over states

    def _sum(
        self, wanted: tuple[str, ...], most: int, found: dict[str, Node], taken: Collection[str]
    ) -> StateSum:
        """The sum over units with the fewest states; adds the node that it needs to `found`."""
        least = math.inf
        for states, kept, summed in sorted(self._choices(wanted), key=self._order):
            least = min(least, states)
            if states > most:
                break
            free = self._node_without(summed, found, taken)
            if free is not None:
                return StateSum(kept, free, states)
        kept = min(self._choices(wanted), key=self._order)[1]
        return StateSum(kept, "", least)

    def _choices(
        self, wanted: tuple[str, ...]
    ) -> Iterator[tuple[float, tuple[str, ...], tuple[str, ...]]]:
        """Each set of units to sum in closed form, after the states of the rest, and the rest."""
        closed = [name for name in wanted if name in self.places]
        alone = [name for name in closed if not self.interactions.has_edge(name, name)]
        apart = nx.complement(self.interactions.subgraph(alone))
        cliques: Iterator[list[str]] = nx.find_cliques(apart)
        for clique in itertools.islice(cliques, MOST_SETS):
            kept = tuple(name for name in wanted if name not in clique)
            states = sum(self._log2_states(name) for name in kept)
            yield states, kept, tuple(name for name in wanted if name in clique)
        if not alone:
            yield sum(self._log2_states(name) for name in wanted), wanted, ()

    def _order(self, choice: tuple[float, tuple[str, ...], tuple[str, ...]]) -> tuple[object, ...]:
        """The states of a choice, and of equal ones the places of the units that it keeps.

        Sets of names have another order in each process.
        """
        places = list(self.units)
        return choice[0], tuple(map(places.index, choice[1]))

    def _log2_states(self, name: str) -> float:
        shape = self.shapes.of_name(name)
        return math.inf if shape is None else log2_states(self.units[name].entry, shape)

    def _node_without(
        self, summed: tuple[str, ...], found: dict[str, Node], taken: Collection[str]
    ) -> str | None:
        """The name of the node with the energy of all units but those summed out, if it exists."""
        if not summed:
            return self.energy.name
        if set(summed) == set(self.hidden) and FREE_ENERGY in found:
            return FREE_ENERGY
        value = self._free_energy(summed)
        if value is None:
            return None
        kept = [name for name in self.units if name not in summed]
        name = f"{FREE_ENERGY}_of_{'_'.join(kept) if len(kept) <= MOST_NAMED else 'the_rest'}"
        if not kept:
            name = "minus_log_z"
        while name in taken or name in found:
            name += "_"
        found[name] = self._node(name, value)
        return name

    # sums in closed form

    def _free_energy(self, summed: tuple[str, ...]) -> Expression | None:
        """F of the other units if those summed out are independent given them; None otherwise."""
        if self.interactions.subgraph(summed).edges or not set(summed) <= set(self.places):
            return None
        try:
            value = at_zero(self.value, set(summed), self.shapes.rank, self.shapes.of, self.maps)
        except NotPolynomial:
            return None
        total: Expression = calculus.number(0, self.energy.span) if value is None else value
        for name in summed:
            part = self._log_partition(self.units[name])
            if part is None:
                return None
            total = calculus.plus(total, calculus.negative(simplified(part)))
        try:
            return self.written(total)
        except NotPolynomial:
            return None

    def _log_partition(self, node: Unit) -> Expression | None:
        """The log of the sum of a unit over its values, as an expression of the others.

        The coefficients may have fewer entries than the unit; each of them counts for every entry
        of the unit that it is the coefficient of. None if the size of the unit is not known.
        """
        assert node.entry.conditional is not None
        shape = self.shapes.of_name(node.name)
        if shape is None:
            return None
        places = {**node.arguments, **self.places[node.name]}
        found = inserted(node.entry.conditional.log_partition, places)
        if not node.entry.result_dims:
            return self._summed(found, shape)
        if len(shape) > 1:
            return self._of_rows(found, shape)
        return rewrite(found, lambda part: self._over_classes(part, shape[-1]))

    def _of_rows(self, found: Expression, shape: Shape) -> Expression | None:
        """The sum over rows of an expression of one; None if they have coefficients in common."""
        whole = [c for c in calls(found) if c.function == "logsumexp"]
        if any(self.shapes.of(c.arguments[0]) != shape for c in whole):
            return None
        axes = calculus.number(1, found.span)

        def change(part: Expression) -> Expression | None:
            if not isinstance(part, Call) or part not in whole:
                return None
            return replace(part, arguments=(*part.arguments, axes))

        return Call("sum", (rewrite(found, change),), found.span, found.span)

    def _summed(self, total: Expression, shape: Shape) -> Expression:
        """A sum over the entries of a shape, of which `total` is the sum over those it has."""
        assert isinstance(total, Call)
        (inner,) = total.arguments
        own = self.shapes.of(inner)
        if own is None or own == shape:
            return total
        count = calculus.number(math.prod(shape) // math.prod(own), total.span)
        return calculus.times(count, total if own else inner)

    def _over_classes(self, part: Expression, count: int) -> Expression | None:
        """log of the sum of exp over `count` classes that have one and the same coefficient."""
        is_whole = isinstance(part, Call) and part.function == "logsumexp"
        if not isinstance(part, Call) or not is_whole or len(part.arguments) > 1:
            return None
        (inner,) = part.arguments
        own = self.shapes.of(inner)
        if own is None or own[-1:] == (count,):
            return None
        each = Call("log", (calculus.number(count, part.span),), part.span, part.span)
        return Binary("+", part if own else inner, each, part.span)

    # the base measure

    def _log_base(self) -> Expression | None:
        """The log of the base measure of the visible units; None if it is 0."""
        total: Expression | None = None
        for name, unit in self.units.items():
            assert unit.entry.conditional is not None
            text, shape = unit.entry.conditional.log_base, self.shapes.of_name(name)
            if name in self.hidden or not text:
                continue
            if shape is None or len(shape) > max(len(unit.entry.result_dims), 1):
                continue
            places = {**unit.arguments, "x": Name(name, self.energy.span)}
            part = simplified(inserted(text, places))
            total = part if total is None else calculus.plus(total, part)
        return None if total is None else self.written(total)


def log2_states(entry: Distribution, shape: Shape) -> float:
    """The log2 of the number of values of a unit, infinity if it is not finite."""
    rank = len(entry.result_dims)
    if not entry.finite or len(shape) < rank:  # a shape with too few axes is refused later
        return math.inf
    events = math.prod(shape[: len(shape) - rank])
    return events * math.log2(shape[-1] if rank else 2)
